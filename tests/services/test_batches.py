"""Many orders, asked about in several calls at once."""

import asyncio
from typing import Any

import pytest

from bot.domain.order_status import OrderStatus
from bot.panel import Answer, Panel
from bot.services.batches import ask_in_batches
from tests.workers.test_long_lists import names
from tests.world import FINE, World

pytestmark = pytest.mark.usefixtures("env")


class Slow:
    """A panel's answers that come only once they may, and that tell when their calls have arrived."""

    def __init__(self) -> None:
        self._arrived = asyncio.Semaphore(0)
        self.may_answer = asyncio.Event()

    async def __call__(self, answer: Answer) -> Answer:
        self._arrived.release()
        await self.may_answer.wait()
        return answer

    async def arrive(self, calls: int) -> None:
        """Wait for so many calls."""
        async with asyncio.timeout(10):
            for _ in range(calls):
                await self._arrived.acquire()


async def asked(here: World, ann: Any, action: str, orders: list[str]) -> Any:
    """Ask for the status or a refill of orders."""
    calls = here.app.services.calls
    if action == "status":
        return await calls.look_up(ann.id, orders)
    return await calls.refill(await here.app.services.accounts.usable(ann.id), orders)


@pytest.mark.parametrize("action", ["status", "refill"])
async def test_after_the_first_answer_all_others_are_asked_for_at_once(here: World, ann: Any, action: str) -> None:
    first, others = Slow(), Slow()
    here.wire.faults = [first, *[others] * 8]
    orders = [here.order(order, OrderStatus.COMPLETED) for order in names(900)]
    task = asyncio.create_task(asked(here, ann, action, orders))
    await first.arrive(1)
    await here.env.settle()
    assert len(here.calls(action)) == 1

    first.may_answer.set()
    await others.arrive(8)
    others.may_answer.set()
    result = await task
    assert sorted(result.rows) == orders
    assert sorted(order for call in here.calls(action) for order in call) == orders


@pytest.mark.parametrize("action", ["status", "refill"])
async def test_nothing_goes_on_after_its_command_was_cancelled(here: World, ann: Any, action: str) -> None:
    before = asyncio.all_tasks()
    slow = Slow()
    here.wire.faults = [FINE, slow, slow]
    orders = [here.order(order, OrderStatus.COMPLETED) for order in names(300)]
    task = asyncio.create_task(asked(here, ann, action, orders))
    await slow.arrive(2)
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.cancelled()
    left = asyncio.all_tasks() - before
    assert {task.get_coro().__qualname__ for task in left} <= {"Gateway._asked", "Panel._counted"}  # on the wire
    slow.may_answer.set()
    await asyncio.wait(left)
    assert len(here.calls(action)) == 3


async def test_what_is_under_way_when_a_call_fails_is_waited_for(here: World, ann: Any) -> None:
    slow, calls = Slow(), here.app.services.calls
    here.wire.faults = [FINE, slow, Answer(502, "")]
    told: dict[int, bool] = {}

    async def heard(first: int, _batch: Any, answer: Any) -> bool:
        told[first] = failed = isinstance(answer, Exception)
        if failed:
            slow.may_answer.set()
        return not failed

    account = await here.app.services.accounts.usable(ann.id)
    await ask_in_batches(calls._gateway, account.id, Panel.status, names(300), heard)
    assert told.keys() == {0, 100, 200}
    assert sorted(told.values()) == [False, False, True]  # which of the two met the fault depends on the ledger
