"""Brings a SQLite ledger to the schema of this release: each migration in one transaction."""

import logging
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from bot.ledger.errors import LedgerUnreadable
from bot.ledger.schema import announce, is_ours, pending

log = logging.getLogger(__name__)


def schema_version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the number of the last migration applied; 0 for an empty file.

    Raise LedgerUnreadable for the database of another program.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not is_ours(tables, str(path)):
        return 0
    return connection.execute("SELECT MAX(version) FROM schema_version").fetchone()[0]


def migrate_file(path: Path) -> int:
    """Apply what is missing and return the schema's version.

    Raise LedgerTooNew, or LedgerUnreadable where the file cannot be opened or is no database.
    """
    with _readable(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        version = schema_version(connection, path)
        missing = pending("sqlite", version, str(path))
        if missing and version:
            _back_up(connection, path.with_name(f"{path.name}.before-{missing[-1][0]:04}"))
        connection.execute("PRAGMA secure_delete = ON")  # of columns that are dropped, too
        if not version:  # room that is free again can be given back a little at a time
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        announce(missing)
        for number, _, sql in missing:
            apply(connection, number, sql)
            version = number
        return version


def apply(connection: sqlite3.Connection, number: int, sql: str) -> None:
    """Bring a database from one schema to the next."""
    table = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);"
    stamp = f"INSERT INTO schema_version VALUES ({number}, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));"
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{table}\n{sql}\n{stamp}\nCOMMIT;")
    except sqlite3.Error:
        connection.rollback()
        raise


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    target.touch(mode=0o600)
    with closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)
    log.info("ledger backed up to %s before migrating", target)


@contextmanager
def _readable(path: Path) -> Generator[None]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # whose orders these are is nobody else's business
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        raise LedgerUnreadable(f"({path}: {error})") from error
