"""A ledger with one account, and short words for what tests write into it and read out of it."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading
from bot.domain.states import State, Transition
from bot.ledger import Account, Cancellation, Database, Ledger, MessageRef, NoticeKind, Outcome, SealedKey, Writer
from tests.ledgers import Below
from tests.world import START, Clock, orders_of

ANN = 1001
WINDOW = timedelta(seconds=10)
LATER = START + timedelta(seconds=30)
CARD_ENDS = START + timedelta(minutes=14)
CARD_GONE = CARD_ENDS + timedelta(seconds=1)
KEY = bytes(range(32, 128))
TOKEN = bytes(range(128, 224))

FOUND = OrderReading(OrderStatus.CANCELLED, "canceled", charge="0.00")


class LedgerCase:
    """A ledger with one account, and short words for what the tests write into it."""

    def __init__(self, below: Below, ledger: Ledger, account: Account, clock: Clock) -> None:
        self.below = below
        self.ledger = ledger
        self.account = account
        self.clock = clock

    def at(self, now: datetime) -> AbstractAsyncContextManager[Writer]:
        """Begin a transaction at a time, at which the ledger's clock then stands."""
        self.clock.now = now
        return self.ledger.write()

    async def ask(self, *orders: str, until: Any = CARD_ENDS, now: datetime = START) -> int:
        """Write down a request for orders and take them up; return its id."""
        async with self.at(now) as tx:
            request_id = await ask(tx, self.account, *orders, until=until)
            await tx.start_orders(self.account.id, 100_000)
        return request_id

    async def claim(self, now: datetime = START) -> list[Cancellation]:
        """Mark all that was requested as being sent."""
        async with self.at(now) as tx:
            return await claim(tx, self.account)

    async def record(self, row: Cancellation, state: State, reading: OrderReading | None = None) -> None:
        """Write what became of one order."""
        async with self.at(LATER) as tx:
            await tx.record(self.account.id, [Outcome(row, Transition(state, row.ambiguous_attempts), LATER, reading)])

    async def lead(self, order: str, *states: State) -> Cancellation:
        """Lead the newest cancellation of an order through states after `sending`; return it as it is then."""
        await self.claim()
        for state in states:
            await self.record(await self.newest(order), state, FOUND if state is State.CANCELLED else None)
        return await self.newest(order)

    async def newest(self, order: str) -> Cancellation:
        """Return the newest cancellation of an order."""
        (request,) = self.sql("SELECT MAX(request_id) FROM cancellations WHERE order_id = ?", order)
        rows = await orders_of(self.ledger.read, request[0])
        return [row for row in rows if row.order_id == order][-1]

    async def gone(self, request_id: int) -> None:
        """Have a request's card found to be gone."""
        request = await self.ledger.read.request(request_id)
        assert request
        async with self.at(LATER) as tx:
            await tx.card_gone(request)

    async def seen(self, request_id: int) -> None:
        """Have a request's card shown to the user as it stands."""
        request = await self.ledger.read.request(request_id)
        assert request
        async with self.at(LATER) as tx:
            await tx.card_shown(request, timedelta())

    def outbox(self) -> list[list[tuple[NoticeKind, str | None]]]:
        """Return the lines of every notice that is on its way."""
        waiting = self.sql("SELECT id FROM notices WHERE due_at IS NOT NULL ORDER BY id")
        lines = (
            "SELECT i.kind, c.order_id FROM notice_items i LEFT JOIN cancellations c ON c.id = i.cancellation_id "
            "WHERE i.notice_id = ? ORDER BY i.id"
        )
        return [[(NoticeKind(kind), order) for kind, order in self.sql(lines, *notice)] for notice in waiting]

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database itself, past all of the bot's code."""
        return self.below.sql(query, *values)

    def steps(self, order: str) -> list[tuple[str | None, str]]:
        """Return every step on record for an order."""
        return self.sql(
            "SELECT from_state, to_state FROM transitions t JOIN cancellations c ON c.id = t.cancellation_id "
            "WHERE order_id = ? ORDER BY t.id",
            order,
        )


def opened(database: Database, clock: Clock, **more: Any) -> AbstractAsyncContextManager[Ledger]:
    """Open a ledger by a test's clock."""
    return Ledger.open(database, clock=clock, notify_window=WINDOW, **more)


async def connect(tx: Writer, user_id: int, key: bytes, name: str = "main") -> Account:
    """Store a key within a transaction; return its account."""
    account_id = await tx.place_account(user_id, name)
    await tx.save_key(SealedKey(account_id, key, tx.now, b"%d " % account_id + key))
    account = await tx.account(account_id)
    assert account
    return account


async def ask(tx: Writer, account: Account, *orders: str, until: Any = CARD_ENDS, first: bool = False) -> int:
    """Write down a request within a transaction."""
    card = MessageRef(5, None, 7, TOKEN, until)
    return await tx.add_request(account, orders, card, ask_first=first, ignored=(), repeats=0)


async def claim(tx: Writer, account: Account, most: int = 100) -> list[Cancellation]:
    """Mark orders as being sent within a transaction, whether they have been taken up before or not."""
    await tx.start_orders(account.id, most)
    return await tx.claim_for_sending(account.id, most)
