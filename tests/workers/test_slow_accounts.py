"""A panel that answers slowly for some keys holds up nobody else for longer than a few seconds."""

import asyncio
from typing import Any

import pytest

from bot.workers.scheduler import _FIRST_TURNS, SLOW_AFTER
from tests.world import World

pytestmark = pytest.mark.usefixtures("env")

SLOW = SLOW_AFTER.total_seconds() + 1


async def hang(here: World, count: int, prefix: str = "slow") -> asyncio.Event:
    """Have so many users cancel an order at a panel that does not answer; return what lets it answer."""
    answered = asyncio.Event()
    for number in range(count):
        user, key = here.env.create_user(f"{prefix}{number}"), f"np-{prefix}-key-{number:04}"
        here.panel.add_key(key)
        await here.connect(user, key)
        here.order(f"ord_{prefix}{number}", key=key)
        await user.slash("cancel", orders=f"ord_{prefix}{number}")
        here.skip(62 if number % 15 == 14 else 0)  # only so many keys are checked in a minute
        here.wire.hanging[key] = answered
    return answered


async def sent(here: World, order: str) -> None:
    """Wait until an order has been sent; raise TimeoutError."""
    async with asyncio.timeout(20):
        while (order,) not in here.cancel_calls():  # noqa: ASYNC110  # the panel tells nobody
            await asyncio.sleep(0)


async def test_others_find_room_once_calls_are_slow(here: World, ann: Any) -> None:
    answered = await hang(here, 3 * _FIRST_TURNS)
    await here.app.scheduler.start_due()
    here.order("ord_A")
    await ann.slash("cancel", orders="ord_A")  # behind all the others
    for _ in range(5):  # each time half of the room is free again, for those who have waited longest
        here.skip(SLOW)
        await here.app.scheduler.start_due()
    await sent(here, "ord_A")
    assert here.app.scheduler.slow_calls == 3 * _FIRST_TURNS
    answered.set()
    await here.settle()
    assert here.app.scheduler.slow_calls == 0
    assert len(here.cancel_calls()) == 3 * _FIRST_TURNS + 1


async def test_whoever_was_slow_takes_no_more_than_half_of_the_room(here: World) -> None:
    answered = await hang(here, 2 * _FIRST_TURNS)
    for _ in range(3):
        await here.app.scheduler.start_due()
        here.skip(SLOW)
    answered.set()
    await here.app.scheduler.finish()
    answered.clear()  # their status checks, which come next, hang as well
    for _ in range(10):
        here.skip(SLOW)
        await here.app.scheduler.start_due()
    assert here.app.scheduler.slow_calls <= _FIRST_TURNS // 2
    answered.set()
    await here.settle()
