"""What is suggested while order IDs are typed: the user's own, open ones first, and never more than fits."""

from datetime import timedelta
from typing import Any

import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from tests.world import World, shown

RUNNING = OrderStatus.IN_PROGRESS
LONG = Upstream(timedelta(days=2))

pytestmark = pytest.mark.usefixtures("env")


async def offered(user: Any, text: str, command: str = "status") -> list[str]:
    """Return what is offered for a text, as people read it."""
    return [choice["name"] for choice in await user.autocomplete(command, "orders", text)]


async def picked(user: Any, text: str, number: int = 0) -> str:
    """Return the text after a choice has been picked."""
    return (await user.autocomplete("cancel", "orders", text))[number]["value"]


async def cancelled(here: World, user: Any, *orders: str, status: OrderStatus = RUNNING) -> None:
    """Have a user cancel orders one after another."""
    for order in orders:
        here.order(order, status, upstream=LONG)
        await user.slash("cancel", orders=order)
        await here.settle()


@pytest.mark.parametrize("command", ["status", "cancel", "refill"])
async def test_open_orders_come_first_then_the_newest_each_with_its_state(here: World, ann: Any, command: str) -> None:
    await cancelled(here, ann, "ord_A", "ord_B")
    await cancelled(here, ann, "ord_C", status=OrderStatus.PENDING)
    await cancelled(here, ann, "ord_D", status=OrderStatus.COMPLETED)
    assert await offered(ann, "", command) == [
        "ord_B · waiting",
        "ord_A · waiting",
        "ord_D · delivered",
        "ord_C · cancelled",
    ]


async def test_a_doubtful_order_is_not_called_waiting(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.wire.faults.append(TimeoutError())
    await ann.slash("cancel", orders="ord_A")
    here.wire.broken = "status"
    await here.app.scheduler.step()
    assert await offered(ann, "") == ["ord_A · unclear"]


async def test_only_what_the_last_word_is_part_of_is_offered(here: World, ann: Any) -> None:
    await cancelled(here, ann, "ord_A17", "ord_B17", "ord_B18")
    assert await offered(ann, "ord_b") == ["ord_B18 · waiting", "ord_B17 · waiting"]
    assert await offered(ann, "17") == ["ord_B17 · waiting", "ord_A17 · waiting"]
    assert await offered(ann, "%") == await offered(ann, "ord_B1_") == await offered(ann, "nothing like it") == []


async def test_several_are_picked_in_turn_and_none_twice(here: World, ann: Any) -> None:
    await cancelled(here, ann, "ord_A", "ord_B", "ord_C")
    text = await picked(ann, "ord_")
    text = await picked(ann, f"{text}, ")
    assert text == "ord_C, ord_B"
    assert await offered(ann, f"{text};") == ["ord_C, ord_B;ord_A · waiting"]
    result = await ann.slash("status", orders=await picked(ann, f"{text} a"))
    assert "-# 3 orders · updated" in shown(result)


async def test_what_does_not_fit_is_not_offered(here: World, ann: Any) -> None:
    name = "ord_" + "A" * 26
    await cancelled(here, ann, name)
    for length, whole in ((40, True), (69, True), (70, True), (71, False), (900, False)):
        choices = await offered(ann, "x" * (length - 1) + " ")
        assert [choice.startswith("x" * (length - 1) + f" {name}") for choice in choices] == [True] * whole
        assert all(len(choice) <= 100 for choice in choices)


async def test_of_many_orders_the_newest_25_are_offered(here: World, ann: Any) -> None:
    await cancelled(here, ann, " ".join(f"ord_{n:02}" for n in range(25)))
    await cancelled(here, ann, "ord_90", "ord_91")
    choices = await offered(ann, "")
    assert len(choices) == 25
    assert [choice.split()[0] for choice in choices[:3]] == ["ord_91", "ord_90", "ord_24"]


async def test_of_an_order_cancelled_twice_the_last_outcome_is_offered_once(here: World, ann: Any) -> None:
    await cancelled(here, ann, "ord_A", status=OrderStatus.COMPLETED)
    here.panel.orders["ord_A"].status = RUNNING
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert await offered(ann, "") == ["ord_A · waiting"]


async def test_nobody_is_offered_anothers_orders(here: World, ann: Any) -> None:
    bob, eve = here.env.create_user("bob"), here.env.create_user("eve")
    await here.connect(bob)
    await cancelled(here, ann, "ord_A")
    assert await offered(bob, "") == []
    assert await offered(eve, "ord_A") == []
    assert "ord_A" not in repr(await bob.autocomplete("cancel", "orders", "ord_A"))
    await cancelled(here, bob, "ord_B")
    assert await offered(bob, "") == ["ord_B · waiting"]
    assert await offered(ann, "") == ["ord_A · waiting"]


async def test_without_a_key_nothing_is_offered(here: World, ann: Any) -> None:
    await cancelled(here, ann, "ord_A")
    await ann.click((await ann.slash("key remove")).response, label="Remove anyway")
    assert await offered(ann, "") == []


async def test_what_was_never_confirmed_is_not_offered(here: World, ann: Any) -> None:
    await ann.slash("cancel", orders=" ".join(f"ord_{n}" for n in range(30)))
    await here.settle()
    assert await offered(ann, "") == []


@pytest.mark.parametrize("text", ["", "\0", "'; --", "%_\\", "\u202e\U0001f600", "ß" * 6_000])
async def test_whatever_is_typed_is_answered(here: World, ann: Any, text: str) -> None:
    await cancelled(here, ann, "ord_A")
    assert await offered(ann, text) == (["ord_A · waiting"] if not text else [])


async def test_a_ledger_that_cannot_be_read_offers_nothing(here: World, ann: Any) -> None:
    await cancelled(here, ann, "ord_A")
    here.sql("ALTER TABLE request_orders RENAME TO mislaid")
    assert await offered(ann, "ord") == []
    assert here.env.errors == []
