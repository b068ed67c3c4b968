"""When a cancel call without a clear answer is made again: late, after checks, and a few times only."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from bot.demo.panel import Call
from bot.domain.order_status import OrderStatus
from bot.domain.states import MAX_AMBIGUOUS
from bot.panel import Answer
from tests.panel.fakes import AMBIGUOUS
from tests.world import KEY, START, Late, Twice, World, choose, messages, shown

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


@pytest.mark.parametrize("after", [None, 1, 5, 20, 60, 119])
@pytest.mark.parametrize("heard", AMBIGUOUS, ids=str)
async def test_what_the_panel_does_late_it_is_asked_for_once(
    here: World, ann: Any, heard: Exception | Answer, after: float | None
) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING)
    here.wire.faults = [Late(after, heard)]
    await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(119)
    assert here.cancel_calls() == [("ord_A", "ord_B")]
    await here.wait(150)
    assert here.hasty() == []
    assert here.panel.cancel_requests["ord_A"] == 1


@pytest.mark.parametrize("heard", [None, *AMBIGUOUS], ids=str)
async def test_what_reaches_the_panel_twice_is_told_as_it_is(
    here: World, ann: Any, heard: Exception | Answer | None
) -> None:
    for order, status in {"ord_A": OrderStatus.PENDING, "ord_B": RUNNING, "ord_C": OrderStatus.COMPLETED}.items():
        here.order(order, status)
    here.wire.faults = [Twice(heard)]
    card = await ann.slash("cancel", orders="ord_A ord_B ord_C")
    await here.wait(20)
    assert "refused" not in shown(card)
    assert "✅ **Cancelled** (1)" in shown(card)
    assert "📦 **Delivered, not cancelled** (1)" in shown(card)
    await here.wait(100)
    assert "✅ **Cancelled** (2)" in shown(card)
    assert len(here.cancel_calls()) == 1


async def test_each_resend_waits_longer_and_for_two_checks(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.wire.broken = "cancel"
    await ann.slash("cancel", orders="ord_A")
    tries = list[float]()

    def note(action: str) -> None:
        if action == "cancel":
            tries.append((here.clock() - START).total_seconds())

    here.wire.tried = note
    await here.wait(9 * 3600, step=30)
    pauses = [later - before for before, later in pairwise(tries)]
    assert len(pauses) == MAX_AMBIGUOUS - 1
    assert pauses[0] >= 120
    assert all(later >= 4 * before for before, later in pairwise(pauses))


async def test_one_check_is_not_enough_for_a_resend_however_late_it_comes(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.wire.faults = [httpx.ReadError("reset")]
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    here.panel.calls.append(Call("cancel", KEY, ("ord_A",), here.clock()))  # as far as the bot can know
    here.wire.broken = "status"
    await here.wait(180)
    here.wire.broken = None
    await here.wait(180)
    assert here.panel.cancel_requests == {"ord_A": 1}
    assert here.hasty() == []


async def test_a_check_now_and_a_restart_bring_no_resend_forward(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.wire.faults = [Late(30, httpx.ReadError("reset"))]
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    for _ in range(4):
        await here.restart()
        await ann.click((await ann.slash("queued")).response, label="Check now")
        await here.wait(25, step=5)
    assert here.cancel_calls() == [("ord_A",)]
    await here.wait(60)
    assert here.panel.cancel_requests == {"ord_A": 1}
    assert "Cancelled: `ord_A`" in messages(ann)[-1]


@pytest.mark.parametrize("back", [20, 3600, 9 * 24 * 3600])
@pytest.mark.parametrize("down", [False, True], ids=["running", "restarted"])
async def test_a_clock_set_back_brings_no_resend_forward(here: World, ann: Any, back: int, down: bool) -> None:
    here.order("ord_A", RUNNING)
    here.wire.faults = [httpx.ReadError("reset")]
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    here.clock.now -= timedelta(seconds=back)
    if down:
        await here.restart()
    await here.wait(119)
    assert here.cancel_calls() == []
    await here.wait(300)
    assert here.panel.cancel_requests == {"ord_A": 1}


@pytest.mark.parametrize("down", [False, True], ids=["running", "restarted"])
async def test_nor_does_it_where_one_more_try_was_asked_for(here: World, ann: Any, down: bool) -> None:
    here.order("ord_A", RUNNING)
    here.wire.faults = [Answer(200, '[{"order": "ord_A", "error": "Cancellation already requested"}]')]
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    await choose(ann, card.response, "Retry the 1 unclear")
    here.clock.now -= timedelta(hours=9)
    if down:
        await here.restart()
    await here.wait(119)
    assert here.panel.cancel_requests == {}
    await here.wait(300)
    assert here.panel.cancel_requests == {"ord_A": 1}


async def test_many_doubtful_calls_end_in_watching_not_in_sending(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    here.wire.broken = "cancel"
    await here.wait(9 * 3600, step=60)
    assert here.times_sent() == {"ord_A": MAX_AMBIGUOUS}
    assert here.sql("SELECT state, ambiguous_attempts, given_up FROM cancellations") == [("unknown", MAX_AMBIGUOUS, 1)]
    here.wire.broken = None
    await here.wait(3600, step=60)
    assert here.panel.cancel_requests == {}
    assert "`/cancel` them to try once more" in shown(await ann.slash("queued"))
    here.panel.orders["ord_A"].status = "completed"
    await here.wait(3600, step=60)
    assert "Not cancelled: `ord_A` was delivered" in messages(ann)[-1]


async def test_after_many_doubtful_calls_the_user_can_ask_once_more(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    here.wire.broken = "cancel"
    await here.wait(9 * 3600, step=60)
    here.wire.broken = None
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(30)
    assert here.panel.cancel_requests["ord_A"] == 1
    assert "Waiting at the provider" in shown(card)


async def test_a_panel_that_fails_at_cancelling_alone_is_given_time(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.wire.broken = "cancel"
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(300)
    assert "❔ **Unclear**" in shown(card)
    assert here.times_sent() == {"ord_A": 2}
    assert here.sql("SELECT state FROM cancellations") == [("unknown",)]
    here.wire.broken = None
    await here.wait(900)
    assert here.panel.cancel_requests["ord_A"] == 1
    assert "Cancelled: `ord_A`" in messages(ann)[-1]
