"""Two keys of one account of the panel: an order is cancelled once, and what its tier is refused closes both."""

from typing import Any

import pytest

from bot.panel import Answer
from tests.cogs.several_keys.shop import LONG, RUNNING, SHOP, calls
from tests.invariants import breaches
from tests.world import KEY, World, shown

pytestmark = pytest.mark.usefixtures("env")

SECOND = "np-second-key-of-main-555"


@pytest.fixture
async def twice(here: World, ann: Any) -> Any:
    """Ann with a second key of the account of her first, called "second"."""
    here.panel.add_key(SECOND, beside=KEY)
    await here.connect(ann, SECOND, "second")
    return ann


async def test_an_order_is_sent_once_and_shown_on_both_cards(here: World, twice: Any) -> None:
    here.order("ord_A", RUNNING, upstream=LONG)
    first = await twice.slash("cancel", orders="ord_A")
    second = await twice.slash("cancel", orders="ord_A", key="second")  # before the first is sent
    await here.settle()
    third = await twice.slash("cancel", orders="ord_A", key="second")
    await here.settle()
    assert len(calls(here, "cancel")) == 1
    assert here.panel.cancel_requests["ord_A"] == 1
    for card in (first, second, third):
        assert "1 waiting" in shown(card)
    assert breaches(here.sql) == {}


async def test_an_order_of_another_account_is_found_by_whichever_key_is_right(here: World, twice: Any) -> None:
    here.order("ord_S", RUNNING, upstream=LONG, key=SHOP)
    cards = [await twice.slash("cancel", orders="ord_S", key=key) for key in ("main", "second", "Shop")]
    await here.settle()
    assert here.panel.cancel_requests["ord_S"] == 1
    assert [key for key, orders in calls(here, "cancel")][-1] == SHOP
    assert "1 waiting" in shown(cards[-1])
    assert breaches(here.sql) == {}


async def test_a_new_key_takes_over_what_the_rejected_one_left(here: World, twice: Any) -> None:
    here.order("ord_A", RUNNING, upstream=LONG)
    await twice.slash("cancel", orders="ord_A")
    await here.settle()
    del here.panel.keys[KEY]
    await here.wait(1200, step=60)
    card = await twice.slash("cancel", orders="ord_A", key="second")
    await here.settle()
    assert "1 waiting" in shown(card)
    assert here.panel.cancel_requests["ord_A"] == 1
    before = len(calls(here, "status"))
    await here.wait(1200, step=60)
    assert {key for key, _ in calls(here, "status")[before:]} == {SECOND}
    assert breaches(here.sql) == {}


async def test_a_card_is_paused_only_by_keys_that_its_open_orders_need(here: World, twice: Any) -> None:
    for order in ("ord_A", "ord_B"):
        here.order(order, RUNNING, upstream=LONG)
    card = await twice.slash("cancel", orders="ord_A ord_B")
    await here.settle()
    del here.panel.keys[KEY]
    for _ in range(2):
        await twice.slash("balance", key="main")
        here.skip(62)
    await here.settle()
    assert "Paused: NotPanel rejects your key" in shown(card)
    await twice.slash("cancel", orders="ord_A", key="second")
    await here.wait(5)
    assert "Paused: NotPanel rejects your key" in shown(card)  # ord_B is not watched
    await twice.slash("cancel", orders="ord_B", key="second")
    await here.wait(5)
    assert "2 waiting" in shown(card)
    assert "Paused" not in shown(card)
    assert "when it's settled" in shown(card)


async def test_what_goes_on_under_another_key_is_not_lost_with_a_removed_one(here: World, twice: Any) -> None:
    for order in ("ord_A", "ord_B"):
        here.order(order, RUNNING, upstream=LONG)
    await twice.slash("cancel", orders="ord_A ord_B")
    await here.settle()
    await twice.slash("cancel", orders="ord_B", key="second")
    await here.settle()
    question = await twice.slash("key remove", name="main")
    await twice.click(question.response, label="Remove anyway")
    assert "1 order is no longer watched" in shown(question)
    assert "`ord_B`" in shown(await twice.slash("queued"))


async def test_what_is_refused_for_the_tier_holds_up_the_other_key_too_also_after_a_restart(
    here: World, twice: Any
) -> None:
    here.order("ord_A", "completed")
    for key in ("main", "second"):  # a completed order is seen, and ends
        here.wire.faults.append(Answer(200, '{"cancel":"ord_A"}'))
        await twice.slash("cancel", orders="ord_A", key=key)
        await here.settle()
        here.skip(5)
    assert here.sql("SELECT name, panel_account FROM accounts ORDER BY id") == [
        ("main", 1),
        ("Shop", None),
        ("second", 1),
    ]
    await here.restart()
    for order in ("ord_M", "ord_T"):
        here.order(order)
    here.order("ord_S", key=SHOP)
    reset = str(int(here.clock.now.timestamp()) + 40)
    refusal = {"X-RateLimit-DeniedBy": "tier", "X-RateLimit-Reset": reset}
    here.wire.faults.append(Answer(429, '{"error":"Rate limit exceeded"}', refusal))
    await twice.slash("cancel", orders="ord_M")
    await here.settle()
    before = len(here.panel.calls)
    await twice.slash("cancel", orders="ord_T", key="second")
    await twice.slash("cancel", orders="ord_S", key="Shop")
    await here.settle()
    assert {call.key for call in here.panel.calls[before:]} == {SHOP}
    await here.wait(45)
    assert {order for _, orders in calls(here, "cancel")[-3:] for order in orders} == {"ord_M", "ord_T", "ord_S"}
