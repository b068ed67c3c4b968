"""The PostgreSQL engine: one connection for writing, some for reading, and one transaction at a time for everybody.

SQLite lets one transaction write at a time, and the ledger's rules rest on that: what a transaction reads stays true
until it ends. Here an advisory lock gives the same, whatever process or machine the others are in. A transaction takes
it by a statement of its own before it reads anything, so that each later statement sees all that was committed by
whoever held the lock before (READ COMMITTED); PostgreSQL lets go of it only after what was committed can be seen.

Where a connection is lost on COMMIT, the database is asked afterwards what became of the transaction, by its number.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from aiosql.adapters.asyncpg import AsyncPGAdapter
from pydantic import SecretStr

from bot.store.database import describe
from bot.store.errors import LedgerError, LedgerInUse, LedgerUnreachable, LedgerUnsure, LedgerUnwritable
from bot.store.named import OneVisit, load

T = TypeVar("T")

_pg: Any = asyncpg  # it has no types that a checker could read
Link = Any
"""A connection of asyncpg's."""

WRITING = "pg_advisory_xact_lock(0, 1)"
"""Held by whoever writes, to the end of the transaction."""
_USED, _ALONE = "pg_advisory_lock_shared(0, 2)", "pg_advisory_lock(0, 2)"
"""Held with the connection for writing: by every bot, or by who must be alone."""
_SOME_SHARDS, _ALL_SHARDS = "pg_advisory_lock_shared(0, 3)", "pg_advisory_lock(0, 3)"
_SHARD = "pg_advisory_lock(1, {})"
"""Of Discord's shards each is one process's: two would both answer what is asked there."""
SEAT_TIMEOUT = 20
"""Seconds to wait for a process that has died to be noticed by the server, before its place counts as taken."""
_CHANNEL = "ledger"
_READERS = 4
_CONNECT_TIMEOUT = 10  # seconds
_STATEMENT_TIMEOUT = 60  # seconds
_SESSION = {
    "application_name": "notpanel-bot",
    "jit": "off",  # no statement here is long enough to be worth compiling
    "lock_timeout": "20s",
    # A process that hangs, or whose machine is gone, must not keep the others from writing.
    "idle_in_transaction_session_timeout": "8s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
}
_ASK_AFTER = (0.0, 0.1, 0.3, 1.0, 3.0, 5.0)
"""Seconds before each time of asking what became of a transaction."""

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_GONE = ("08", "28", "3D", "57P", "53300", "25P03")
"""No connection, no right to one, no such database, the server is going down or coming up, or has ended the session."""
_FULL = ("25006", "42501", "53", "54", "55P03", "57014", "58")
"""Read-only, no right to write, no space, a limit, a lock held for too long, an input or output error."""


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


@dataclass(frozen=True, slots=True)
class Seat:
    """What a process takes of a ledger that others may share: all of it, or some of Discord's shards (None: all)."""

    alone: bool = False
    shards: tuple[int, ...] | None = None

    @property
    def locks(self) -> list[str]:
        """The locks that nobody else may hold at the same time."""
        if self.alone:
            return [_ALONE]
        if self.shards is None:
            return [_USED, _ALL_SHARDS]
        return [_USED, _SOME_SHARDS, *(_SHARD.format(shard) for shard in sorted(self.shards))]


