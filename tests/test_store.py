"""The ledger: one open cancellation an order, every step on record, nothing written by halves, nothing left behind."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.panel import OrderReading, OrderStatus
from bot.states import State, Verdict
from bot.store import (
    Account,
    Cancellation,
    Card,
    Ledger,
    LedgerTooNew,
    LedgerUnreadable,
    NoticeKind,
    NoticeState,
    Outcome,
    Writer,
    migrate,
)
from bot.store.migrate import migrations
from tests.world import START

ANN = 1001
WINDOW = timedelta(seconds=10)
LATER = START + timedelta(seconds=30)
CARD_ENDS = START + timedelta(minutes=14)
CARD_GONE = CARD_ENDS + timedelta(seconds=1)
KEY = bytes(range(32, 128))
TOKEN = bytes(range(128, 224))

FOUND = OrderReading(OrderStatus.CANCELLED, "canceled", charge="0.00")


class Books:
    """A ledger with one account, and short words for what the tests write into it."""

    def __init__(self, path: Path, ledger: Ledger, account: Account) -> None:
        self.path = path
        self.ledger = ledger
        self.account = account

    async def ask(self, *orders: str, until: Any = CARD_ENDS) -> int:
        """Write down a request for orders; return its id."""
        async with self.ledger.write() as tx:
            return await ask(tx, self.account, *orders, until=until)

    async def claim(self) -> list[Cancellation]:
        """Mark all that was requested as being sent."""
        async with self.ledger.write() as tx:
            return await tx.claim_for_sending(self.account.id, START, 100)

    async def record(self, row: Cancellation, state: State, reading: OrderReading | None = None) -> None:
        """Write what became of one order."""
        async with self.ledger.write() as tx:
            await tx.record(self.account.id, [Outcome(row, Verdict(state, row.doubts), LATER, reading)], LATER, WINDOW)

    async def lead(self, order: str, *states: State) -> Cancellation:
        """Lead the newest cancellation of an order through states after `sending`; return it as it is then."""
        await self.claim()
        for state in states:
            await self.record(await self.newest(order), state, FOUND if state is State.REFUNDED else None)
        return await self.newest(order)

    async def newest(self, order: str) -> Cancellation:
        """Return the newest cancellation of an order."""
        (request,) = self.sql("SELECT MAX(request_id) FROM cancellations WHERE order_id = ?", order)
        rows = await self.ledger.read.cancellations_of(request[0])
        return [row for row in rows if row.order_id == order][-1]

    async def gone(self, request_id: int) -> None:
        """Have a request's card found to be gone."""
        request = await self.ledger.read.request(request_id)
        assert request
        async with self.ledger.write() as tx:
            await tx.card_gone(request, LATER, WINDOW)

    async def seen(self, request_id: int) -> None:
        """Have a request's card shown to the user as it stands."""
        request = await self.ledger.read.request(request_id)
        assert request
        rows = await self.ledger.read.cancellations_of(request_id)
        async with self.ledger.write() as tx:
            await tx.card_shown(request, rows, LATER, LATER)

    async def outbox(self) -> list[list[tuple[NoticeKind, str | None]]]:
        """Return the lines of every notice that is on its way."""
        waiting = self.sql("SELECT id FROM notices WHERE due_at IS NOT NULL ORDER BY id")
        return [
            [
                (item.kind, item.cancellation.order_id if item.cancellation else None)
                for item in await self.ledger.read.items_of(notice_id)
            ]
            for (notice_id,) in waiting
        ]

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the file itself, past all of the bot's code."""
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()

    def steps(self, order: str) -> list[tuple[str | None, str]]:
        """Return every step on record for an order."""
        return self.sql(
            "SELECT from_state, to_state FROM transitions t JOIN cancellations c ON c.id = t.cancellation_id "
            "WHERE order_id = ? ORDER BY t.id",
            order,
        )


async def ask(tx: Writer, account: Account, *orders: str, until: Any = CARD_ENDS, first: bool = False) -> int:
    """Write down a request within a transaction."""
    card = Card(5, None, 7, TOKEN, until)
    return await tx.add_request(account, orders, card, START, ask_first=first, ignored=(), repeats=0)


@pytest.fixture
async def books(tmp_path: Path) -> AsyncGenerator[Books]:
    """A new ledger with one connected user."""
    path = tmp_path / "ledger.sqlite3"
    async with Ledger.open(path) as ledger:
        async with ledger.write() as tx:
            account_id = await tx.save_key(ANN, KEY, START)
        yield Books(path, ledger, await ledger.read.account(account_id))


