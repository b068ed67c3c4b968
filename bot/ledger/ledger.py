"""The ledger's door: `read` at any time, `write()` for one transaction."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import SecretStr

from bot.ledger.checkup import ServerCheckup
from bot.ledger.database import Database
from bot.ledger.errors import LedgerUnreachable
from bot.ledger.migrate import migrate_file
from bot.ledger.named import Connection
from bot.ledger.reader import Reader
from bot.ledger.sqlite import SqliteEngine
from bot.ledger.writer import Writer

if TYPE_CHECKING:
    from bot.ledger.move import Moved

T = TypeVar("T")


class Engine(Protocol):
    """What the ledger stands on; each method raises LedgerError."""

    heard: Callable[[], None]
    """Called when another process says that there is something to do."""

    def wake_others(self) -> None:
        """Tell the other processes that there is something to do."""
        ...

    @property
    def reader(self) -> Connection:
        """What to read from, at any time."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """Let one task write at a time; commit at the end, roll back on any exception."""
        ...

    async def transact(self, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        """Do a transaction that waits for nothing but its connection."""
        ...

    async def forget_deleted(self) -> bool:
        """Leave nothing of deleted secrets in the files; False where that cannot be."""
        ...

    async def rewrite(self) -> bool:
        """Leave nothing of anything deleted in the files; False where that cannot be."""
        ...

    async def give_back(self) -> None:
        """Return some unused room to the file system, where the engine does not do so by itself."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


class Ledger:
    """The open ledger: `read` at any time, `write()` for one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.read = Reader(engine.reader)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, database: Database, *, alone: bool = False, shards: Sequence[int] | None = None
    ) -> AsyncGenerator["Ledger"]:
        """Migrate and open a ledger; raise LedgerError where that cannot be done.

        In PostgreSQL other processes may share it, each with other shards of Discord's, unless this one has to be
        `alone`. On SQLite whoever opens it sees to it that nobody else does.
        """
        await _migrated(database)
        engine = await _engine(database, alone, shards)
        try:
            yield cls(engine)
        finally:
            await engine.close()

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[Writer]:
        """Begin a transaction; commit at the end of the block, or nothing of it where an exception leaves it."""
        async with self._engine.transaction() as connection:
            yield Writer(connection)

    async def write_at_once(self, work: Callable[[Writer], Coroutine[Any, Any, T]]) -> T:
        """Do a transaction in one go, faster than `write()`: `work` may wait for nothing but its writer."""
        return await self._engine.transact(lambda connection: work(Writer(connection)))

    @property
    def process(self) -> int:
        """The number of this process among those that share the ledger; 0 where none can."""
        return self._engine.reader.process

    @property
    def is_shared(self) -> bool:
        """Whether there may be other processes on it."""
        return self.process != 0

    def listen(self, heard: Callable[[], None]) -> None:
        """Have something called whenever another process says that there is something to do."""
        self._engine.heard = heard

    def wake_others(self) -> None:
        """Tell the other processes that there is something to do; it may get lost, nobody relies on it."""
        self._engine.wake_others()

    async def forget_deleted(self) -> bool:
        """Leave nothing of deleted secrets in the files; False where traces may stay, sealed still.

        PostgreSQL clears its own away when it vacuums; in a file some stay while another program reads it.
        """
        return await self._engine.forget_deleted()

    async def give_back(self) -> None:
        """Return some unused room of the files to the file system."""
        await self._engine.give_back()

    async def rewrite(self) -> bool:
        """Leave nothing of anything deleted in the files; as above. Raise LedgerUnwritable, for want of space."""
        return await self._engine.rewrite()


def migrate(database: Database) -> int:
    """Bring a ledger to the schema of this release and return its version; raise LedgerError."""
    return migrate_file(database) if isinstance(database, Path) else asyncio.run(_migrated(database))


async def _migrated(database: Database) -> int:
    if isinstance(database, Path):
        migrating = asyncio.ensure_future(asyncio.to_thread(migrate_file, database))
        try:
            return await asyncio.shield(migrating)
        finally:
            await asyncio.wait([migrating])  # a thread cannot be broken off, and until its end nobody else may begin
    _need_asyncpg()
    from bot.ledger.migrate_postgres import migrate_postgres

    return await migrate_postgres(database)


def move(source: Path, target: SecretStr) -> "list[Moved]":
    """Copy a SQLite ledger that nobody is using into an empty PostgreSQL database; raise LedgerError."""
    _need_asyncpg()
    from bot.ledger.move import move as carry_over

    return asyncio.run(carry_over(source, target))


async def check_up_server(database: SecretStr) -> ServerCheckup:
    """Look at a ledger in PostgreSQL, and at its server, and change nothing; raise LedgerError."""
    _need_asyncpg()
    from bot.ledger.checkup_postgres import check_up_postgres

    return await check_up_postgres(database)


async def _engine(database: Database, alone: bool, shards: Sequence[int] | None) -> Engine:
    if isinstance(database, Path):
        return await SqliteEngine.open(database)
    from bot.ledger.link import InstanceLock  # its package is an extra
    from bot.ledger.postgres import PostgresEngine

    return await PostgresEngine.open(database, InstanceLock(alone, None if shards is None else tuple(shards)))


def _need_asyncpg() -> None:
    try:
        import asyncpg  # noqa: F401  # pyright: ignore
    except ImportError:
        raise LedgerUnreachable("(PostgreSQL needs the package asyncpg: make postgres)") from None