ALONE = Seat(alone=True)


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
        with suppress(LedgerUnreachable):
            return await self._rows(sql, parameters)
        return await self._rows(sql, parameters)

    async def _rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        with explained(None):
            async with self._pool.acquire(timeout=_CONNECT_TIMEOUT) as link:
                with explained(link):
                    return await link.fetch(sql, *parameters)

    async def change(self, sql: str, parameters: Sequence[Any]) -> int:
        """Refuse: nothing is changed outside a transaction."""
        raise TypeError("what changes the ledger needs a transaction")

    async def change_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Refuse: nothing is changed outside a transaction."""
        raise TypeError("what changes the ledger needs a transaction")


class PostgresEngine:
    """Owns the connections; knows transactions, nothing of what is stored."""

    def __init__(self, database: SecretStr, seat: Seat, pool: Any, writer: Link, process: int) -> None:
        self.process = process
        self.reader = _Readers(pool, process)
        self.heard: Callable[[], None] = _nothing
        """Called whenever a process has told the others that there is something to do."""
        self._database = database
        self._seat = seat
        self._pool = pool
        self._writer = writer
        self._lock = asyncio.Lock()
        self._telling: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, database: SecretStr, seat: Seat) -> "PostgresEngine":
        """Open a ledger that has been migrated, as one of the processes that share it; raise LedgerError."""
        writer = await connect(database, seat)
        try:
            process = await POSTGRES_QUERIES.begin_process(_Statements(writer, 0))
            with explained(None, database):
                pool = await _pg.create_pool(
                    database.get_secret_value(),
                    min_size=1,
                    max_size=_READERS,
                    reset=_nothing_to_reset,
                    timeout=_CONNECT_TIMEOUT,
                    command_timeout=_STATEMENT_TIMEOUT,
                    server_settings={**_SESSION, "default_transaction_read_only": "on"},
                )
        except BaseException:
            await writer.close()
            raise
        engine = cls(database, seat, pool, writer, process)
        await engine._listen()
        return engine

    async def close(self) -> None:
        """Leave what this process worked on to the others, and end all connections."""
        while self._telling:
            await asyncio.wait(self._telling)
        with suppress(LedgerError):
            await POSTGRES_QUERIES.end_process(_Statements(self._writer, self.process), process=self.process)
        self._pool.terminate()
        with suppress(*_LOST):
            await self._writer.close(timeout=_CONNECT_TIMEOUT)

    async def _listen(self) -> None:
        with explained(self._writer, self._database):
            await self._writer.add_listener(_CHANNEL, self._hear)

    def _hear(self, *_: Any) -> None:
        self.heard()

    def tell_others(self) -> None:
        """Tell all processes that there is something to do; one that does not hear it finds it within a minute."""
        task = asyncio.ensure_future(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        with suppress(LedgerError):
            await self.reader.rows("SELECT pg_notify($1::text, '')", (_CHANNEL,))

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[_Statements]:
        """Let one task write at a time; commit at the end, roll back on any exception.

        Raise LedgerUnwritable or LedgerUnreachable where nothing was kept, LedgerUnsure where that is not known.
        """
        async with self._lock:
            if self._writer.is_closed():
                self._writer = await connect(self._database, self._seat)
                await self._listen()
            writer = _Statements(self._writer, self.process)
            try:
                await writer.rows("BEGIN")
                ((number,),) = await writer.rows(f"SELECT pg_current_xact_id()::text FROM {WRITING}")
                yield writer
                await self._commit(number)
            except BaseException:
                await self._roll_back()
                raise

    async def transact(self, work: Callable[[_Statements], Coroutine[Any, Any, T]]) -> T:
        """Do a transaction that is done all the same where whoever waits for it is cancelled. Raise as above."""

        async def whole() -> T:
            async with self.transaction() as writer:
                return await work(writer)

        return await to_the_end(whole())

    async def _commit(self, number: str) -> None:
        try:
            status = await to_the_end(self._writer.execute("COMMIT"))
        except _LOST as error:
            if not await self._was_kept(number):
                raise LedgerUnreachable(f"({describe(self._database)}: {_brief(error)})") from error
        else:
            if status != "COMMIT":
                raise LedgerUnwritable("(a statement of the transaction had failed)")

    async def _was_kept(self, number: str) -> bool:
        """Ask what became of a transaction whose COMMIT was not answered; raise LedgerUnsure."""
        for pause in _ASK_AFTER:
            await asyncio.sleep(pause)
            with suppress(LedgerError):
                ((fate,),) = await self.reader.rows("SELECT pg_xact_status($1::text::xid8)", (number,))
                if fate in ("committed", "aborted"):
                    return fate == "committed"
        raise LedgerUnsure(f"({describe(self._database)})")

    async def _roll_back(self) -> None:
        """Leave no transaction open; one that cannot be rolled back is by ending the connection."""
        try:
            if self._writer.is_in_transaction():
                await to_the_end(self._writer.execute("ROLLBACK"))
        except Exception:
            self._writer.terminate()

    async def forget_deleted(self) -> bool:
        """Do nothing: no statement makes PostgreSQL overwrite what was deleted (docs/postgresql.md)."""
        return False

    async def rewrite(self) -> bool:
        """Do nothing: VACUUM FULL would lock everybody out for long, and its log would hold the rows still."""
        return False


@contextmanager
def explained(link: Link | None, database: SecretStr | None = None) -> Generator[None]:
    """Raise LedgerError for what is the database's fault or the network's, and leave alone what is ours."""
    where = f"{describe(database)}: " if database else ""
    try:
        yield
    except _pg.PostgresError as error:
        code = error.sqlstate or ""
        if code.startswith(_GONE):
            raise LedgerUnreachable(f"({where}{_brief(error)})") from error
        if code.startswith(_FULL):
            raise LedgerUnwritable(f"({where}{_brief(error)})") from error
        raise
    except _pg.InterfaceError as error:
        if link and not link.is_closed():
            raise
        raise LedgerUnreachable(f"({where}{_brief(error)})") from error
    except OSError as error:
        raise LedgerUnreachable(f"({where}{_brief(error)})") from error


_LOST = (OSError, _pg.PostgresError, _pg.InterfaceError)


def _brief(error: Exception) -> str:
    """Return an error's own words, of which asyncpg has many lines for one that is simple."""
    return (str(error) or type(error).__name__).splitlines()[0]


async def connect_freely(database: SecretStr) -> Link:
    """Open a connection that takes no seat; raise LedgerUnreachable."""
    with explained(None, database):
        try:
            return await _pg.connect(
                database.get_secret_value(),
                timeout=_CONNECT_TIMEOUT,
                command_timeout=_STATEMENT_TIMEOUT,
                server_settings=_SESSION,
                statement_cache_size=256,
            )
        except ValueError:  # its text may hold the address, and so a password
            raise LedgerUnreachable("(DATABASE_URL is not an address that PostgreSQL's clients take)") from None


async def connect(database: SecretStr, seat: Seat) -> Link:
    """Open the one connection by which a process writes, and which keeps its seat; raise LedgerError."""
    link = await connect_freely(database)
    try:
        await sit_down(link, seat, database)
    except BaseException:
        link.terminate()
        raise
    return link


async def sit_down(link: Link, seat: Seat, database: SecretStr) -> None:
    """Take a seat for as long as a connection lives; raise LedgerInUse where another process has it."""
    try:
        with explained(link, database):
            await link.execute(f"SET lock_timeout = '{SEAT_TIMEOUT}s'")
            for lock in seat.locks:
                await link.execute(f"SELECT {lock}")
            await link.execute("RESET lock_timeout")
    except LedgerUnwritable as error:
        raise LedgerInUse(f"({describe(database)})") from error


def _nothing() -> None:
    """Where nobody is there to hear it yet."""


async def _nothing_to_reset(_: Any) -> None:
    """Spare a visit: no statement for reading leaves anything behind."""


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