async def test_a_second_request_joins_what_is_open(books: Books) -> None:
    one = await books.ask("ord_A", "ord_B")
    two = await books.ask("ord_B", "ord_C")
    first, second = [await books.ledger.read.cancellations_of(request) for request in (one, two)]
    assert [row.order_id for row in first] == ["ord_A", "ord_B"]
    assert [row.order_id for row in second] == ["ord_B", "ord_C"]
    assert first[1] == second[0]
    assert first[1].request_id == one
    assert len(await books.claim()) == 3


@pytest.mark.parametrize("state", [State.ACCEPTED, State.UNKNOWN])
async def test_what_is_under_way_is_joined_in_every_open_state(books: Books, state: State) -> None:
    await books.ask("ord_A")
    await books.lead("ord_A", state)
    again = await books.ask("ord_A")
    assert [row.state for row in await books.ledger.read.cancellations_of(again)] == [state]
    assert await books.claim() == []


async def test_a_refunded_order_is_joined_and_never_sent_again(books: Books) -> None:
    await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.REFUNDED)
    again = await books.ask("ord_A")
    assert [row.state for row in await books.ledger.read.cancellations_of(again)] == [State.REFUNDED]
    assert await books.claim() == []


@pytest.mark.parametrize(
    "way", [[State.REFUSED], [State.ACCEPTED, State.FAILED], [State.ACCEPTED, State.PARTIAL]], ids=lambda w: w[-1]
)
async def test_what_ended_otherwise_is_tried_again(books: Books, way: list[State]) -> None:
    await books.ask("ord_A")
    await books.lead("ord_A", *way)
    again = await books.ask("ord_A")
    (row,) = await books.ledger.read.cancellations_of(again)
    assert (row.state, row.request_id) == (State.REQUESTED, again)
    assert [row.order_id for row in await books.claim()] == ["ord_A"]


async def test_the_database_itself_refuses_a_second_open_cancellation(books: Books) -> None:
    await books.ask("ord_A")
    with closing(sqlite3.connect(books.path)) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(
            "INSERT INTO cancellations (request_id, account_id, order_id, state, created_at, changed_at, due_at) "
            "SELECT request_id, account_id, order_id, 'requested', 0, 0, 0 FROM cancellations"
        )


async def test_another_user_with_the_same_order_has_a_cancellation_of_their_own(books: Books) -> None:
    await books.ask("ord_A")
    async with books.ledger.write() as tx:
        bob = await tx.account(await tx.save_key(ANN + 1, KEY, START))
        await ask(tx, bob, "ord_A")
    assert books.sql("SELECT COUNT(*), COUNT(DISTINCT account_id) FROM cancellations") == [(2, 2)]


async def test_a_question_sends_nothing_until_it_is_confirmed(books: Books) -> None:
    async with books.ledger.write() as tx:
        request_id = await ask(tx, books.account, "ord_A", first=True)
    assert await books.claim() == []
    request = await books.ledger.read.request(request_id)
    assert request
    assert request.asked == ("ord_A",)


async def test_every_step_leaves_a_row(books: Books) -> None:
    await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.QUEUED, State.QUEUED, State.REFUNDED)
    ways = ["requested", "sending", "accepted", "queued", "refunded"]
    assert books.steps("ord_A") == [(None, "requested"), *pairwise(ways)]


async def test_an_answer_that_comes_too_late_changes_nothing(books: Books) -> None:
    await books.ask("ord_A")
    (stale,) = await books.claim()
    await books.record(stale, State.ACCEPTED)
    await books.record(stale, State.REFUSED)
    assert (await books.newest("ord_A")).state is State.ACCEPTED


async def test_a_claim_is_on_disk_before_its_rows_are_in_hand(books: Books) -> None:
    await books.ask("ord_A", "ord_B")
    rows = await books.claim()
    assert [(row.order_id, row.state, row.attempts) for row in rows] == [
        ("ord_A", State.SENDING, 1),
        ("ord_B", State.SENDING, 1),
    ]
    assert books.sql("SELECT state FROM cancellations") == [("sending",), ("sending",)]
    assert await books.claim() == []


async def test_a_claim_takes_no_more_than_a_batch(books: Books) -> None:
    await books.ask(*(f"ord_{n}" for n in range(5)))
    async with books.ledger.write() as tx:
        assert len(await tx.claim_for_sending(books.account.id, START, 2)) == 2
    assert books.sql("SELECT COUNT(*) FROM cancellations WHERE state = 'sending'") == [(2,)]


