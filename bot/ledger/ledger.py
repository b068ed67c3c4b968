"""The ledger's door: `read` at any time, `snapshot` for what has to fit together, `write()` for one transaction."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from bot.domain.clock import Clock, utc_now
from bot.ledger.availability import Availability, Noted
from bot.ledger.engine import Database, Engine, ServerCheckup
from bot.ledger.errors import LeaseLost, LedgerError, LedgerUnreachable, LedgerUnsure
from bot.ledger.lists import Report
from bot.ledger.named import Connection
from bot.ledger.postgresql.address import describe as describe_address
from bot.ledger.reader import Reader
from bot.ledger.sqlite.engine import SqliteEngine
from bot.ledger.transaction import Work
from bot.ledger.writer import WRITTEN_AT, Writer

if TYPE_CHECKING:
    from bot.ledger.move import Moved

T = TypeVar("T")

_PROOFS = 3
"""How often to write and read: in between another process may write its own."""


class Ledger:
    """The open ledger: `read` at any time, `write()` for one transaction.

    A transaction is dated once, when it has begun and nobody else is writing. One that made work due wakes the loops
    for it once it is committed, and only then.
    """

    def __init__(self, engine: Engine, clock: Clock, notify_window: timedelta) -> None:
        self._engine = engine
        self._clock = clock
        self._notify_window = notify_window
        self._loops: defaultdict[Work, list[Callable[[], None]]] = defaultdict(list)
        self.availability = Availability()
        self.read = Reader(Noted(engine.reader, self.availability))
        self.forget_deleted, self.rewrite, self.give_back = engine.forget_deleted, engine.rewrite, engine.give_back
        self.space = engine.space
        engine.heard = lambda: self._wake(Work)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database: Database,
        *,
        clock: Clock = utc_now,
        notify_window: timedelta = timedelta(),
        alone: bool = False,
        shards: Sequence[int] | None = None,
    ) -> AsyncGenerator["Ledger"]:
        """Migrate and open a ledger; raise LedgerError where that cannot be done.

        In PostgreSQL other processes may share it, each with other shards of Discord's, unless this one has to be
        `alone`. On SQLite whoever opens it sees to it that nobody else does.
        """
        engine = await engine_of(database).open(database, alone=alone, shards=shards)
        try:
            yield cls(engine, clock, notify_window)
        finally:
            await engine.close()

    async def snapshot(self, work: Callable[[Reader], Coroutine[Any, Any, T]]) -> T:
        """Read what has to fit together, as all counts of a card, as of one moment.

        `work` waits for nothing but its reader: on SQLite it is one visit to the connection's thread.
        """
        with self._failures_noted():
            return await self._engine.snapshot(lambda connection: work(Reader(connection)))

    async def report_of(self, notice_id: int) -> Report:
        """Return what a notice says as of now; empty where all of it was overtaken by events."""
        return await self.snapshot(lambda read: read.report_of(notice_id))

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[Writer]:
        """Begin a transaction; commit at the end of the block, or nothing of it where an exception leaves it."""
        with self._failures_noted():
            async with self._engine.transaction() as connection:
                tx = self._begin(connection)
                yield tx
        self._committed(tx)

    async def write_at_once(self, work: Callable[[Writer], Coroutine[Any, Any, T]]) -> T:
        """Do a transaction whose `work` waits for nothing but its writer: for the account runner, where time counts.

        On SQLite it is one visit to the connection's thread. With `write()` each statement is one: 31 of them take
        1 ms there, and 0.2 ms here. What has to wait for anything else between its statements needs `write()`.
        """

        async def whole(connection: Connection) -> tuple[T, Writer]:
            tx = self._begin(connection)
            return await work(tx), tx

        with self._failures_noted():
            result, tx = await self._engine.transact(whole)
        self._committed(tx)
        return result

    def _begin(self, connection: Connection) -> Writer:
        return Writer(connection, self._clock(), self._notify_window)

    async def prove_writable(self) -> None:
        """Write to whatever commands and loops write to, changing nothing that they see; read it; raise LedgerError.

        After a fault that is what shows that it is over: the loops are woken.
        """
        for _ in range(_PROOFS):
            async with self.write() as tx:
                written = await tx.prove_writable()
            if await self.read.fact(WRITTEN_AT) == written:
                break
        else:
            with self._failures_noted():
                raise LedgerUnreachable(
                    "(what was written cannot be read: reading leads to another server than writing)"
                )
        if self.availability.proven():
            self._wake(Work)

    @contextmanager
    def _failures_noted(self) -> Generator[None]:
        """Note a transaction that the ledger has failed, be it to read or to write.

        Where nobody knows whether it was committed all loops are woken: repeating it makes nothing due.
        """
        try:
            yield
        except LeaseLost:
            raise  # that is no fault
        except LedgerError as error:
            self.availability.failed(error)
            if isinstance(error, LedgerUnsure):
                self._wake(Work)
            raise

    def _committed(self, tx: Writer) -> None:
        self._wake(tx.made_due)
        if Work.ORDERS in tx.made_due:  # perhaps of an account that another process works on
            self.wake_others()

    def _wake(self, made_due: Iterable[Work]) -> None:
        for work in made_due:
            for wake in self._loops[work]:
                wake()

    @property
    def process(self) -> int:
        """The number of this process among those that share the ledger; 0 where none can."""
        return self._engine.reader.process

    @property
    def is_shared(self) -> bool:
        """Whether there may be other processes on it."""
        return self.process != 0

    def when_due(self, work: Work, wake: Callable[[], None]) -> None:
        """Have a loop woken whenever such work was made due, here or, as they say, by another process."""
        self._loops[work].append(wake)

    def wake_others(self) -> None:
        """Tell the other processes that there is something to do; it may get lost, nobody relies on it."""
        self._engine.wake_others()


def engine_of(database: Database) -> type[Engine]:
    """Return the engine of a file or an address; raise LedgerNeedsAsyncpg where its package is not installed."""
    if isinstance(database, Path):
        return SqliteEngine
    from bot.ledger.postgresql.engine import PostgresEngine

    return PostgresEngine


def describe(database: Database) -> str:
    """Name a ledger's place to its operator, without user and password."""
    return str(database) if isinstance(database, Path) else describe_address(database)


def only_process(database: Database) -> AbstractContextManager[None]:
    """Hold a ledger for this process; in PostgreSQL opening it does. Raise LedgerError."""
    return engine_of(database).only_process(database)


def migrate(database: Database) -> int:
    """Bring a ledger to the schema of this release and return its version; raise LedgerError."""
    return engine_of(database).migrate(database)


def move(source: Path, target: SecretStr) -> "list[Moved]":
    """Copy a SQLite ledger that nobody is using into an empty PostgreSQL database; raise LedgerError."""
    engine_of(target)
    from bot.ledger.move import move as carry_over

    return asyncio.run(carry_over(source, target))


async def check_up_server(database: SecretStr) -> ServerCheckup:
    """Look at a ledger in PostgreSQL, and at its server, and change nothing; raise LedgerError."""
    engine_of(database)
    from bot.ledger.postgresql.checkup import check_up

    return await check_up(database)
