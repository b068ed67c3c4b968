"""Brings a SQLite ledger to the schema of this release: numbered files, each in one transaction."""

import logging
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path

from bot.ledger.errors import LedgerTooNew, LedgerUnreadable

log = logging.getLogger(__name__)


def migrations(engine: str) -> list[tuple[int, str, str]]:
    """Return number, name and SQL of every migration of an engine, oldest first."""
    files = (resources.files("bot.ledger") / "migrations" / engine).iterdir()
    named = [file for file in files if file.name.endswith(".sql")]
    found = [(int(file.name.split("_")[0]), file.name, file.read_text("utf-8")) for file in named]
    return sorted(found)


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration applied; 0 for an empty database.

    Raise LedgerUnreadable for the database of another program.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "schema_version" in tables:
        return connection.execute("SELECT MAX(version) FROM schema_version").fetchone()[0]
    if tables:
        raise LedgerUnreadable("(it is a database of another program)")
    return 0


def migrate_file(path: Path) -> int:
    """Apply what is missing and return the schema's version.

    Raise LedgerTooNew, or LedgerUnreadable where the file cannot be opened or is no database.
    """
    with _readable(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        version = schema_version(connection)
        known = migrations("sqlite")
        if version > known[-1][0]:
            raise LedgerTooNew(f"({path}: schema {version}, this release knows {known[-1][0]})")
        pending = [migration for migration in known if migration[0] > version]
        if pending and version:
            _back_up(connection, path.with_name(f"{path.name}.before-{pending[-1][0]:04}"))
        if not version:  # room that is free again can be given back a little at a time
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if pending:
            log.info("bringing the ledger to schema %d: %s", pending[-1][0], ", ".join(name for _, name, _ in pending))
        for number, _, sql in pending:
            _apply(connection, number, sql)
            version = number
        return version


def strangers(connection: sqlite3.Connection) -> list[str]:
    """Return tables, views, indexes and triggers that no migration has made, and ours that were changed or are gone."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        for number, _, sql in migrations("sqlite"):
            _apply(fresh, number, sql)
        return sorted({f"{kind} {name}" for kind, name, _ in _schema(connection) ^ _schema(fresh)})


def _schema(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    return set(
        connection.execute(r"SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'")
    )


def _apply(connection: sqlite3.Connection, number: int, sql: str) -> None:
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
