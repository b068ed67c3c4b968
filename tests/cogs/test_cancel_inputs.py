"""What /cancel takes: a text, a form, a file or a table, and what it says of the rest."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from bot.domain.order_status import OrderStatus
from tests.world import World, shown, whole_list

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


async def test_two_people_fill_the_same_form_at_once(here: World, ann: Any) -> None:
    bob = here.env.create_user("bob")
    await here.connect(bob)
    for order in ("ord_A", "ord_B"):
        here.order(order)
    forms = [await user.slash("cancel") for user in (ann, bob)]
    cards = [
        await user.submit_modal(form, {"orders": order})
        for user, form, order in zip((ann, bob), forms, ("ord_A", "ord_B"), strict=True)
    ]
    await here.settle()
    assert ["ord_A" in shown(card) for card in cards] == [True, False]
    assert ["ord_B" in shown(card) for card in cards] == [False, True]


async def test_a_form_that_was_open_over_a_restart_is_answered(here: World, ann: Any) -> None:
    here.order("ord_A")
    form = await ann.slash("cancel")
    await here.restart()
    card = await ann.submit_modal(form, {"orders": "ord_A"})
    await here.settle()
    assert "1 cancelled" in shown(card)


async def test_without_arguments_a_form_takes_whatever_was_copied(here: World, ann: Any) -> None:
    here.order("ord_A")
    form = await ann.slash("cancel")
    result = await ann.submit_modal(form, {"orders": "please cancel (ord_A), thanks"})
    await here.settle()
    assert "1 cancelled" in shown(result)


@pytest.mark.parametrize("text", ["", "ord_A"])
async def test_the_form_takes_a_file_too_and_over_a_restart(here: World, ann: Any, text: str) -> None:
    for order in ("ord_A", "ord_B"):
        here.order(order)
    form = await ann.slash("cancel")
    await here.restart()
    card = await ann.submit_modal(form, {"orders": text, "file": ("list.txt", b"ord_A\nord_B\n")})
    await here.settle()
    assert "2 cancelled" in shown(card)
    assert sorted(order for call in here.cancel_calls() for order in call) == ["ord_A", "ord_B"]


async def test_a_form_sent_empty_gets_a_clear_sentence(here: World, ann: Any) -> None:
    card = await ann.submit_modal(await ann.slash("cancel"), {})
    assert "No order ID found" in shown(card)
    assert here.cancel_calls() == []


async def test_a_file_in_the_form_that_is_no_text_is_refused(here: World, ann: Any) -> None:
    card = await ann.submit_modal(await ann.slash("cancel"), {"orders": "ord_A", "file": ("x.png", b"\x89PNG\0\0")})
    await here.settle()
    assert "not a text or CSV file" in shown(card)
    assert here.cancel_calls() == []


@pytest.mark.parametrize("text", ["hello", "12 orders please", "ord_", "ord_A_B", "x" * 5_000, "-,;|"])
async def test_text_without_an_order_gets_a_clear_sentence(here: World, ann: Any, text: str) -> None:
    result = await ann.slash("cancel", orders=text)
    assert "No order ID found" in shown(result)
    assert "nothing was done" in shown(result)
    assert len(shown(result)) < 800
    assert here.cancel_calls() == []


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_of_a_table_the_column_of_orders_is_sent_and_nothing_else(
    here: World, ann: Any, mark: str, encoding: str
) -> None:
    for number in ("123", "124", "500"):
        here.order(number)
    rows = [
        "link,Order ID,quantity",
        "https://x.com/124,123,500",
        "https://x.com/1,ord-7,500",
        "https://x.com/2,124,500",
    ]
    table = "\r\n".join(rows).replace(",", mark).encode(encoding)
    result = await ann.slash("cancel", file=("orders.csv", table))
    assert "Skipped `ord-7`: not a complete order ID." in shown(result)
    await ann.click(result.response, label="Cancel 2 orders")
    await here.settle()
    assert here.cancel_calls() == [("123", "124")]
    assert "2 cancelled" in shown(result)


async def test_numbers_are_asked_about_first_since_they_may_be_an_amount(here: World, ann: Any) -> None:
    question = await ann.slash("cancel", orders="10,000")
    await here.settle()
    assert here.cancel_calls() == []
    assert "Cancel 2 orders?" in shown(question)
    assert "`10`\n`000`" in shown(question)


@pytest.mark.parametrize("table", ["order,order_id\n1,2\n", "quantity,link\n1,2\n", 'order,link\n1,"2\n3,4\n'])
async def test_numbers_of_a_table_that_does_not_say_so_plainly_are_no_orders(here: World, ann: Any, table: str) -> None:
    result = await ann.slash("cancel", file=("orders.csv", table.encode()))
    await here.settle()
    assert "No order ID found" in shown(result)
    assert here.cancel_calls() == []


async def test_a_table_and_a_text_name_each_order_once(here: World, ann: Any) -> None:
    for order in ("ord_A", "77"):
        here.order(order)
    result = await ann.slash("cancel", orders="ord_A ord_B_C please", file=("t.csv", b"id;charge\n77;1\nord_A;2\n"))
    assert "1 repeat left out. Skipped `ord_B_C`: not a complete order ID." in shown(result)
    await ann.click(result.response, label="Cancel 2 orders")
    await here.settle()
    assert here.cancel_calls() == [("ord_A", "77")]


async def test_the_whole_list_can_be_handed_in_again(here: World, ann: Any) -> None:
    orders = " ".join(here.order(f"ord_{n:026}", RUNNING) for n in range(180))
    question = await ann.slash("cancel", orders=orders)
    await ann.click(question.response, label="Cancel 180 orders")
    await here.settle()
    table = await whole_list(ann, await ann.slash("queued"))
    again = await ann.slash("cancel", file=("open-orders.csv", table.encode("utf-8-sig")))
    assert "Cancel 180 orders?" in shown(again)
    assert "Skipped" not in shown(again)


async def test_a_file_that_is_no_text_is_refused(here: World, ann: Any) -> None:
    result = await ann.slash("cancel", file=("photo.png", b"\x89PNG\0\0"))
    assert "not a text or CSV file" in shown(result)


async def test_of_much_junk_a_few_words_and_a_number_are_kept(here: World, ann: Any) -> None:
    junk = (
        [f"ord_{n}x…" for n in range(30)]
        + [f"9.{n}E+11" for n in range(100, 140)]
        + [f"w-{n}" for n in range(100, 600)]
    )
    asked = await ann.slash("cancel", file=("orders.txt", " ".join([here.order("ord_A"), *junk]).encode()))
    assert "`ord_7x…` and 22 more. Copy the whole ID" in shown(asked)
    assert "`9.107E+11` and 32 more. Format the column" in shown(asked)
    assert "Skipped `w-100`, `w-101`, `w-102`, `w-103` and 496 more: not complete order IDs." in shown(asked)
    ((kept,),) = here.sql("SELECT ignored FROM requests")
    assert len(kept) < 500
    assert "w-120" not in kept
    more = [*(f"word-{n}" for n in ("of", "some", "list")), *(f"w-{n}" for n in range(100, 5_000))]
    asked = await ann.slash("cancel", file=("orders.txt", " ".join([here.order("ord_B"), *more]).encode()))
    assert "`w-107` and over 992 more: not complete order IDs." in shown(asked)


@pytest.mark.sqlite
async def test_junk_that_an_earlier_release_has_kept_is_told_as_before(here: World, ann: Any) -> None:
    asked = await ann.slash("cancel", orders=here.order("ord_A", RUNNING))
    await here.settle()
    old = '["ord_01HG...", "5.1E+11", ' + ", ".join(f'"w-{n}"' for n in range(100, 150)) + "]"
    with closing(sqlite3.connect(here.folder / "ledger.sqlite3")) as ledger:
        ledger.execute("UPDATE requests SET ignored = ?", (old,))
        ledger.commit()
    here.panel.orders["ord_A"].status = OrderStatus.CANCELLED
    await here.wait(120, step=5)
    assert "1 cancelled" in shown(asked)
    assert "Looks cut short, so not sent: `ord_01HG…`." in shown(asked)
    assert "`5.1E+11`" in shown(asked)
    assert "`w-107` and 42 more: not complete order IDs." in shown(asked)


async def test_more_orders_than_it_takes_are_refused_as_a_whole(here: World, ann: Any) -> None:
    text = " ".join(f"ord_{n}" for n in range(100_001))
    result = await ann.slash("cancel", file=("many.txt", text.encode()))
    assert "more than 100,000 orders" in shown(result)
