"""Nothing is written by halves, whoever is cancelled when, and what is committed is seen."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from bot.domain.states import State, Transition
from bot.ledger import NoticeKind, Outcome, Reader, Work, Writer
from tests.ledger.ledger_case import FOUND, LATER, WINDOW, LedgerCase, ask, claim
from tests.world import START, orders_of


class PowerCut(Exception):
    """What a test raises in the middle of writing."""


def everything(ledger_case: LedgerCase) -> list[list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    return [ledger_case.sql(f"SELECT * FROM {name}") for name in ledger_case.below.tables()]


async def test_outcome_card_mark_and_outbox_line_are_one_transaction(ledger_case: LedgerCase) -> None:
    request_id = await ledger_case.ask("ord_A")
    row = await ledger_case.lead("ord_A", State.ACCEPTED, State.QUEUED)
    await ledger_case.seen(request_id)
    before = everything(ledger_case)
    outcome = Outcome(row, Transition(State.CANCELLED, 0), LATER, FOUND)

    async def write_until_the_power_fails() -> None:
        async with ledger_case.at(LATER) as tx:
            await tx.record(ledger_case.account.id, [outcome])
            assert (await orders_of(tx, request_id))[0].state is State.CANCELLED
            assert len(await tx.cards_due(LATER)) == 1
            assert len(await tx.notices_due(LATER + WINDOW)) == 1
            raise PowerCut

    with pytest.raises(PowerCut):
        await write_until_the_power_fails()
    assert everything(ledger_case) == before

    await ledger_case.record(row, State.CANCELLED, FOUND)
    assert (await ledger_case.newest("ord_A")).state is State.CANCELLED
    assert [request.id for request in await ledger_case.ledger.read.cards_due(LATER)] == [request_id]
    assert ledger_case.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def write_one(ledger_case: LedgerCase, name: str) -> None:
    """Write two requests in one transaction, by all kinds of queries."""
    async with ledger_case.ledger.write() as tx:
        await ask(tx, ledger_case.account, f"{name}_1")
        await claim(tx, ledger_case.account)
        await orders_of(tx, 1)
        await tx.recover_sending()
        await ask(tx, ledger_case.account, f"{name}_2")


def halves(ledger_case: LedgerCase) -> list[tuple[Any, ...]]:
    """Return every transaction of which only a half is there."""
    return ledger_case.sql(
        "SELECT substr(named, 1, length(named) - 2) AS name, COUNT(*) FROM ("
        " SELECT COALESCE(ro.order_id, c.order_id) AS named"
        " FROM request_orders ro LEFT JOIN cancellations c ON c.id = ro.cancellation_id) AS names"
        " GROUP BY name HAVING COUNT(*) <> 2"
    )


async def cancel_after(work: Awaitable[None], turns: int) -> bool:
    """Run something, cancel it after so many turns of the loop; tell whether it was still at work."""
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    cut = task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return cut


async def slowly(ledger_case: LedgerCase, name: str, passing: Callable[[], Awaitable[None]]) -> None:
    """Write like `write_one`, with a pause at every step in which a test can act."""
    await passing()
    async with ledger_case.ledger.write() as tx:
        await passing()
        await ask(tx, ledger_case.account, f"{name}_1")
        await passing()
        await claim(tx, ledger_case.account)
        await passing()
        await ask(tx, ledger_case.account, f"{name}_2")
        await passing()


@pytest.mark.parametrize("step", range(5))
async def test_a_task_cancelled_between_two_writes_leaves_nothing_of_them(ledger_case: LedgerCase, step: int) -> None:
    may_have_acted: list[None] = []
    here = asyncio.Event()

    async def passing() -> None:
        may_have_acted.append(None)
        if len(may_have_acted) > step:
            here.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(slowly(ledger_case, "ord_A", passing))
    await here.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ledger_case.sql("SELECT COUNT(*) FROM requests") == [(0,)]
    await write_one(ledger_case, "ord_B")
    assert ledger_case.sql("SELECT COUNT(*) FROM requests") == [(2,)]
    assert halves(ledger_case) == []


async def test_tasks_cancelled_at_any_moment_leave_no_transaction_open(ledger_case: LedgerCase) -> None:
    rng = random.Random(7)
    cut = 0
    for n in range(150):
        # Several at once: some wait for the lock, one for BEGIN, for a statement, for COMMIT or for ROLLBACK.
        turns = [rng.choice((0, 1, 2, 3, 5, 8, 20, 80, 300)) for _ in range(3)]
        cuts = [cancel_after(write_one(ledger_case, f"ord_{n}x{k}"), count) for k, count in enumerate(turns)]
        cut += sum(await asyncio.gather(*cuts))
    await asyncio.wait_for(write_one(ledger_case, "ord_last"), 20)
    assert ledger_case.sql("SELECT SUM(orders) FROM requests WHERE id > (SELECT MAX(id) - 2 FROM requests)") == [(2,)]
    assert halves(ledger_case) == []
    assert 0 < cut <= 450
    ledger_case.below.write_once()  # nobody holds the write lock


async def test_a_task_cancelled_while_beginning_leaves_no_transaction_open(ledger_case: LedgerCase) -> None:
    for turns in range(40):
        await cancel_after(write_one(ledger_case, f"ord_{turns}"), turns)
        ledger_case.below.write_once()
    assert halves(ledger_case) == []


async def test_what_is_committed_is_seen_by_the_next_read_whatever_else_is_being_read(ledger_case: LedgerCase) -> None:
    large = await ledger_case.ask(*(f"ord_{n}" for n in range(200)))
    ended = asyncio.Event()

    async def keep_reading() -> None:
        while not ended.is_set():
            await orders_of(ledger_case.ledger.read, large)

    readers = [asyncio.create_task(keep_reading()) for _ in range(4)]
    unseen = 0
    try:
        for n in range(40):
            request_id = await ledger_case.ask(f"ord_new{n}")
            unseen += await ledger_case.ledger.read.request(request_id) is None
    finally:
        ended.set()
        await asyncio.gather(*readers)
    assert unseen == 0


async def test_a_transaction_at_once_is_whole_or_nothing(ledger_case: LedgerCase) -> None:
    async def half(tx: Writer) -> None:
        await ask(tx, ledger_case.account, "ord_A")
        raise PowerCut

    before = everything(ledger_case)
    with pytest.raises(PowerCut):
        await ledger_case.ledger.write_at_once(half)
    assert everything(ledger_case) == before
    request_id = await ledger_case.ledger.write_at_once(lambda tx: ask(tx, ledger_case.account, "ord_A"))
    assert await ledger_case.ledger.read.waiting_orders(request_id) == ["ord_A"]


@pytest.mark.sqlite
async def test_a_transaction_at_once_that_waits_for_anything_else_is_refused_as_a_whole(
    ledger_case: LedgerCase,
) -> None:
    async def waiting(tx: Writer) -> None:
        await ask(tx, ledger_case.account, "ord_A")
        await asyncio.sleep(0)

    before = everything(ledger_case)
    with pytest.raises(RuntimeError, match="waits for something"):
        await ledger_case.ledger.write_at_once(waiting)
    assert everything(ledger_case) == before


@pytest.mark.parametrize("turns", range(4))
async def test_a_transaction_at_once_that_nobody_waits_for_any_more_is_whole_or_nothing(
    ledger_case: LedgerCase, turns: int
) -> None:
    async def two(tx: Writer) -> None:
        await ask(tx, ledger_case.account, "ord_A_1")
        await ask(tx, ledger_case.account, "ord_A_2")

    await cancel_after(ledger_case.ledger.write_at_once(two), turns)
    await write_one(ledger_case, "ord_B")  # comes after it, whatever became of it
    assert halves(ledger_case) == []


@pytest.fixture
def woken(ledger_case: LedgerCase) -> list[Work]:
    """For what the loops of a ledger have been woken."""
    found = list[Work]()
    for work in Work:
        ledger_case.ledger.when_due(work, partial(found.append, work))
    return found


async def test_loops_are_woken_once_what_was_made_due_is_committed(ledger_case: LedgerCase, woken: list[Work]) -> None:
    async with ledger_case.ledger.write() as tx:
        await ask(tx, ledger_case.account, "ord_A")
        assert woken == []
    assert woken == [Work.ORDERS]
    await ledger_case.ledger.write_at_once(lambda tx: tx.notify(ledger_case.account, NoticeKind.REJECTED))
    assert woken == [Work.ORDERS, Work.NOTICES]
    await ledger_case.ledger.write_at_once(
        lambda tx: tx.notify(ledger_case.account, NoticeKind.REJECTED)
    )  # in the same message
    assert woken == [Work.ORDERS, Work.NOTICES]


async def test_what_was_rolled_back_wakes_nobody(ledger_case: LedgerCase, woken: list[Work]) -> None:
    async def broken(tx: Writer) -> None:
        await ask(tx, ledger_case.account, "ord_A")
        raise PowerCut

    async def written() -> None:
        async with ledger_case.ledger.write() as tx:
            await broken(tx)

    for attempt in (ledger_case.ledger.write_at_once(broken), written()):
        with pytest.raises(PowerCut):
            await attempt
    assert woken == []


async def test_a_transaction_is_dated_when_nobody_else_writes_any_more(ledger_case: LedgerCase) -> None:
    async def dated() -> datetime:
        async with ledger_case.ledger.write() as tx:
            return tx.now

    async with ledger_case.at(START) as first:
        waiting = [asyncio.ensure_future(dated()), asyncio.ensure_future(ledger_case.ledger.write_at_once(date))]
        await asyncio.sleep(0)
        ledger_case.clock.now = LATER
    assert first.now == START
    assert await asyncio.gather(*waiting) == [LATER, LATER]


async def date(tx: Writer) -> datetime:
    """Return when a transaction takes place."""
    return tx.now


async def test_what_is_read_as_of_one_moment_adds_up_while_orders_are_being_sent(ledger_case: LedgerCase) -> None:
    async with ledger_case.at(START) as tx:
        request_id = await ask(tx, ledger_case.account, *(f"ord_{number}" for number in range(60)))

    async def count(read: Reader) -> int:
        request = await read.request(request_id)
        assert request
        groups = await read.groups_of_request(request_id)
        return request.waiting + sum(group.count for group in groups.values())

    async def send() -> None:
        for _ in range(60):
            async with ledger_case.ledger.write() as tx:
                await claim(tx, ledger_case.account, 1)

    sending = asyncio.ensure_future(send())
    counted = {60}
    while not sending.done():
        counted.add(await ledger_case.ledger.snapshot(count))
    await sending
    assert counted == {60}