async def test_what_a_dead_process_was_sending_is_unclear_and_doubted(books: Books) -> None:
    await books.ask("ord_A")
    await books.claim()
    await books.ask("ord_B")
    async with books.ledger.write() as tx:
        assert await tx.recover_sending(LATER, WINDOW) == 1
    ours, other = await books.newest("ord_A"), await books.newest("ord_B")
    assert (ours.state, ours.doubts) == (State.UNKNOWN, 1)
    assert (other.state, other.doubts) == (State.REQUESTED, 0)
    assert [row.order_id for row in await books.ledger.read.due_looks(books.account.id, LATER, 9)] == ["ord_A"]


async def test_what_was_being_sent_with_a_removed_key_ends_with_the_process_and_is_told(books: Books) -> None:
    await books.ask("ord_A")
    await books.claim()
    async with books.ledger.write() as tx:
        await tx.remove_key(books.account.id, LATER, WINDOW)
    assert (await books.newest("ord_A")).state is State.SENDING
    async with books.ledger.write() as tx:
        await tx.recover_sending(LATER, WINDOW)
        await tx.expire_cards(LATER + timedelta(hours=1), WINDOW)
    assert (await books.newest("ord_A")).state is State.EXPIRED
    assert await books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


class PowerCut(Exception):
    """What a test raises in the middle of writing."""


def everything(books: Books) -> list[list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    tables = books.sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [books.sql(f"SELECT * FROM {name}") for (name,) in tables]


async def test_outcome_card_mark_and_outbox_line_are_one_transaction(books: Books) -> None:
    request_id = await books.ask("ord_A")
    row = await books.lead("ord_A", State.ACCEPTED, State.QUEUED)
    await books.seen(request_id)
    before = everything(books)
    outcome = Outcome(row, Verdict(State.REFUNDED, 0), LATER, FOUND)

    async def write_until_the_power_fails() -> None:
        async with books.ledger.write() as tx:
            await tx.record(books.account.id, [outcome], LATER, WINDOW)
            assert (await tx.cancellations_of(request_id))[0].state is State.REFUNDED
            assert len(await tx.cards_due(LATER)) == 1
            assert len(await tx.notices_due(LATER + WINDOW)) == 1
            raise PowerCut

    with pytest.raises(PowerCut):
        await write_until_the_power_fails()
    assert everything(books) == before

    await books.record(row, State.REFUNDED, FOUND)
    assert (await books.newest("ord_A")).state is State.REFUNDED
    assert [request.id for request in await books.ledger.read.cards_due(LATER)] == [request_id]
    assert await books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def write_one(books: Books, name: str) -> None:
    """Write two requests in one transaction, by all kinds of queries."""
    async with books.ledger.write() as tx:
        await ask(tx, books.account, f"{name}_1")
        await tx.claim_for_sending(books.account.id, START, 100)
        await tx.cancellations_of(1)
        await tx.recover_sending(START, WINDOW)
        await ask(tx, books.account, f"{name}_2")


def halves(books: Books) -> list[tuple[Any, ...]]:
    """Return every transaction of which only a half is there."""
    return books.sql(
        "SELECT substr(order_id, 1, length(order_id) - 2) AS name, COUNT(*) FROM cancellations "
        "GROUP BY name HAVING COUNT(*) <> 2"
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
        await tx.claim_for_sending(books.account.id, START, 100)
        await passing()
        await ask(tx, books.account, f"{name}_2")
        await passing()


@pytest.mark.parametrize("step", range(5))
async def test_a_task_cancelled_between_two_writes_leaves_nothing_of_them(books: Books, step: int) -> None:
    reached: list[None] = []
    here = asyncio.Event()

    async def passing() -> None:
        reached.append(None)
        if len(reached) > step:
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
    assert books.sql("SELECT COUNT(*) FROM cancellations WHERE order_id LIKE 'ord\\_last\\_%' ESCAPE '\\'") == [(2,)]
    assert halves(books) == []
    assert 0 < cut <= 450
    with closing(sqlite3.connect(books.path, timeout=1)) as other:  # nobody holds the write lock
        other.execute("BEGIN IMMEDIATE")
        other.rollback()


async def test_a_task_cancelled_while_beginning_leaves_no_transaction_open(books: Books) -> None:
    for turns in range(40):
        await cancel_after(write_one(books, f"ord_{turns}"), turns)
        with closing(sqlite3.connect(books.path, timeout=1)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.rollback()
    assert halves(books) == []


async def test_what_is_committed_is_seen_by_the_next_read_whatever_else_is_being_read(books: Books) -> None:
    large = await books.ask(*(f"ord_{n}" for n in range(1_000)))
    ended = asyncio.Event()

    async def keep_reading() -> None:
        while not ended.is_set():
            await books.ledger.read.cancellations_of(large)

    readers = [asyncio.create_task(keep_reading()) for _ in range(4)]
    unseen = 0
    try:
        for n in range(60):
            request_id = await books.ask(f"ord_new{n}")
            unseen += await books.ledger.read.request(request_id) is None
    finally:
        ended.set()
        await asyncio.gather(*readers)
    assert unseen == 0


async def test_what_was_queued_is_told_by_a_notice_even_while_its_card_lives(books: Books) -> None:
    await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.QUEUED)
    assert await books.outbox() == []
    await books.record(await books.newest("ord_A"), State.REFUNDED, FOUND)
    assert await books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_what_ends_at_once_is_told_by_its_card_alone(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.REFUNDED)
    assert await books.outbox() == []
    await books.seen(request_id)
    await books.gone(request_id)
    assert await books.outbox() == []


async def test_what_the_card_could_not_tell_becomes_a_notice_when_the_card_is_gone(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.REFUNDED)
    await books.gone(request_id)
    assert await books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]
    await books.gone(request_id)
    assert await books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_what_the_card_could_not_tell_becomes_a_notice_when_its_time_is_up(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.REFUSED)
    async with books.ledger.write() as tx:
        await tx.expire_cards(CARD_ENDS - timedelta(seconds=1), WINDOW)
    assert await books.outbox() == []
    async with books.ledger.write() as tx:
        await tx.expire_cards(CARD_GONE, WINDOW)
    assert await books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]
    request = await books.ledger.read.request(request_id)
    assert request
    assert request.token_sealed is None


