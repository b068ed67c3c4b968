"""Several calls with one key are under way at once, each for orders of its own; what one says spoils no other."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import chain
from typing import Any

import httpx
import pytest

from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Balance
from bot.ledger import Work
from bot.panel import Answer
from bot.workers.account_runner import LEFT_FOR
from tests.world import FINE, KEY, World, shown

pytestmark = pytest.mark.usefixtures("env")

NEW_KEY = "np-new-key-0123456789abcdefghij"


async def ask(here: World, user: Any, orders: list[str]) -> Any:
    """Have a user cancel a list; return its card."""
    card = await user.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
    await user.click(card.response, label=f"Cancel {len(orders):,} orders")
    return card


def a_list(here: World, count: int, status: OrderStatus = OrderStatus.PENDING) -> list[str]:
    """Put so many orders into the panel's books."""
    return [here.order(f"ord_{number:04}", status) for number in range(count)]


async def until(happened: Callable[[], object]) -> None:
    """Let the event loop turn until something has happened; raise TimeoutError."""
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.001)  # a loop that never rests keeps SQLite's thread from its turn


def hang(here: World, key: str = KEY) -> asyncio.Event:
    """Let every call with a key that is begun from now on hang, until what is returned happens."""
    here.wire.hanging[key] = asyncio.Event()
    return here.wire.hanging[key]


@asynccontextmanager
async def at_work(here: World) -> AsyncGenerator[None]:
    """Run the scheduler in a task of its own, as it runs in life; at the end the panel answers."""
    stop = asyncio.Event()
    task = asyncio.create_task(here.app.scheduler.run(stop))
    try:
        yield
    finally:
        for event in here.wire.hanging.values():
            event.set()
        here.wire.hanging.clear()
        stop.set()
        await task


def under_way(here: World) -> list[str]:
    """Return the orders that calls under way name, each of which must be named by one alone."""
    named = list(chain.from_iterable(orders for _, orders in here.wire.under_way))
    assert len(named) == len(set(named))
    return named


async def test_a_list_goes_out_by_eight_calls_at_once_and_is_checked_so(here: World, ann: Any) -> None:
    orders = a_list(here, 1_000)
    await ask(here, ann, orders)
    here.panel.calls.clear()
    sending = hang(here)
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 8)
        assert under_way(here) == orders[:800]
        assert {action for action, _ in here.wire.under_way} == {"cancel"}
        checking = hang(here)
        sending.set()
        await until(lambda: Counter(action for action, _ in here.wire.under_way) == {"cancel": 2, "status": 6})
        assert set(under_way(here)) >= set(orders[800:])
        checking.set()
        here.wire.hanging.clear()
        await until(lambda: here.panel.calls and not here.wire.under_way and len(here.calls("status")) >= 10)
    assert here.times_sent() == dict.fromkeys(orders, 1)
    assert sorted(chain.from_iterable(here.calls("status"))) == orders
    assert here.sql("SELECT state, COUNT(*) FROM cancellations GROUP BY state") == [("cancelled", 1_000)]


@pytest.mark.settings(panel_concurrency=3)
async def test_the_operator_says_how_many(here: World, ann: Any) -> None:
    await ask(here, ann, a_list(here, 500))
    hang(here)
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 3)
        for _ in range(500):
            await asyncio.sleep(0)
        assert len(under_way(here)) == 300


async def test_nothing_is_asked_about_twice_at_once(here: World, ann: Any) -> None:
    await ask(here, ann, a_list(here, 250, OrderStatus.IN_PROGRESS))
    await here.settle()
    here.skip(61)
    checking = hang(here)
    await ann.click((await ann.slash("queued")).response, label="Check now")
    async with at_work(here):
        await until(lambda: len(under_way(here)) == 250)
        here.app.ledger._wake(list(Work))  # as after any command
        for _ in range(500):
            await asyncio.sleep(0)
        assert len(under_way(here)) == 250
        checking.set()


async def test_whoever_waits_at_the_screen_is_next(here: World, ann: Any) -> None:
    await ask(here, ann, a_list(here, 2_000))
    first = hang(here)
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 8)
        balance = asyncio.create_task(here.app.services.calls.balances(ann.id))
        await until(lambda: here.app.scheduler._budget._waiting)
        assert len(here.wire.under_way) == 8
        hang(here)
        first.set()
        await until(lambda: ("balance", ("",)) in here.wire.under_way and len(here.wire.under_way) == 8)
        here.wire.hanging[KEY].set()
        ((answer,),) = [await balance]
        assert isinstance(answer.balance, Balance)


