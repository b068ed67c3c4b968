"""/cancel: one order or hundreds, from an option, a form, a file or a message."""

import csv
import random
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from bot.cards import actions
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ledger.lists import MOST_SHOWN
from tests.world import World, messages, offers_of, shown, text_of, whole_list

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


async def test_a_pending_order_is_cancelled_once_its_status_says_so(here: World, ann: Any) -> None:
    here.order("ord_A")
    result = await ann.slash("cancel", orders="ord_A")
    assert "cancelled" not in shown(result).casefold()
    await here.settle()
    assert "1 cancelled" in shown(result)
    assert "✅ **Cancelled** (1)" in shown(result)
    assert messages(ann) == []  # told on the card; no message on top


async def test_each_outcome_has_its_group_its_reason_and_a_next_step(here: World, ann: Any) -> None:
    here.order("ord_pending")
    here.order("ord_running".replace("_r", "_R"), RUNNING)
    here.order("ord_done", OrderStatus.COMPLETED)
    here.order("ord_fixed", RUNNING, cancellable=False)
    result = await ann.slash("cancel", orders="ord_pending ord_Running ord_done ord_fixed ord_absent")
    await here.settle()
    text = shown(result)
    assert "1 cancelled · 1 waiting · 2 not possible · 1 delivered" in text
    assert "📦 **Delivered, not cancelled** (1)" in text  # "already completed" the panel says of every end
    assert not any("Refill" in offer for offer in offers_of(result.response))
    assert "“Service does not support cancellation”" in text
    assert "“Order not found”" in text
    assert "Not refunded yet" in text


async def test_a_queued_order_is_followed_until_it_ends(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(), remains=650)
    result = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "Waiting at the provider" in shown(result)
    await here.wait(90)
    assert "1 cancelled" in shown(result)
    (notice,) = messages(ann)
    assert notice == "### ✅ Cancelled: `ord_A` · −0.50 USD"  # noqa: RUF001


async def test_what_one_order_came_to_is_told_once(here: World, ann: Any) -> None:
    whole = "ord_01HG9X7KJP4N2Q8RSTVWXYZ001"  # an ID that fills a line of a phone
    here.order(whole, RUNNING, upstream=Upstream(ends_as="partial"), remains=400)
    await ann.slash("cancel", orders=whole)
    await here.wait(90)
    (notice,) = messages(ann)
    assert notice.startswith(f"### 🌓 Partly delivered: `{whole}` · 400 not delivered · −0.20 USD")  # noqa: RUF001
    assert notice.count("400 not delivered") == notice.count("0.20 USD") == 1