async def test_what_ends_after_its_card_becomes_a_notice(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED)
    await books.gone(request_id)
    assert await books.outbox() == []
    await books.record(await books.newest("ord_A"), State.FAILED)
    assert await books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_a_joined_order_is_told_by_whichever_card_still_lives(books: Books) -> None:
    one = await books.ask("ord_A")
    two = await books.ask("ord_A")
    await books.gone(one)
    await books.lead("ord_A", State.REFUSED)
    assert await books.outbox() == []
    await books.gone(two)
    assert await books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_a_card_is_due_when_its_orders_change_and_not_once_shown(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED)
    assert [request.id for request in await books.ledger.read.cards_due(LATER)] == [request_id]
    await books.seen(request_id)
    assert await books.ledger.read.cards_due(LATER) == []


async def test_a_change_while_the_card_was_on_its_way_keeps_it_due(books: Books) -> None:
    request_id = await books.ask("ord_A")
    shown = await books.ledger.read.request(request_id)
    assert shown
    await books.lead("ord_A", State.ACCEPTED)
    async with books.ledger.write() as tx:
        await tx.card_shown(shown, (), LATER, LATER)
    assert [request.id for request in await books.ledger.read.cards_due(LATER)] == [request_id]


async def end_queued(books: Books, order: str) -> None:
    """Have an order queued and end, which is worth a line."""
    await books.ask(order)
    await books.lead(order, State.ACCEPTED, State.QUEUED, State.COMPLETED)


async def test_news_gather_in_one_notice_until_it_is_being_sent(books: Books) -> None:
    await end_queued(books, "ord_A")
    await end_queued(books, "ord_B")
    (notice,) = await books.ledger.read.notices_due(LATER + WINDOW)
    assert await books.ledger.read.notices_due(LATER + WINDOW - timedelta(seconds=1)) == []
    assert 1 <= len(notice.nonce) <= 25

    async with books.ledger.write() as tx:
        sending = await tx.begin_sending(notice.id, LATER + WINDOW, LATER + 2 * WINDOW)
    assert (sending.state, sending.nonce) == (NoticeState.SENDING, notice.nonce)
    await end_queued(books, "ord_C")
    assert await books.outbox() == [
        [(NoticeKind.ENDED, "ord_A"), (NoticeKind.ENDED, "ord_B")],
        [(NoticeKind.ENDED, "ord_C")],
    ]


async def test_a_notice_keeps_its_nonce_and_its_lines_through_every_try(books: Books) -> None:
    await end_queued(books, "ord_A")
    (notice,) = await books.ledger.read.notices_due(LATER + WINDOW)
    for n in range(3):
        async with books.ledger.write() as tx:
            again = await tx.begin_sending(notice.id, LATER, LATER)
            await tx.postpone_notice(notice.id, LATER, "PASSING")
        assert (again.nonce, again.attempts) == (notice.nonce, n + 1)
    await end_queued(books, "ord_B")
    (due,) = await books.ledger.read.notices_due(LATER + WINDOW)  # the later one waits for it
    assert due.nonce == notice.nonce
    assert books.sql("SELECT COUNT(DISTINCT nonce) FROM notices") == [(2,)]
    assert await books.outbox() == [[(NoticeKind.ENDED, "ord_A")], [(NoticeKind.ENDED, "ord_B")]]