async def test_a_short_request_does_not_wait_for_a_long_list(here: World, ann: Any) -> None:
    orders = a_list(here, 3_000)
    await ask(here, ann, orders)
    here.order("ord_short")
    first = hang(here)
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 8)
        await ann.slash("cancel", orders="ord_short")
        hang(here)
        first.set()
        await until(lambda: len(under_way(here)) > 100)
        await until(lambda: "ord_short" in under_way(here))


async def test_a_short_request_is_checked_before_a_long_list(here: World, ann: Any) -> None:
    await ask(here, ann, a_list(here, 3_000))
    here.order("ord_short")
    await here.one_call()
    while here.sql("SELECT waiting FROM requests") != [(0,)]:
        await here.one_call()
    checking = hang(here)
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 8)
        await ann.slash("cancel", orders="ord_short")
        next_ones = hang(here)
        checking.set()
        await until(lambda: ("cancel", ("ord_short",)) in here.wire.under_way)
        hang(here)
        next_ones.set()
        await until(lambda: any(action == "status" and "ord_short" in named for action, named in here.wire.under_way))
    assert len(here.calls("status")) < 30 - 4


async def test_after_a_429_nothing_goes_out_before_the_panel_says_so(here: World, ann: Any) -> None:
    orders = a_list(here, 2_000)
    await ask(here, ann, orders)
    here.panel.calls.clear()
    answers = hang(here)
    limited = Answer(429, '{"error": "Rate limit exceeded"}', {"Retry-After": "40"})
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 8)
        here.wire.faults = [limited, FINE, FINE, limited, FINE, limited, FINE, FINE]
        answers.set()
        await until(lambda: not here.wire.under_way)
        for _ in range(500):
            await asyncio.sleep(0)
        assert len(here.cancel_calls()) == 5
        assert here.wire.faults == []
        here.skip(39)
        here.app.scheduler.bell.ring()
        for _ in range(500):
            await asyncio.sleep(0)
        assert len(here.cancel_calls()) == 5
    here.skip(2)
    await here.settle()
    await here.wait(120)
    assert set(here.panel.cancel_requests.values()) == {1}
    assert len(here.panel.cancel_requests) == 2_000


async def test_a_refused_call_is_halved_while_others_are_answered(here: World, ann: Any) -> None:
    orders = a_list(here, 1_000)
    here.wire.allergic_to = orders[150]
    card = await ask(here, ann, orders)
    tried = Counter[str]()
    here.wire.tried = lambda action: tried.update([action])
    await here.settle()
    assert "999 cancelled" in shown(card)
    assert tried["cancel"] < 10 + 30
    assert here.panel.cancel_requests == dict.fromkeys(set(orders) - {orders[150]}, 1)


async def test_calls_that_fail_together_count_as_one_failure(here: World, ann: Any) -> None:
    orders = a_list(here, 1_600)
    await ask(here, ann, orders)
    answers = hang(here)
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 8)
        here.wire.faults = [Answer(502, "<html>"), *[FINE] * 3, *[Answer(502, "<html>")] * 4]
        answers.set()
        await until(lambda: not here.wire.under_way)
        for _ in range(500):
            await asyncio.sleep(0)
        assert len(here.times_sent()) == 800  # a pause has begun, and what was under way before does not end it
        here.skip(3)
        here.app.scheduler.bell.ring()
        await until(lambda: len(here.times_sent()) == 1_600)


async def test_a_new_key_is_used_from_the_next_call_on(here: World, ann: Any) -> None:
    orders = a_list(here, 1_600)
    await ask(here, ann, orders)
    answers = hang(here)
    here.panel.add_key(NEW_KEY, beside=KEY)
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 8)
        await here.connect(ann, NEW_KEY)
        await until(lambda: len(under_way(here)) == 0 or len(here.times_sent()) == 1_600)
        answers.set()
    await here.settle()
    assert Counter(call.key for call in here.panel.calls if call.action == "cancel") == {KEY: 8, NEW_KEY: 8}
    assert here.times_sent() == dict.fromkeys(orders, 1)