async def test_what_came_back_for_more_orders_than_a_card_reads_is_summed(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{n:03}", RUNNING, upstream=Upstream(), remains=650) for n in range(MOST_SHOWN + 3)]
    question = await ann.slash("cancel", orders=" ".join(orders))
    await ann.click(question.response, label=f"Cancel {len(orders)} orders")
    await here.settle()
    await here.wait(120)
    assert f"✅ **Cancelled** ({len(orders)})\n-# 61.50 USD refunded." in shown(question)
    assert f"✅ **Cancelled** ({len(orders)})\n-# 61.50 USD refunded." in messages(ann)[-1]


async def test_an_order_that_runs_on_is_not_called_cancelled(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(ends_as="completed"))
    here.order("ord_B", RUNNING, upstream=Upstream(ends_as="partial"), remains=650)
    result = await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(90)
    (notice,) = messages(ann)  # both within one window: one message
    for text in (shown(result), notice):
        assert "Delivered, not cancelled" in text
        assert "🌓 **Partly delivered** (1)\n-# 0.32 USD refunded." in text
        assert "`ord_B` · 650 not delivered" in text
        assert text.count("refunded") == 1
        assert text.casefold().count("cancelled") == text.count("Delivered, not cancelled") == 1


async def test_repeating_the_command_joins_what_is_under_way(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    again = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert here.panel.cancel_requests["ord_A"] == 1
    assert "1 was already being cancelled; not sent twice." in shown(again)
    await here.wait(90)
    assert "1 cancelled" in shown(again)
    assert "1 was already being cancelled; not sent twice." in shown(again)  # it was when that was asked
    assert len(messages(ann)) == 1


async def test_repeating_the_command_later_says_what_was_cancelled_by_then(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING, upstream=Upstream(timedelta(days=2)))
    await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(10)
    again = await ann.slash("cancel", orders="ord_A ord_B")
    await here.settle()
    assert "-# 1 was already cancelled; not sent again.\n" in shown(again)
    assert "-# 1 was already being cancelled; not sent twice." in shown(again)
    assert set(here.panel.cancel_requests.values()) == {1}


def big_list(rng: random.Random) -> tuple[str, list[str]]:
    """Return a file with 250 IDs, mixed separators, repeats and junk; and the IDs."""
    ids = [f"ord_{rng.getrandbits(120):030X}" for _ in range(250)]
    words = [*ids, *rng.sample(ids, 40), "Order-ID", "https://notpanel.com/orders", "1000", "ord_A_B", "done"]
    rng.shuffle(words)
    separators = [",", ";", "\n", "\r\n", "\t", " | ", "  ", '","', " / "]
    return "".join(word + rng.choice(separators) for word in words), ids


async def test_what_was_only_asked_for_again_keeps_no_other_order_waiting(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.order("ord_B")
    for order in ("ord_A", "ord_A", "ord_B"):
        await ann.slash("cancel", orders=order)
        await here.settle()
    assert here.panel.cancel_requests == {"ord_A": 1, "ord_B": 1}


async def test_250_orders_from_a_file_cost_three_calls_and_none_is_sent_twice(here: World, ann: Any) -> None:
    text, ids = big_list(random.Random(1))
    for index, order in enumerate(ids):
        status = (OrderStatus.PENDING, RUNNING, OrderStatus.COMPLETED)[index % 3]
        here.order(order, status)
    asked = await ann.slash("cancel", file=("orders.csv", text.encode()))
    await here.settle()
    assert "Cancel 250 orders?" in shown(asked)
    assert "40 repeats left out" in shown(asked)
    assert "`ord_A_B`" in shown(asked)
    assert "`1000`" in shown(asked)
    assert here.cancel_calls() == []

    await ann.click(asked.response, custom_id="np:confirm:1")
    await here.settle()
    calls = here.cancel_calls()
    assert [len(call) for call in calls] == [100, 100, 50]
    assert sorted(order for call in calls for order in call) == sorted(ids)
    assert set(here.panel.cancel_requests.values()) == {1}
    assert "84 cancelled · 83 waiting · 83 delivered" in shown(asked)
    lines = (await whole_list(ann, asked)).splitlines()
    outcome = {row[0]: row[1] for row in csv.reader(lines[1:])}
    expected = ("Cancelled", "Waiting at the provider", "Delivered, not cancelled")
    assert outcome == {order: expected[index % 3] for index, order in enumerate(ids)}


@pytest.mark.settings(confirm_above=1)
async def test_confirm_pressed_twice_sends_once(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.order("ord_B", RUNNING)
    asked = await ann.slash("cancel", orders="ord_A ord_B")
    message = asked.response.message
    await ann.click(asked.response, label="Cancel 2 orders")
    await here.settle()
    assert "np:confirm" not in repr(asked.response.components)
    # A second press that was already on its way when the first one was answered.
    place = here.app.services.cancels.message_ref(ann.id, message.channel.id, None, message.id)
    await here.app.services.cancels.answer(1, ann.id, place, go=True)
    await here.settle()
    assert here.panel.cancel_requests == {"ord_A": 1, "ord_B": 1}


@pytest.mark.settings(confirm_above=1)
async def test_keep_sends_nothing_and_says_no_more_than_that(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    asked = await ann.slash("cancel", orders="ord_A ord_B")
    await ann.click(asked.response, label="Don't cancel")
    await here.settle()
    assert shown(asked) == "### Nothing was sent"  # the first is being cancelled all the same
    assert here.cancel_calls() == [("ord_A",)]


@pytest.mark.settings(confirm_above=1)
async def test_a_question_lapses(here: World, ann: Any) -> None:
    await ann.send_dm("cancel ord_A ord_B")
    reply = ann.dm_channel.last_message
    here.skip(16 * 60)
    await ann.click(reply, label="Cancel 2 orders")
    await here.settle()
    assert "Too late to confirm" in messages(ann)[-1]
    assert here.cancel_calls() == []


@pytest.mark.settings(confirm_above=1)
@pytest.mark.parametrize("minutes", [16, 70])
async def test_a_late_answer_to_a_question_is_told_that_it_is_late(here: World, ann: Any, minutes: int) -> None:
    asked = await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(minutes * 60, step=60)
    pressed = await ann.click(asked.response, custom_id="np:confirm:1")
    assert "Too late to confirm" in shown(pressed)
    assert here.cancel_calls() == []


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


@pytest.mark.settings(confirm_above=1)
async def test_only_the_requester_may_confirm(here: World) -> None:
    guild = here.env.create_guild()
    channel = guild.create_text_channel("orders")
    ann = guild.add_member(here.env.create_user("ann"))
    bob = guild.add_member(here.env.create_user("bob"))
    await here.connect_in(channel, ann)
    asked = await ann.slash(channel, "cancel", orders="ord_A ord_B")
    assert asked.ephemeral  # bob cannot even see it …
    forged = await here.post(channel, actions.CONFIRM.button(1, count=2))
    pressed = await bob.click(forged, custom_id="np:confirm:1")
    await here.settle()
    assert "somebody else" in text_of(pressed.followups[0].components)
    assert here.cancel_calls() == []


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


async def test_an_order_proven_cancelled_is_not_sent_again(here: World, ann: Any) -> None:
    here.order("ord_A")
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    again = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "1 cancelled" in shown(again)
    assert here.cancel_calls() == [("ord_A",)]


async def test_more_orders_than_it_takes_are_refused_as_a_whole(here: World, ann: Any) -> None:
    text = " ".join(f"ord_{n}" for n in range(100_001))
    result = await ann.slash("cancel", file=("many.txt", text.encode()))
    assert "more than 100,000 orders" in shown(result)