async def test_a_notice_kept_for_the_next_command_is_not_written_twice(books: Books) -> None:
    await end_queued(books, "ord_A")
    (notice,) = await books.ledger.read.notices_due(LATER + WINDOW)
    async with books.ledger.write() as tx:
        await tx.begin_sending(notice.id, LATER, LATER)
        await tx.keep_notice(notice.id, "CLOSED", None)
        await tx.tell_untold(books.account.id, LATER, WINDOW)
    assert await books.outbox() == []
    assert [kept.id for kept in await books.ledger.read.kept_notices(ANN)] == [notice.id]
    async with books.ledger.write() as tx:
        await tx.notice_delivered(notice.id, LATER, 9)
    assert await books.ledger.read.kept_notices(ANN) == []


async def test_overdue_is_told_once(books: Books) -> None:
    await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.QUEUED)
    for _ in range(2):
        async with books.ledger.write() as tx:
            await tx.notify_overdue(LATER, START - WINDOW, LATER, WINDOW)
    assert await books.outbox() == [[(NoticeKind.OVERDUE, "ord_A")]]


def files_with(folder: Path, secret: bytes) -> list[str]:
    """Return the files of a folder in which a secret or a part of it can be found."""
    return [
        file.name for file in folder.iterdir() if secret[:24] in file.read_bytes() or secret[-24:] in file.read_bytes()
    ]


async def test_removing_a_key_leaves_no_trace_of_it_in_any_file(books: Books) -> None:
    await books.ask(*(f"ord_{n}" for n in range(50)))
    assert files_with(books.path.parent, KEY) != []
    other = KEY[::-1]
    async with books.ledger.write() as tx:  # a key replaced is a key removed
        await tx.save_key(ANN, other, LATER)
    await books.ledger.forget_deleted()
    assert files_with(books.path.parent, KEY) == []
    assert files_with(books.path.parent, other) != []
    async with books.ledger.write() as tx:
        await tx.remove_key(books.account.id, LATER, WINDOW)
    await books.ledger.forget_deleted()
    assert files_with(books.path.parent, other) == []


async def test_removing_a_key_ends_what_needs_it(books: Books) -> None:
    await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED)
    await books.ask("ord_B")
    async with books.ledger.write() as tx:
        await tx.remove_key(books.account.id, LATER, WINDOW)
    states = {order: (await books.newest(order)).state for order in ("ord_A", "ord_B")}
    assert states == {"ord_A": State.EXPIRED, "ord_B": State.WITHDRAWN}
    assert await books.ledger.read.accounts_due() == []


def contents(folder: Path) -> dict[str, bytes]:
    """Return the names and bytes of all files of a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def open_and_close(path: Path) -> None:
    """Open a ledger the way the bot does."""
    async with Ledger.open(path):
        pass


async def test_a_ledger_of_a_newer_release_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    newest = migrate(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO schema_version VALUES (?, 'some day')", (newest + 1,))
    before = contents(tmp_path)
    with pytest.raises(LedgerTooNew, match="newer release"):
        await open_and_close(path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    [b"Dear diary, this is no database." * 99, b"SQLite format 3\0" + bytes(range(256)) * 40],
    ids=["no database", "garbled"],
)
async def test_a_file_that_is_no_ledger_is_refused_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(content)
    with pytest.raises(LedgerUnreadable, match="nothing was changed"):
        await open_and_close(path)
    assert contents(tmp_path) == {path.name: content}


async def test_a_torn_ledger_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    migrate(path)
    torn = path.read_bytes()[:3_000]
    path.write_bytes(torn)
    with pytest.raises(LedgerUnreadable):
        await open_and_close(path)
    assert contents(tmp_path) == {path.name: torn}


async def test_a_database_of_another_program_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    before = contents(tmp_path)
    with pytest.raises(LedgerUnreadable):
        await open_and_close(path)
    assert contents(tmp_path) == before


async def test_a_folder_in_the_ledgers_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnreadable):
        await open_and_close(tmp_path)


async def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "somewhere" / "ledger.sqlite3"
    await open_and_close(path)
    before = path.read_bytes()
    assert migrate(path) == migrations()[-1][0]
    await open_and_close(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [number for number, _, _ in migrations()] == list(range(1, len(migrations()) + 1))
    assert all(name.startswith(f"{number:04}_") for number, name, _ in migrations())
