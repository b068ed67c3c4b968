"""The PostgreSQL engine: one connection for writing, some for reading, and one transaction at a time for everybody.

SQLite lets one transaction write at a time, and the ledger's rules rest on that: what a transaction reads stays true
until it ends. Here a lock on one table gives the same, whatever process or machine others are in. A transaction takes
it by a statement of its own before it reads anything, so that each later statement sees all that was committed by
whoever held the lock before (READ COMMITTED); PostgreSQL lets go of it only after what was committed can be seen.

Where a connection is lost on COMMIT, the database is asked afterwards what became of the transaction, by its number and
by what it has left in this process's row. A server that was a standby until now cannot know.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any, Self, TypeVar

from aiosql.adapters.asyncpg import AsyncPGAdapter
from pydantic import SecretStr

from bot.ledger.engine import Space
from bot.ledger.errors import LedgerError, LedgerPooled, LedgerUnreachable, LedgerUnsure, LedgerUnwritable
from bot.ledger.named import OneVisit, load
from bot.ledger.postgresql.address import describe
from bot.ledger.postgresql.connections import (
    CONNECT_TIMEOUT,
    WRITING,
    InstanceLock,
    Link,
    connect,
    pool_of_readers,
    session_of,
)
from bot.ledger.postgresql.failures import LOST, REFUSED, brief, explained
from bot.ledger.postgresql.migrate import migrate_server
from bot.ledger.postgresql.primary import Primary

T = TypeVar("T")

_CHANNEL = "ledger"
_READERS = 4
_LAST_WORDS = 4
"""Seconds that ending may wait for a transaction, and then for the server."""
_NUMBERS = 2**32
"""How many numbers of transactions a row tells apart."""
_ASK_FOR = 10
"""Seconds for which the server is asked what became of a transaction: all that would write wait meanwhile."""


class _Adapter(OneVisit):
    """aiosql's adapter for such connections, which take numbers in the place of names."""

    def __init__(self) -> None:
        self._numbered: Any = AsyncPGAdapter()

    def process_sql(self, name: str, op_type: Any, sql: str) -> str:
        """Return a query with numbers."""
        return self._numbered.process_sql(name, op_type, sql)

    def bind(self, name: str, parameters: Any) -> Any:
        """Return a query's parameters in the order of their numbers."""
        return self._numbered.maybe_order_params(name, parameters)


POSTGRES_QUERIES = load("postgresql", _Adapter)


