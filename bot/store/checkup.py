"""Looks at a ledger's file without changing it, for whoever asks whether all is well."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.store.errors import LedgerUnreadable
from bot.store.migrate import migrations, schema_version

_MOST_WORDS = 200  # characters


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found in a ledger's file."""

    version: int
    newest: int
    """The schema that this release brings."""
    damage: str
    """SQLite's words for what is broken; empty where the file is whole."""
    sealed: tuple[bytes, ...] = ()
    """The API keys as they are stored; empty where the schema is not this release's."""


def check_up(path: Path) -> Checkup:
    """Read the whole file, which takes about a second for each gigabyte; raise LedgerUnreadable."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            version, newest = schema_version(connection), migrations("sqlite")[-1][0]
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            damage = "" if verdict == "ok" else str(verdict)[:_MOST_WORDS]
            return Checkup(version, newest, damage, _sealed(connection) if version == newest else ())
    except sqlite3.Error as error:
        raise LedgerUnreadable(f"({path}: {error})") from error


def _sealed(connection: sqlite3.Connection) -> tuple[bytes, ...]:
    rows = connection.execute("SELECT key_sealed FROM accounts WHERE key_sealed IS NOT NULL")
    return tuple(blob for (blob,) in rows)
