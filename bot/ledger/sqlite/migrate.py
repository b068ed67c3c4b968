"""Brings a SQLite ledger to the schema of this release: each migration in one transaction."""

import filecmp
import logging
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from bot.files import keep_owner, put_new, remove_leftovers, written_aside
from bot.ledger.errors import LedgerMigrationFailed
from bot.ledger.schema import announce, is_ours, pending
from bot.ledger.sqlite.copying import copy_whole
from bot.ledger.sqlite.failures import unopened, unwritable
from bot.ledger.sqlite.set_aside import SET_ASIDE_DAYS

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
    """Apply what is missing and return the schema's version; a ledger of an earlier one is copied first.

    Raise LedgerTooNew, LedgerShortOfSpace, LedgerMigrationFailed, LedgerFull, LedgerHeld, or LedgerUnreadable where the
    file cannot be opened or is no database.
    """
    with _readable(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        version = schema_version(connection, path)
        missing = pending("sqlite", version, str(path))
        copy = _copy_first(connection, path, missing[-1][0]) if missing and version else None
        connection.execute("PRAGMA secure_delete = ON")  # of columns that are dropped, too
        if not version:  # room that is free again can be given back a little at a time
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        announce(missing)
        before = version
        for number, name, sql in missing:
            try:
                apply(connection, number, sql)
            except sqlite3.Error as error:
                if copy is None:
                    raise
                fault = unwritable(error)
                kind = type(fault) if fault.passes else LedgerMigrationFailed
                raise kind(f"({name}: {error}; {_what_is_left(path, copy, before, version)})") from error
            version = number
        return version


def _what_is_left(path: Path, copy: Path, before: int, version: int) -> str:
    """Say how a ledger stands after a migration that failed; a copy of what it still is serves nobody."""
    if version == before:
        copy.unlink()
        return f"{path} is as it was, at schema {version}"
    return f"{path} is at schema {version}; as it was, at schema {before}, it is in {copy}, which `restore` puts back"


def apply(connection: sqlite3.Connection, number: int, sql: str) -> None:
    """Bring a database from one schema to the next."""
    table = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);"
    stamp = f"INSERT INTO schema_version VALUES ({number}, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));"
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{table}\n{sql}\n{stamp}\nCOMMIT;")
    except sqlite3.Error:
        connection.rollback()
        raise


def _copy_first(connection: sqlite3.Connection, path: Path, newest: int) -> Path:
    """Copy a ledger as it is before it is brought to a schema, over no earlier copy; return where it is.

    Raise LedgerShortOfSpace, LedgerUnreadable, sqlite3.Error or OSError; then nothing is left of it.
    """
    path = path.resolve()  # where its journals are, and there is room for it
    first = f"{path.name}.before-{newest:04}"
    names = [path.with_name(name) for name in (first, *(f"{first}-{n}" for n in range(2, 1_000)))]
    target = next(name for name in names if not name.exists())
    remove_leftovers(path, older=0)  # nobody else is here
    with written_aside(target) as aside:
        copy_whole(connection, aside, "copying the ledger before it is migrated")
        for earlier in names[: names.index(target)]:
            with suppress(OSError):  # root's, maybe
                if filecmp.cmp(earlier, aside, shallow=False):  # a start was killed while it migrated
                    return earlier
        put_new(aside, target)
    log.info("ledger copied to %s before migrating; it is removed after %d days", target, SET_ASIDE_DAYS)
    return target


@contextmanager
def _readable(path: Path) -> Generator[None]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)  # whose orders these are is nobody else's business
            keep_owner(path)
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        raise unopened(error, path) from error
