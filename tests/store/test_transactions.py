"""Nothing is written by halves, whoever is cancelled when, and what is committed is seen."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from bot.domain.states import State, Transition
from bot.ledger import NoticeKind, Outcome, Writer
from tests.store.books import FOUND, LATER, WINDOW, Books, ask, claim
from tests.world import START, orders_of


class PowerCut(Exception):
    """What a test raises in the middle of writing."""


def everything(books: Books) -> list[list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    return [books.sql(f"SELECT * FROM {name}") for name in books.below.tables()]


async def test_outcome_card_mark_and_outbox_line_are_one_transaction(books: Books) -> None:
    request_id = await books.ask("ord_A")
    row = await books.lead("ord_A", State.ACCEPTED, State.QUEUED)
    await books.seen(request_id)
    before = everything(books)
    outcome = Outcome(row, Transition(State.CANCELLED, 0), LATER, FOUND)

    async def write_until_the_power_fails() -> None:
        async with books.ledger.write() as tx:
            await tx.record(books.account.id, [outcome], LATER, WINDOW)
            assert (await orders_of(tx, request_id))[0].state is State.CANCELLED
            assert len(await tx.cards_due(LATER)) == 1
            assert len(await tx.notices_due(LATER + WINDOW)) == 1
            raise PowerCut

    with pytest.raises(PowerCut):
        await write_until_the_power_fails()
    assert everything(books) == before

    await books.record(row, State.CANCELLED, FOUND)
    assert (await books.newest("ord_A")).state is State.CANCELLED
    assert [request.id for request in await books.ledger.read.cards_due(LATER)] == [request_id]
    assert books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def write_one(books: Books, name: str) -> None:
    """Write two requests in one transaction, by all kinds of queries."""
    async with books.ledger.write() as tx:
        await ask(tx, books.account, f"{name}_1")
        await claim(tx, books.account)
        await orders_of(tx, 1)
        await tx.recover_sending(START, WINDOW)
        await ask(tx, books.account, f"{name}_2")


def halves(books: Books) -> list[tuple[Any, ...]]:
    """Return every transaction of which only a half is there."""
    return books.sql(
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


async def slowly(books: Books, name: str, passing: Callable[[], Awaitable[None]]) -> None:
    """Write like `write_one`, with a pause at every step in which a test can act."""
    await passing()
    async with books.ledger.write() as tx:
        await passing()
        await ask(tx, books.account, f"{name}_1")
        await passing()
        await claim(tx, books.account)
        await passing()
        await ask(tx, books.account, f"{name}_2")
        await passing()


@pytest.mark.parametrize("step", range(5))
async def test_a_task_cancelled_between_two_writes_leaves_nothing_of_them(books: Books, step: int) -> None:
    may_have_acted: list[None] = []
    here = asyncio.Event()

    async def passing() -> None:
        may_have_acted.append(None)
        if len(may_have_acted) > step:
            here.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(slowly(books, "ord_A", passing))
    await here.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert books.sql("SELECT COUNT(*) FROM requests") == [(0,)]
    await write_one(books, "ord_B")
    assert books.sql("SELECT COUNT(*) FROM requests") == [(2,)]
    assert halves(books) == []


async def test_tasks_cancelled_at_any_moment_leave_no_transaction_open(books: Books) -> None:
    rng = random.Random(7)
    cut = 0
    for n in range(150):
        # Several at once: some wait for the lock, one for BEGIN, for a statement, for COMMIT or for ROLLBACK.
        turns = [rng.choice((0, 1, 2, 3, 5, 8, 20, 80, 300)) for _ in range(3)]
        cuts = [cancel_after(write_one(books, f"ord_{n}x{k}"), count) for k, count in enumerate(turns)]
        cut += sum(await asyncio.gather(*cuts))
    await asyncio.wait_for(write_one(books, "ord_last"), 20)
    assert books.sql("SELECT SUM(orders) FROM requests WHERE id > (SELECT MAX(id) - 2 FROM requests)") == [(2,)]
    assert halves(books) == []
    assert 0 < cut <= 450
    books.below.write_once()  # nobody holds the write lock


async def test_a_task_cancelled_while_beginning_leaves_no_transaction_open(books: Books) -> None:
    for turns in range(40):
        await cancel_after(write_one(books, f"ord_{turns}"), turns)
        books.below.write_once()
    assert halves(books) == []


async def test_what_is_committed_is_seen_by_the_next_read_whatever_else_is_being_read(books: Books) -> None:
    large = await books.ask(*(f"ord_{n}" for n in range(200)))
    ended = asyncio.Event()

    async def keep_reading() -> None:
        while not ended.is_set():
            await orders_of(books.ledger.read, large)

    readers = [asyncio.create_task(keep_reading()) for _ in range(4)]
    unseen = 0
    try:
        for n in range(40):
            request_id = await books.ask(f"ord_new{n}")
            unseen += await books.ledger.read.request(request_id) is None
    finally:
        ended.set()
        await asyncio.gather(*readers)
    assert unseen == 0


async def test_a_transaction_at_once_is_whole_or_nothing(books: Books) -> None:
    async def half(tx: Writer) -> None:
        await ask(tx, books.account, "ord_A")
        raise PowerCut

    before = everything(books)
    with pytest.raises(PowerCut):
        await books.ledger.write_at_once(half)
    assert everything(books) == before
    request_id = await books.ledger.write_at_once(lambda tx: ask(tx, books.account, "ord_A"))
    assert await books.ledger.read.waiting_orders(request_id) == ["ord_A"]


@pytest.mark.sqlite
async def test_a_transaction_at_once_that_waits_for_anything_else_is_refused_as_a_whole(books: Books) -> None:
    async def waiting(tx: Writer) -> None:
        await ask(tx, books.account, "ord_A")
        await asyncio.sleep(0)

    before = everything(books)
    with pytest.raises(RuntimeError, match="waits for something"):
        await books.ledger.write_at_once(waiting)
    assert everything(books) == before


@pytest.mark.parametrize("turns", range(4))
async def test_a_transaction_at_once_that_nobody_waits_for_any_more_is_whole_or_nothing(
    books: Books, turns: int
) -> None:
    async def two(tx: Writer) -> None:
        await ask(tx, books.account, "ord_A_1")
        await ask(tx, books.account, "ord_A_2")

    await cancel_after(books.ledger.write_at_once(two), turns)
    await write_one(books, "ord_B")  # comes after it, whatever became of it
    assert halves(books) == []
