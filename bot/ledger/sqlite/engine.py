"""The SQLite engine: one write connection behind a lock, one connection for reading, both in WAL mode."""

import asyncio
import logging
import re
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from bot.ledger.engine import Space
from bot.ledger.errors import LedgerUnreadable
from bot.ledger.named import OneVisit, load
from bot.ledger.sqlite.failures import explained, is_ours, unopened
from bot.ledger.sqlite.migrate import migrate_file
from bot.ledger.sqlite.one_process import only_process
from bot.ledger.sqlite.set_aside import remove_set_aside

log = logging.getLogger(__name__)

_PATIENCE = "PRAGMA busy_timeout = 5000"
_WRITER = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    _PATIENCE,
)
# SQLite before 3.51.3 can corrupt a WAL that two connections checkpoint at once: only the writer does.
_READER = ("PRAGMA wal_autocheckpoint = 0", _PATIENCE)


T = TypeVar("T")

_REWRITTEN_PAGES = 4_096
"""Pages of 4 KiB: a file of 16 MB is written anew in a tenth of a second, in which nobody can write."""

_GIVEN_BACK_PAGES = 256
"""Unused pages that are returned at once: 1 MB."""

_READERS_PAUSE = 0.2
_READERS_TRIES = 10
"""How often to try to empty the WAL while another program reads from it, and the seconds between two tries."""

_CHUNK = 64
"""Rows that aiosqlite's own cursors read at once; none is used."""

_STATEMENTS = 512
"""Kept prepared: more than there are queries."""

_ROW = re.compile(r"(?<=^    VALUES )(\(.+\))$", re.MULTILINE)
_PARAMETER = re.compile(r":(\w+)")
_ROWS_AT_ONCE = 64

Rows = list[sqlite3.Row]


def _run(connection: sqlite3.Connection, sql: str, parameters: Any = ()) -> tuple[Rows, int]:
    with closing(connection.execute(sql, parameters)) as cursor:
        return cursor.fetchall(), cursor.rowcount


@cache
def _of_rows(sql: str, count: int) -> tuple[str, list[str]]:
    """Return a statement about the row of its VALUES as one about so many, and what a row is made of, if it has one."""
    head, row, tail = _ROW.split(sql) if _ROW.search(sql) else (sql, "", "")
    names = _PARAMETER.findall(row)
    return f"{head}{', '.join([_PARAMETER.sub('?', row)] * count)}{tail}", names


def _run_many(connection: sqlite3.Connection, sql: str, parameters: Iterable[Any]) -> None:
    """Run a statement for each set of parameters; where they are a line of VALUES, for many at once.

    With a trigger SQLite notes at each statement how to take it back, which takes as long as the change itself.
    """
    rows = list(parameters)
    if not _of_rows(sql, 1)[1]:
        connection.executemany(sql, rows).close()
        return
    while rows:
        count = min(1 << (len(rows).bit_length() - 1), _ROWS_AT_ONCE)  # few sizes: each is prepared once
        of_rows, names = _of_rows(sql, count)
        connection.execute(of_rows, [row[name] for row in rows[:count] for name in names]).close()
        rows = rows[count:]


class InThread:
    """What `Connection` offers, for those who are in its thread already: nothing here ever waits."""

    process = 0

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.queries = SQLITE_QUERIES
        self._connection = connection

    async def rows(self, sql: str, parameters: Any) -> Rows:
        """Run a statement and return its rows."""
        return _run(self._connection, sql, parameters)[0]

    async def change(self, sql: str, parameters: Any) -> int:
        """Run a statement and return how many rows it has changed."""
        return _run(self._connection, sql, parameters)[1]

    async def change_many(self, sql: str, parameters: Iterable[Any]) -> None:
        """Run a statement once for each set of parameters."""
        _run_many(self._connection, sql, parameters)