class _Statements:
    """Runs statements on one connection, each to its end, even where whoever waits for it is cancelled.

    asyncpg would ask the server to break a statement off, over a connection of its own that may come too late.
    """

    queries = POSTGRES_QUERIES

    def __init__(self, link: Link, process: int) -> None:
        self.process = process
        self._link = link

    async def rows(self, sql: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """Run a statement and return its rows."""
        with explained(self._link):
            return await to_the_end(self._link.fetch(sql, *parameters))

    async def script(self, sql: str) -> None:
        """Run some statements in one visit."""
        with explained(self._link):
            await to_the_end(self._link.execute(sql))

    async def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it has changed."""
        with explained(self._link):
            status = await to_the_end(self._link.execute(sql, *parameters))
        return int(status.rpartition(" ")[2])

    async def change_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters."""
        with explained(self._link):
            await to_the_end(self._link.executemany(sql, parameters))


class _Readers:
    """Runs each statement on whichever connection for reading is free."""

    queries = POSTGRES_QUERIES

    def __init__(self, pool: Any, process: int) -> None:
        self.process = process
        self._pool = pool

    async def rows(self, sql: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """Run a query and return its rows; once more where the connection turns out to be lost. Raise LedgerError."""
        try:
            return await self._rows(sql, parameters)
        except LedgerUnreachable:
            await self.connect_anew()
            return await self._rows(sql, parameters)

    async def _rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        with explained(None):
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT) as link:
                with explained(link):
                    return await link.fetch(sql, *parameters)

    async def snapshot(self, work: Callable[[_Statements], Coroutine[Any, Any, T]]) -> T:
        """Read several things as of one moment; once more where the connection turns out to be lost."""
        try:
            return await self._snapshot(work)
        except LedgerUnreachable:
            await self.connect_anew()
            return await self._snapshot(work)

    async def connect_anew(self) -> None:
        """Read by new connections from here on: those that there are may lead to a server that is none any more."""
        await self._pool.expire_connections()

    async def _snapshot(self, work: Callable[[_Statements], Coroutine[Any, Any, T]]) -> T:
        with explained(None):
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT) as link:
                with explained(link):
                    async with link.transaction(isolation="repeatable_read", readonly=True):
                        return await work(_Statements(link, self.process))

    async def change(self, sql: str, parameters: Sequence[Any]) -> int:
        """Refuse: nothing is changed outside a transaction."""
        raise TypeError("what changes the ledger needs a transaction")

    async def change_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Refuse: nothing is changed outside a transaction."""
        raise TypeError("what changes the ledger needs a transaction")


class PostgresEngine:
    """Owns the connections; knows transactions, nothing of what is stored."""

    def __init__(
        self,
        database: SecretStr,
        instance_lock: InstanceLock,
        primary: Primary,
        pool: Any,
        writer: Link,
        process: int,
    ) -> None:
        self.process = process
        self.reader = _Readers(pool, process)
        self.heard: Callable[[], None] = _nothing
        """Called whenever another process has said that there is something to do."""
        self._database = database
        self._instance_lock = instance_lock
        self._pool = pool
        self._writer = writer
        self._session: int | None = None
        """The server's number of the session in which the writer holds its locks."""
        self._primary = primary
        self._lock = asyncio.Lock()
        self._telling: set[asyncio.Task[None]] = set()

    @classmethod
    def only_process(cls, database: SecretStr) -> AbstractContextManager[None]:
        """Do nothing: the connection for writing holds the ledger."""
        return nullcontext()

    @classmethod
    def migrate(cls, database: SecretStr) -> int:
        """Bring a ledger to the schema of this release and return its version; raise LedgerError."""
        return asyncio.run(migrate_server(database))

    @classmethod
    async def open(cls, database: SecretStr, *, alone: bool, shards: Sequence[int] | None) -> Self:
        """Migrate and open a ledger, as one of the processes that share it; raise LedgerError."""
        await migrate_server(database)
        instance_lock = InstanceLock(alone, None if shards is None else tuple(shards))
        primary = Primary()
        writer = await connect(database, instance_lock, primary)
        try:
            process = await POSTGRES_QUERIES.begin_process(_Statements(writer, 0))
            pool = await pool_of_readers(database, _READERS, primary)
        except BaseException:
            await writer.close()
            raise
        engine = cls(database, instance_lock, primary, pool, writer, process)
        try:
            await engine._meet(writer)
        except BaseException:
            await engine.close()
            raise
        return engine

    async def close(self) -> None:
        """Leave what this process worked on to the others, and end all connections; nobody can write any more."""
        with suppress(LedgerError, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                while self._telling:
                    await asyncio.wait(self._telling)
                await self._lock.acquire()  # for good: whoever came later would connect anew
            await POSTGRES_QUERIES.end_process(_Statements(self._writer, self.process), process=self.process)
        self._pool.terminate()
        with suppress(*LOST):
            await self._writer.close(timeout=_LAST_WORDS)

    async def _connect_anew(self) -> None:
        link = await connect(self._database, self._instance_lock, self._primary)
        try:
            await self._meet(link)
        except BaseException:
            link.terminate()
            raise
        self._writer = link
        await self.reader.connect_anew()

    async def _meet(self, link: Link) -> None:
        """Hear the others by a connection for writing, and note its session."""
        with explained(link, self._database):
            await link.add_listener(_CHANNEL, self._hear)
            self._session = await session_of(link)

    def _hear(self, _link: Link, _server_process: int, _channel: str, teller: str) -> None:
        if teller != str(self.process):
            self.heard()

    def wake_others(self) -> None:
        """Tell all processes that there is something to do; one that does not hear it finds it within a minute."""
        task = asyncio.ensure_future(self._notify())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _notify(self) -> None:
        with suppress(LedgerError):
            await self.reader.rows("SELECT pg_notify($1::text, $2::text)", (_CHANNEL, str(self.process)))

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[_Statements]:
        """Let one task write at a time; commit at the end, roll back on any exception.

        Raise LedgerUnsure where nobody knows whether it was kept, another LedgerError where nothing was.
        """
        async with self._lock:
            if self._primary.moved:  # whoever connects is led elsewhere
                self._writer.terminate()
            if self._writer.is_closed():
                await self._connect_anew()
            writer = _Statements(self._writer, self.process)
            try:
                await writer.script(f"BEGIN; {WRITING}")
                begun = await POSTGRES_QUERIES.begin_transaction(writer, process=self.process)
                if begun["session"] != self._session:
                    raise LedgerPooled(f"({describe(self._database)})")
                yield writer
                await self._commit(begun)
            except BaseException:
                await self._roll_back()
                raise

    async def transact(self, work: Callable[[_Statements], Coroutine[Any, Any, T]]) -> T:
        """Do a transaction that is done all the same where whoever waits for it is cancelled. Raise as above."""

        async def whole() -> T:
            async with self.transaction() as writer:
                return await work(writer)

        return await to_the_end(whole())

    async def _commit(self, begun: Any) -> None:
        try:
            status = await to_the_end(self._writer.execute("COMMIT"))
        except LOST as error:
            if isinstance(error, TimeoutError):
                self._writer.terminate()  # as a server that hangs would be waited for once more, to roll back
            if not await self._was_committed(begun):
                raise LedgerUnreachable(f"({describe(self._database)}: {brief(error)})") from error
        else:
            if status != "COMMIT":
                raise LedgerUnwritable("(a statement of the transaction had failed)")

    async def _was_committed(self, begun: Any) -> bool:
        """Ask what became of a transaction whose COMMIT was not answered; raise LedgerUnsure."""
        pause, ended = 0.0, False
        with suppress(TimeoutError):
            async with asyncio.timeout(_ASK_FOR):
                while begun["marked"]:
                    fate = None
                    with suppress(LedgerError, REFUSED):  # it may have ended before what a promoted standby knows of
                        fate = await POSTGRES_QUERIES.fate_of(self.reader, number=begun["number"], process=self.process)
                    if self._primary.moved:
                        break
                    if fate and (fate["server"] != self._primary.server or fate["last"] is None):
                        break
                    if fate and ended:  # the row was read after that was said
                        return fate["last"] == int(begun["number"]) % _NUMBERS
                    ended = bool(fate and fate["ended"])
                    if not ended:
                        pause = 2 * pause + 0.1
                        await asyncio.sleep(pause)
        raise LedgerUnsure(f"({describe(self._database)})")

    async def _roll_back(self) -> None:
        """Leave no transaction open; one that cannot be rolled back is by ending the connection."""
        try:
            if self._writer.is_in_transaction():
                await to_the_end(self._writer.execute("ROLLBACK"))
        except Exception:
            self._writer.terminate()

    async def snapshot(self, work: Callable[[_Statements], Coroutine[Any, Any, T]]) -> T:
        """Read several things as of one moment. Raise LedgerError."""
        return await self.reader.snapshot(work)

    async def forget_deleted(self) -> bool:
        """Do nothing: no statement makes PostgreSQL overwrite what was deleted (docs/postgresql.md)."""
        return False

    async def give_back(self) -> None:
        """Do nothing: autovacuum makes deleted rows' room usable again."""

    async def space(self) -> Space:
        """Ask how large the database is; how much room its disk has no role may ask that need not be a superuser."""
        ((used,),) = await self.reader.rows("SELECT pg_database_size(current_database())")
        return Space(used, None)

    async def rewrite(self) -> bool:
        """Do nothing: VACUUM FULL would lock everybody out for long, and its log would hold the rows still."""
        return False


def _nothing() -> None:
    """Where nobody is there to hear it yet."""


async def to_the_end(call: Coroutine[Any, Any, T]) -> T:
    """Wait for a call although the waiting task is being cancelled, and only then be cancelled."""
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        with suppress(BaseException):
            task.result()
        raise
