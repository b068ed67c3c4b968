"""Brings a SQLite ledger to the schema of this release: each migration in one transaction."""

import logging
import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bot.files import keep_owner, put_new, remove_leftovers, written_aside
from bot.ledger.errors import LedgerMigrationFailed
from bot.ledger.schema import announce, is_ours, pending
from bot.ledger.sqlite.copying import copy_whole
from bot.ledger.sqlite.failures import unopened, unwritable
from bot.ledger.sqlite.set_aside import SET_ASIDE_DAYS

log = logging.getLogger(__name__)

_DIFFERS = (range(18, 20), range(24, 28), range(40, 44), range(92, 100))
"""Bytes of a file's header that SQLite gives a copy anew: kind of journal, counts of changes, who wrote it last."""
_AT_ONCE = 1 << 20


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
    # `content` is closed last: closing any descriptor of a file drops the locks that SQLite has on it.
    with (
        _readable(path),
        path.open("rb") as content,
        closing(sqlite3.connect(path, isolation_level=None)) as connection,
    ):
        version = schema_version(connection, path)
        missing = pending("sqlite", version, str(path))
        copy = _copy_first(connection, content, path, missing[-1][0]) if missing and version else None
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


def _copy_first(connection: sqlite3.Connection, content: BinaryIO, path: Path, newest: int) -> Path:
    """Copy a ledger as it is before it is brought to a schema, over no earlier copy; return where it is.

    A start that was killed while it migrated has left a copy: it serves again, and there may be no room for another.
    Raise LedgerShortOfSpace, LedgerUnreadable, sqlite3.Error or OSError; then nothing is left of it.
    """
    connection.execute("BEGIN IMMEDIATE")  # else a ledger that somebody holds would be copied at each start
    connection.rollback()
    path = path.resolve()  # where its journals are, and there is room for it
    first = f"{path.name}.before-{newest:04}"
    names = [path.with_name(name) for name in (first, *(f"{first}-{n}" for n in range(2, 1_000)))]
    target = next(name for name in names if not name.exists())
    remove_leftovers(path, older=0)  # nobody else is here
    (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    for earlier in names[: names.index(target)] if not busy else ():
        with suppress(OSError):  # root's, maybe
            if _is_copy(content, earlier):
                os.utime(earlier)  # its days begin anew
                return earlier
    with written_aside(target) as aside:
        copy_whole(connection, aside, "copying the ledger before it is migrated")
        put_new(aside, target)
    log.info("ledger copied to %s before migrating; it is removed after %d days", target, SET_ASIDE_DAYS)
    return target


def _is_copy(content: BinaryIO, earlier: Path) -> bool:
    """Tell whether an earlier copy is of the ledger as it is, whose journal is empty; raise OSError."""
    content.seek(0)
    with earlier.open("rb") as copy:
        heads = [bytearray(file.read(_AT_ONCE)) for file in (content, copy)]
        for head in heads:
            for differs in _DIFFERS:
                head[differs.start : differs.stop] = bytes(len(differs))
        one, other = map(bytes, heads)
        while one and one == other:
            one, other = content.read(_AT_ONCE), copy.read(_AT_ONCE)
        return one == other


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
