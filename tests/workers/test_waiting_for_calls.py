"""Calls wait in turn, by what they are for and who has called least; what would wait too long is refused at once."""

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.panel_answers import Limits
from bot.panel import RateLimited, Unavailable
from bot.workers.budget import PATIENCE, Budget, Key, NewKey
from bot.workers.call_counts import CallKind
from tests.panel.lines import clock_of_loop
from tests.workers.test_budget import ANN, BOB, WINDOW, most_in_a_minute, spend_all
from tests.world import Clock

MANY = 1_000
"""Calls at once: here only those of a minute are limited."""

arrivals = st.lists(
    st.tuples(st.floats(0, 8), st.integers(-2, 4), st.sampled_from(list(CallKind))), min_size=1, max_size=60
)


@given(arrivals, st.integers(3, 12), st.integers(1, 8))
async def test_whoever_waits_is_served_within_its_patience_or_told_when_and_no_limit_is_passed(
    arrivals: list[tuple[float, int, CallKind]], ip_limit: int, key_limit: int
) -> None:
    clock, steps = Clock(), list[asyncio.Event]()

    async def sleep(_: float) -> None:
        steps.append(asyncio.Event())
        await steps[-1].wait()

    budget = Budget(clock, ip_limit, key_limit, at_once=MANY, sleep=sleep)
    told = list[tuple[datetime | None, datetime]]()
    through, tasks = list[tuple[datetime, Key]](), list[asyncio.Task[None]]()

    async def call(key: Key, use: CallKind) -> None:
        begun = clock.now
        try:
            await budget.wait(key, use)
        except RateLimited as error:
            told.append((error.reset, begun))
        else:
            through.append((clock.now, key))
        assert clock.now <= begun + PATIENCE + timedelta(seconds=1)

    async def pass_time(seconds: float) -> None:
        until = clock.now + timedelta(seconds=seconds)
        while True:
            for _ in range(5):
                await asyncio.sleep(0)
            if clock.now >= until:
                return
            clock.now = min(until, clock.now + timedelta(seconds=1))
            woken, steps[:] = steps[:], []
            for step in woken:
                step.set()

    for seconds, number, use in arrivals:
        key = number if number >= 0 else NewKey(number)
        await pass_time(seconds)
        if use >= CallKind.SEND:
            if budget.blocked_until(key, use) is None:
                budget.spend(key, use)
                through.append((clock.now, key))
        else:
            tasks.append(asyncio.create_task(call(key, use)))
            if key == 3:  # gives up at once
                await asyncio.sleep(0)
                tasks[-1].cancel()
    await pass_time(12)
    assert all(one.done() and (one.cancelled() or one.exception() is None) for one in tasks)
    assert budget._waiting == []
    assert all(reset and reset > begun + PATIENCE for reset, begun in told)
    assert most_in_a_minute([time for time, _ in through]) <= ip_limit
    for key in (NewKey(-2), NewKey(-1), *range(5)):
        assert most_in_a_minute([time for time, one in through if one == key]) <= key_limit


def test_sending_leaves_a_tenth_of_the_address_to_whoever_waits_for_an_answer() -> None:
    budget = Budget(Clock(), 300, 100, at_once=MANY)
    sent = 0
    for account_id in range(5):
        while not budget.blocked_until(account_id, CallKind.SEND):
            budget.spend(account_id, CallKind.SEND)
            sent += 1
    assert sent == 270
    assert spend_all(budget, 9) == 30


async def test_keys_without_an_account_have_a_small_share_and_are_forgotten() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100, at_once=MANY)
    for number in range(1, 21):
        await budget.wait(NewKey(number))
    with pytest.raises(RateLimited):
        await budget.wait(NewKey(99))
    await budget.wait(ANN)
    clock.now += WINDOW
    await budget.wait(NewKey(100))
    assert [one for one in budget._keys if isinstance(one, NewKey)] == [NewKey(100)]


async def test_whoever_has_called_least_goes_first_and_answers_before_previews() -> None:
    clock = Clock()
    waits = list[asyncio.Event]()

    async def sleep(_: float) -> None:
        waits.append(asyncio.Event())
        await waits[-1].wait()

    budget, served = Budget(clock, 4, 100, at_once=MANY, sleep=sleep), list[int]()
    for seconds in (0, 1, 2, 3):
        clock.now += timedelta(seconds=1 if seconds else 0)
        budget.spend(ANN)
    clock.now += timedelta(seconds=55)

    async def call(account_id: int, use: CallKind) -> None:
        await budget.wait(account_id, use)
        served.append(account_id)

    tasks = [
        asyncio.create_task(call(account_id, use))
        for account_id, use in ((7, CallKind.PREVIEW), (ANN, CallKind.COMMAND), (BOB, CallKind.COMMAND))
    ]
    for _ in range(12):
        await asyncio.sleep(0)
        clock.now += timedelta(seconds=1)
        woken, waits[:] = waits[:], []
        for one in woken:
            one.set()
        for _ in range(3):
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert served == [BOB, ANN, 7]


async def test_whoever_comes_behind_a_whole_minutes_calls_is_refused_at_once() -> None:
    clock, asleep = Clock(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        await asleep.wait()

    budget = Budget(clock, 10, 10, at_once=MANY, sleep=sleep)
    spend_all(budget, ANN)
    clock.now += WINDOW - PATIENCE / 2  # all of it comes free at once, within everybody's patience
    waits = [asyncio.create_task(budget.wait(number)) for number in range(BOB, BOB + 12)]
    await asyncio.sleep(0)
    refused = [task.exception() for task in waits if task.done()]
    assert [isinstance(error, RateLimited) and error.reset == clock.now + WINDOW for error in refused] == [True, True]
    clock.now += PATIENCE / 2
    asleep.set()
    await asyncio.gather(*waits[:10])


async def test_whoever_waits_for_room_is_patient_as_long_as_calls_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    budget, loop = Budget(Clock(), 300, 100, at_once=2), clock_of_loop(monkeypatch)
    under_way = [budget.spend(ANN) for _ in range(2)]
    waits = [asyncio.create_task(budget.wait(ANN)) for _ in range(3)]
    for first in waits[:2]:
        await loop.skip(PATIENCE.total_seconds() - 2)
        budget.ended(under_way.pop(), Limits(), 0.1)
        await first
    await loop.skip(PATIENCE.total_seconds() - 2)
    assert not waits[2].done()
    await loop.skip(3)
    with pytest.raises(Unavailable) as refused:
        await waits[2]
    assert not refused.value.may_have_acted
    budget.ended(waits[0].result(), Limits(), 0.1)
    assert budget.has_room(ANN)
