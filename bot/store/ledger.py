"""The ledger's door: `read` at any time, `write()` for one transaction."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from bot.store.migrate import migrate
from bot.store.reader import Reader
from bot.store.sqlite import SqliteEngine
from bot.store.writer import Writer

T = TypeVar("T")


class Ledger:
    """The open ledger: `read` at any time, `write()` for one transaction."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine
        self.read = Reader(engine.reader)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncGenerator["Ledger"]:
        """Migrate and open a ledger; raise LedgerError where that cannot be done."""
        await asyncio.to_thread(migrate, path)
        engine = await SqliteEngine.open(path)
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

    async def forget_deleted(self) -> None:
        """Leave nothing of deleted secrets in the files."""
        await self._engine.forget_deleted()

    async def rewrite(self) -> None:
        """Leave nothing of anything deleted in the files; raise LedgerUnwritable, for want of space."""
        await self._engine.rewrite()
