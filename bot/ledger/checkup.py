"""Looks at a ledger without changing it, for whoever asks whether all is well."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.ledger.errors import LedgerUnreadable
from bot.ledger.migrate import migrations, schema_version, strangers

_MOST_WORDS = 200  # characters


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found in a ledger's file."""

    version: int
    newest: int
    """The schema that this release brings."""
    damage: str
    """SQLite's words for what is broken; empty where the file is whole."""
    strangers: tuple[str, ...] = ()
    """Triggers, views and the like that no release has made, or has made otherwise."""
    sealed: tuple[bytes, ...] | None = ()
    """The API keys as they are stored; None where the schema is another release's."""


@dataclass(frozen=True, slots=True)
class ServerCheckup:
    """What was found in a ledger in PostgreSQL, and of its server."""

    version: int
    newest: int
    """The schema that this release brings."""
    release: str
    """The server's, as its makers write it."""
    number: int
    """The same to compare: 150004 for 15.4."""
    encoding: str
    writable: bool
    may_create: bool
    """Whether the user may make tables."""
    advice: tuple[str, ...] = ()
    """What to change of the rights of the bot's role and of others', a sentence each."""
    sealed: tuple[bytes, ...] | None = ()
    """The API keys as they are stored; None where the schema is another release's."""


SEALED = "SELECT key_sealed FROM accounts WHERE key_sealed IS NOT NULL"


def check_up(path: Path) -> Checkup:
    """Read the whole file, which takes about a second for each gigabyte; raise LedgerUnreadable."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            version, newest = schema_version(connection), migrations("sqlite")[-1][0]
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            damage = "" if verdict == "ok" else str(verdict)[:_MOST_WORDS]
            found = tuple(strangers(connection)) if version == newest and not damage else ()
            return Checkup(version, newest, damage, found, _sealed(connection, version, newest))
    except sqlite3.Error as error:
        raise LedgerUnreadable(f"({path}: {error})") from error


def _sealed(connection: sqlite3.Connection, version: int, newest: int) -> tuple[bytes, ...] | None:
    if version != newest:
        return None if version else ()
    return tuple(blob for (blob,) in connection.execute(SEALED))