class SqliteConnection(aiosqlite.Connection):
    """A connection whose every statement is one visit to its thread: run, read to the end, closed.

    aiosqlite's own cursors take three. And while any statement is open, SQLite shows all others on its connection the
    past that this one began in: a task would not find what it has just committed.
    """

    process = 0

    @property
    def queries(self) -> Any:
        """The named queries as SQLite takes them."""
        return SQLITE_QUERIES

    async def rows(self, sql: str, parameters: Any = ()) -> Rows:
        """Run a statement and return its rows."""
        return (await self._visit(lambda: _run(self._conn, sql, parameters)))[0]

    async def change(self, sql: str, parameters: Any = ()) -> int:
        """Run a statement and return how many rows it has changed."""
        return (await self._visit(lambda: _run(self._conn, sql, parameters)))[1]

    async def change_many(self, sql: str, parameters: Iterable[Any]) -> None:
        """Run a statement once for each set of parameters."""
        await self._visit(lambda: _run_many(self._conn, sql, parameters))

    async def free_pages(self, most: int) -> None:
        """Return unused pages to the file system."""
        # A page is freed at each step, and `execute` takes one where a statement has no columns.
        await self._visit(lambda: self._conn.executescript(f"PRAGMA incremental_vacuum({most})").close())

    async def empty_wal(self) -> bool:
        """Carry the WAL over into the file; False, at once, where another program is reading from it."""
        return await self._visit(self._empty_wal)

    def _empty_wal(self) -> bool:
        self._conn.execute("PRAGMA busy_timeout = 0")
        try:
            (((busy, *_),), _) = _run(self._conn, "PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._conn.execute(_PATIENCE)
        return not busy

    async def transact(self, work: Callable[[InThread], Coroutine[Any, Any, T]]) -> T:
        """Do a whole transaction in one visit; where whoever waits for it is cancelled, it is done all the same."""
        return await self._visit(lambda: self._transact(work))

    async def snapshot(self, work: Callable[[InThread], Coroutine[Any, Any, T]]) -> T:
        """Read several things as of one moment, in one visit."""
        return await self._visit(lambda: self._transact(work, "BEGIN"))

    def _transact(self, work: Callable[[InThread], Coroutine[Any, Any, T]], begin: str = "BEGIN IMMEDIATE") -> T:
        self._conn.execute(begin)
        try:
            result = _through(work(InThread(self._conn)))
            self._conn.execute("COMMIT")
        except BaseException:
            self._conn.rollback()
            raise
        return result

    async def _visit(self, work: Callable[[], T]) -> T:
        return await self._execute(work)  # pyright: ignore[reportUnknownMemberType]  # aiosqlite leaves it untyped


class ReadConnection(SqliteConnection):
    """The same for reading: what goes wrong with the file is told as the ledger's trouble, as transactions tell it."""

    async def _visit(self, work: Callable[[], T]) -> T:
        try:
            return await super()._visit(work)
        except sqlite3.DatabaseError as error:
            if is_ours(error):
                raise
            raise unopened(error, "reading") from error


def _through(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError("a transaction in one visit waits for something that is not the ledger")


SQLITE_QUERIES = load("sqlite", OneVisit)


class SqliteEngine:
    """Owns the connections; knows transactions, nothing of what is stored."""

    def __init__(self, path: Path, writer: SqliteConnection, reader: SqliteConnection) -> None:
        self.reader = reader
        self._path = path
        self.heard: Callable[[], None] = _nothing
        self._writer = writer
        self._lock = asyncio.Lock()

    only_process = staticmethod(only_process)
    migrate = staticmethod(migrate_file)

    @classmethod
    async def open(cls, database: Path, *, alone: bool = True, shards: Sequence[int] | None = None) -> Self:
        """Migrate and open a ledger, which whoever opens it has to himself; raise LedgerTooNew or LedgerUnreadable."""
        migrating = asyncio.ensure_future(asyncio.to_thread(migrate_file, database))
        try:
            await asyncio.shield(migrating)
        finally:
            await asyncio.wait([migrating])  # a thread cannot be broken off, and until its end nobody else may begin
        uri = _uri(database)
        try:
            writer = await _connect(uri, _WRITER)
            try:
                reader = await _connect(f"{uri}?mode=ro", _READER, ReadConnection)
            except BaseException:
                await writer.close()
                raise
        except sqlite3.Error as error:
            raise unopened(error, database) from error
        return cls(database, writer, reader)

    async def close(self) -> None:
        """Close both connections; the last one to close empties the WAL."""
        await self.reader.close()
        await self._writer.close()

    def wake_others(self) -> None:
        """Do nothing: there are none."""

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[SqliteConnection]:
        """Give the write connection to one task at a time; commit at the end, roll back on any exception.

        Raise LedgerUnwritable for a full disk, a lock that somebody else holds, or a medium that fails.

        BEGIN stands inside the try: a task cancelled while it waits for BEGIN would else leave the
        transaction open for whoever comes next.
        """
        async with self._lock:
            with explained():
                try:
                    await self._writer.change("BEGIN IMMEDIATE")
                    yield self._writer
                    await self._writer.change("COMMIT")
                except BaseException:
                    await _to_the_end(asyncio.ensure_future(self._writer.rollback()))
                    raise

    async def transact(self, work: Callable[[InThread], Coroutine[Any, Any, T]]) -> T:
        """Do a transaction that only runs statements in one visit to the thread. Raise LedgerUnwritable."""
        async with self._lock:
            with explained():
                return await self._writer.transact(work)

    async def snapshot(self, work: Callable[[InThread], Coroutine[Any, Any, T]]) -> T:
        """Read several things as of one moment, in one visit to the thread. Raise LedgerUnreadable."""
        return await self.reader.snapshot(work)

    async def forget_deleted(self) -> bool:
        """Leave no freed page behind: with secure_delete on, only the WAL still holds old content.

        False where it has to stay, for another program is reading from it: nobody who writes waits for that.
        """
        try:
            for _ in range(_READERS_TRIES):
                async with self._lock:
                    if await self._writer.empty_wal():
                        return True
                await asyncio.sleep(_READERS_PAUSE)
        except sqlite3.OperationalError:
            log.exception("what was deleted is still in the ledger's WAL")
        return False

    async def space(self) -> Space:
        """Return what the file and its WAL take, and what is free on their disk. Raise LedgerUnreadable."""
        return await asyncio.to_thread(_space, self._path)

    async def rewrite(self) -> bool:
        """Write a small file anew: where SQLite has moved rows from page to page it left copies behind.

        Those secure_delete does not reach. In a large one they stay until they are written over: everybody would
        have to wait. Raise LedgerUnwritable.
        """
        async with self._lock:
            with explained():
                ((pages,),) = await self._writer.rows("PRAGMA page_count")
                if small := pages <= _REWRITTEN_PAGES:
                    await self._writer.change("VACUUM")
        return await self.forget_deleted() and small

    async def give_back(self) -> None:
        """Return some unused pages to the file system, where the file was made so that it can, and old copies whole."""
        await asyncio.to_thread(remove_set_aside, self._path)
        async with self._lock:
            with explained():
                await self._writer.free_pages(_GIVEN_BACK_PAGES)


def _nothing() -> None:
    """Where nobody ever calls."""


def _space(path: Path) -> Space:
    wal = path.with_name(f"{path.name}-wal")
    try:
        used = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
        return Space(used, shutil.disk_usage(path.parent).free)
    except OSError as error:
        raise LedgerUnreadable(f"({path}: {error.strerror})") from error


def _uri(path: Path) -> str:
    return path.absolute().as_uri()


async def _connect(
    uri: str, pragmas: tuple[str, ...], kind: type[SqliteConnection] = SqliteConnection
) -> SqliteConnection:
    connection = kind(
        lambda: sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=_STATEMENTS), _CHUNK
    )
    await connection
    connection.row_factory = sqlite3.Row
    try:
        for pragma in pragmas:
            await connection.change(pragma)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _to_the_end(task: asyncio.Future[None]) -> None:
    """Wait for a task although the waiting one is being cancelled; its caller raises anyway."""
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            continue
