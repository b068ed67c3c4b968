"""Reads a ledger's file without changing it, for the doctor."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.ledger.engine import SEALED, Checkup
from bot.ledger.errors import LedgerUnreadable
from bot.ledger.schema import migrations
from bot.ledger.sqlite.migrate import apply, schema_version

_MOST_WORDS = 200  # characters


def check_up(path: Path) -> Checkup:
    """Read the whole file, which takes about a second for each gigabyte; raise LedgerUnreadable."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            version, newest = schema_version(connection, path), migrations("sqlite")[-1][0]
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            damage = "" if verdict == "ok" else str(verdict)[:_MOST_WORDS]
            found = tuple(_strangers(connection)) if version == newest and not damage else ()
            return Checkup(version, newest, damage, found, _sealed(connection, version, newest))
    except sqlite3.Error as error:
        raise LedgerUnreadable(f"({path}: {error})") from error


def _sealed(connection: sqlite3.Connection, version: int, newest: int) -> tuple[bytes, ...] | None:
    if not version:
        return ()
    try:
        return tuple(blob for (blob,) in connection.execute(SEALED)) if version <= newest else None
    except sqlite3.OperationalError:  # another release had them elsewhere
        return None


def _strangers(connection: sqlite3.Connection) -> list[str]:
    """Return tables, views, indexes and triggers that no migration has made, and ours that were changed or are gone."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        for number, _, sql in migrations("sqlite"):
            apply(fresh, number, sql)
        return sorted({f"{kind} {name}" for kind, name, _ in _schema(connection) ^ _schema(fresh)})


def _schema(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    return set(
        connection.execute(r"SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'")
    )