async def test_stop_takes_back_all_that_was_not_begun(here: World, ann: Any) -> None:
    orders = a_list(here, 2_000)
    card = await ask(here, ann, orders)
    answers = hang(here)
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 8)
        await ann.click(card.response, label="Stop sending")
        here.wire.faults = [httpx.ConnectError("refused"), *[FINE] * 7]
        answers.set()
    await here.settle()
    assert len(here.panel.cancel_requests) == 700
    assert "700 cancelled" in shown(card)
    assert "1,300" in shown(card)


async def test_after_a_kill_nothing_of_eight_calls_is_lost_or_sent_again_early(here: World, ann: Any) -> None:
    orders = a_list(here, 1_600, OrderStatus.IN_PROGRESS)
    await ask(here, ann, orders)
    hang(here)
    scheduler = asyncio.create_task(here.app.scheduler.run(asyncio.Event()))
    await until(lambda: len(here.wire.under_way) == 8)
    scheduler.cancel()
    await here.app.scheduler.abandon()
    here.wire.hanging.pop(KEY).set()
    await here.restart()
    await here.settle()
    assert here.sql("SELECT COUNT(*) FROM cancellations WHERE ambiguous_attempts = 1") == [(800,)]
    await here.wait(400, step=5)
    assert here.hasty() == []
    assert len(here.panel.cancel_requests) == 1_600


async def test_a_call_that_was_paid_for_before_a_429_was_heard_is_not_made_after_it(here: World, ann: Any) -> None:
    orders = a_list(here, 200)
    await ask(here, ann, orders)
    runner, held = here.app.scheduler._runner, asyncio.Event()
    take, taken = runner._take, list[Any]()

    async def hold_the_second(*arguments: Any) -> Any:
        mine = await take(*arguments)
        taken.append(mine)
        if len(taken) == 2:
            await held.wait()
        return mine

    runner._take = hold_the_second  # type: ignore[method-assign]
    tried = Counter[str]()
    here.wire.tried = lambda action: tried.update([action])
    answers = hang(here)
    here.wire.faults = [Answer(429, '{"error": "Rate limit exceeded"}', {"Retry-After": "40"})]
    async with at_work(here):
        await until(lambda: here.wire.under_way and len(taken) > 1)
        answers.set()
        await until(lambda: here.app.scheduler._budget.blocked_until(1))
        held.set()
        await until(lambda: here.sql("SELECT DISTINCT state FROM cancellations") == [("requested",)])
    assert tried == {"cancel": 1}
    here.skip(41)
    await here.settle()
    assert here.panel.cancel_requests == dict.fromkeys(orders, 1)


async def test_an_account_is_looked_at_again_where_its_turns_end_at_the_same_moment(here: World, ann: Any) -> None:
    here.order("ord_A")
    runner, both = here.app.scheduler._runner, asyncio.Event()
    run, turns = runner.run, list[Any]()

    async def find_nothing(turn: Any) -> timedelta:
        turns.append(turn)
        await both.wait()
        return LEFT_FOR

    runner.run = find_nothing  # type: ignore[method-assign]
    async with at_work(here):
        await ann.slash("cancel", orders="ord_A")
        await until(lambda: len(turns) == 1)
        here.app.ledger._wake([Work.ORDERS])  # as any command of anybody's does
        await until(lambda: len(turns) == 2)
        runner.run = run  # type: ignore[method-assign]
        both.set()
        await until(lambda: not here.app.scheduler._turns)
        here.skip(2)
        here.app.scheduler.bell.ring()
        await until(lambda: here.times_sent() == {"ord_A": 1})


async def test_what_was_under_way_beside_a_429_does_not_take_back_that_it_is_waited_for(here: World, ann: Any) -> None:
    await ask(here, ann, a_list(here, 1_600))
    answers = hang(here)
    async with at_work(here):
        await until(lambda: len(here.wire.under_way) == 8)
        here.wire.faults = [Answer(429, '{"error": "Rate limit exceeded"}', {"Retry-After": "40"}), *[FINE] * 7]
        answers.set()
        await until(lambda: here.sql("SELECT COUNT(*) FROM cancellations WHERE state = 'accepted'") == [(700,)])
        assert here.sql("SELECT trouble FROM accounts") == [("rate_limited",)]
    here.skip(41)
    await here.settle()
    assert here.sql("SELECT trouble FROM accounts") == [(None,)]
    assert len(here.panel.cancel_requests) == 1_600
