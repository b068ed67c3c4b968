"""Carries a SQLite ledger over to PostgreSQL: all of it in one transaction, counted and compared before it is kept."""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from pydantic import SecretStr

from bot.ledger.errors import LedgerDiffers, LedgerNotEmpty, LedgerUnreachable, LedgerUnreadable, LedgerUnsure
from bot.ledger.postgresql.address import describe
from bot.ledger.postgresql.connections import ALONE, UNHURRIED, WRITING, Link, connect
from bot.ledger.postgresql.failures import explained
from bot.ledger.postgresql.migrate import migrate_server
from bot.ledger.postgresql.primary import Primary
from bot.ledger.sqlite.migrate import migrate_file
from bot.progress_bar import ProgressBar, rows

_OURS = {"processes", "schema_version", "sqlite_sequence"}
"""Tables that each engine keeps for itself."""

_TOLD_EVERY = 1_000
"""Rows, some hundredths of a second."""


_TABLES = """
    SELECT t.relname AS name, array_remove(array_agg(r.relname::text), NULL) AS needs FROM pg_class t
    LEFT JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f'
    LEFT JOIN pg_class r ON r.oid = c.confrelid
    WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace GROUP BY t.relname
"""
"""All tables, each with those that its rows refer to."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was carried over of one table; the checksum is the same on both sides."""

    table: str
    rows: int
    checksum: str


async def move(source: Path, target: SecretStr) -> list[Moved]:
    """Copy a ledger that nobody is using into an empty database, and return what there is of each table.

    Raise LedgerNotEmpty, LedgerDiffers where something arrived otherwise than it was sent, or another LedgerError; then
    nothing is in the target, but for LedgerUnsure. The source is brought to this release's schema and else left alone.
    """
    await asyncio.to_thread(migrate_file, source)
    await migrate_server(target)
    link, moved = await connect(target, ALONE, Primary()), list[Moved]()
    try:
        with explained(link, target), closing(_opened(source)) as ledger:
            async with link.transaction():
                await link.execute(WRITING)
                tables = await _tables(ledger, link, target)
                count = sum(ledger.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables)
                with ProgressBar("moving the ledger, and reading it back", 2 * count, rows) as bar:
                    done = _Done(bar)
                    carried = [await _carry(ledger, link, table, done) for table in tables]
                await _continue_numbers(ledger, link)
                await link.execute("ANALYZE", timeout=UNHURRIED)
                moved = carried  # from here on only COMMIT can fail
    except LedgerUnreachable as error:
        if moved:
            raise LedgerUnsure(f"({describe(target)})") from error
        raise
    finally:
        await link.close()
    return moved


def _opened(source: Path) -> sqlite3.Connection:
    try:
        ledger = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        ledger.execute("BEGIN")
    except sqlite3.Error as error:
        raise LedgerUnreadable(f"({source}: {error})") from error
    return ledger


async def _tables(ledger: sqlite3.Connection, link: Link, target: SecretStr) -> list[str]:
    """Return the tables of both, those that others refer to first; raise where the target has rows."""
    rows = await link.fetch(_TABLES)
    needs = {row["name"]: row["needs"] for row in rows if row["name"] not in _OURS}
    known = {name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")} - _OURS
    if known != needs.keys():
        raise LedgerDiffers(f"(tables: {', '.join(sorted(known ^ needs.keys()))})")
    for table in needs:
        if await link.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table})"):
            raise LedgerNotEmpty(f"({describe(target)}: {table})")
    return list(TopologicalSorter(needs).static_order())


async def _carry(ledger: sqlite3.Connection, link: Link, table: str, done: "_Done") -> Moved:
    """Copy one table as it is: no trigger writes down again what has been written down."""
    columns = [name for _, name, *_ in ledger.execute(f"PRAGMA table_info({table})")]
    named = ", ".join(columns)
    sent = _Sum(done)
    await link.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    records = sent.count(ledger.execute(f"SELECT {named} FROM {table}"))
    try:
        await link.copy_records_to_table(table, columns=columns, records=records, timeout=UNHURRIED)
    except asyncpg.DataError as error:  # SQLite keeps what PostgreSQL has no room for
        raise LedgerDiffers(f"({table}: {error})") from error
    await link.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    arrived = _Sum(done)
    async for row in _rows(link, f"SELECT {named} FROM {table}"):
        arrived.add(row)
    if arrived != sent:
        raise LedgerDiffers(f"({table}: {sent.rows} rows were sent, {arrived.rows} are there, not all the same)")
    return Moved(table, arrived.rows, arrived.checksum)


async def _rows(link: Link, query: str) -> AsyncIterator[Sequence[Any]]:
    async for row in link.cursor(query, prefetch=5_000):
        yield row


async def _continue_numbers(ledger: sqlite3.Connection, link: Link) -> None:
    """Give no number again that SQLite gave: a late answer could meet a stranger's order."""
    given = dict(ledger.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    identities = await link.fetch(
        "SELECT table_name::text, column_name::text FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND is_identity = 'YES'"
    )
    for table, column in identities:
        last = max(given.get(table, 0), await link.fetchval(f"SELECT COALESCE(MAX({column}), 0) FROM {table}"))
        if last:
            await link.execute("SELECT setval(pg_get_serial_sequence($1, $2), $3)", table, column, last)


class _Done:
    """Counts the rows that were sent or read back, of all tables."""

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar
        self._rows = 0

    def add(self) -> None:
        """Count a row."""
        self._rows += 1
        if not self._rows % _TOLD_EVERY:
            self._bar.show(self._rows)


class _Sum:
    """Counts rows and sums up their hashes, in whatever order they come."""

    def __init__(self, done: _Done) -> None:
        self._done = done
        self.rows = 0
        self._total = 0

    def add(self, row: Iterable[Any]) -> None:
        """Count a row."""
        self.rows += 1
        self._done.add()
        self._total += int.from_bytes(hashlib.sha256(repr(tuple(row)).encode()).digest(), "big")

    def count(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Hand rows on, counting them."""
        for row in rows:
            self.add(row)
            yield row

    @property
    def checksum(self) -> str:
        """The sum, short enough to be compared by eye."""
        return f"{self._total % 2**256:064x}"[:16]

    def __eq__(self, other: object) -> bool:
        """Tell whether both have seen the same rows."""
        return isinstance(other, _Sum) and (self.rows, self._total) == (other.rows, other._total)
