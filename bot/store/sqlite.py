"""The SQLite engine: one write connection behind a lock, one connection for reading, both in WAL mode."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from bot.store.errors import LedgerUnreadable, LedgerUnwritable

_WRITER = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA busy_timeout = 5000",
)
# SQLite before 3.51.3 can corrupt a WAL that two connections checkpoint at once: only the writer does.
_READER = ("PRAGMA wal_autocheckpoint = 0", "PRAGMA busy_timeout = 5000")


class SharedReader:
    """A connection for reading that many tasks share, one statement at a time.

    While any statement is open, SQLite shows all others on its connection the past that this one began in: a
    task would not find what it has just committed.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def execute(self, sql: str, parameters: Mapping[str, Any]) -> AsyncGenerator[aiosqlite.Cursor]:
        """Run a statement, and let its rows be read."""
        async with self._lock, self._connection.execute(sql, parameters) as rows:
            yield rows

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


class SqliteEngine:
    """Owns the connections; knows transactions, nothing of what is stored."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self.reader = SharedReader(reader)
        self._writer = writer
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> "SqliteEngine":
        """Open a ledger that has been migrated; raise LedgerUnreadable."""
        uri = _uri(path)
        try:
            writer = await _connect(uri, _WRITER)
            try:
                reader = await _connect(f"{uri}?mode=ro", _READER)
            except BaseException:
                await writer.close()
                raise
        except sqlite3.Error as error:
            raise LedgerUnreadable(f"({path}: {error})") from error
        return cls(writer, reader)

    async def close(self) -> None:
        """Close both connections; the last one to close empties the WAL."""
        await self.reader.close()
        await self._writer.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[aiosqlite.Connection]:
        """Give the write connection to one task at a time; commit at the end, roll back on any exception.

        Raise LedgerUnwritable for a full disk, a lock that somebody else holds, or a medium that fails.

        BEGIN stands inside the try: a task cancelled while it waits for BEGIN would else leave the
        transaction open for whoever comes next.
        """
        async with self._lock:
            try:
                await self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                await self._writer.execute("COMMIT")
            except BaseException as error:
                await _to_the_end(asyncio.ensure_future(self._writer.rollback()))
                if isinstance(error, sqlite3.OperationalError):
                    raise LedgerUnwritable(f"({error})") from error
                raise

    async def forget_deleted(self) -> None:
        """Leave no freed page behind: with secure_delete on, only the WAL still holds old content."""
        async with self._lock:
            await _run(self._writer, "PRAGMA wal_checkpoint(TRUNCATE)")


def _uri(path: Path) -> str:
    return path.absolute().as_uri()


async def _connect(uri: str, pragmas: tuple[str, ...]) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(uri, uri=True, isolation_level=None)
    connection.row_factory = aiosqlite.Row
    try:
        for pragma in pragmas:
            await _run(connection, pragma)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _run(connection: aiosqlite.Connection, pragma: str) -> None:
    # Read to its end: a statement in progress would make the next COMMIT fail.
    async with connection.execute(pragma) as rows:
        await rows.fetchall()


async def _to_the_end(task: asyncio.Future[None]) -> None:
    """Wait for a task although the waiting one is being cancelled; its caller raises anyway."""
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            continue
