"""Where a test's ledger is, on either engine, and a way into it past all of the bot's code."""

import itertools
import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Protocol

import asyncpg
import pytest
from pydantic import SecretStr

from bot.ledger import Database, migrate
from bot.ledger.postgresql.connections import WRITING
from tests.postgres import Postgres


class Below(Protocol):
    """One ledger's database, for tests that look under the bot."""

    refuses: ClassVar[type[Exception]]
    """What the database raises where a row breaks its rules."""

    @property
    def database(self) -> Database:
        """What to open."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """The bot's settings that lead to it."""
        ...

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement, committed at once, and return its rows."""
        ...

    def tables(self) -> list[str]:
        """Return the names of the ledger's tables."""
        ...

    def write_once(self) -> None:
        """Begin a transaction that writes, and end it; raise where somebody else is writing."""
        ...

    def damage(self, table: str) -> None:
        """Let a table be read no more, as where the disk has lost it."""
        ...

    def mend(self, table: str) -> None:
        """Let a table be read again."""
        ...


class InFile:
    """A ledger in a file of SQLite's."""

    refuses = sqlite3.IntegrityError

    def __init__(self, path: Path) -> None:
        self.database = path
        self.settings: dict[str, Any] = {"database_url": f"sqlite:///{path}"}

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as db, db:
            return db.execute(query, values).fetchall()

    def tables(self) -> list[str]:
        return [name for (name,) in self.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def write_once(self) -> None:
        with closing(sqlite3.connect(self.database, timeout=1)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.rollback()

    def damage(self, table: str) -> None:
        self.sql(f"ALTER TABLE {table} RENAME TO elsewhere")

    def mend(self, table: str) -> None:
        self.sql(f"ALTER TABLE elsewhere RENAME TO {table}")


class InPostgres:
    """A ledger in a database of PostgreSQL's."""

    refuses = asyncpg.IntegrityConstraintViolationError

    def __init__(self, server: Postgres, *, migrated: bool = True) -> None:
        self.server = server
        self.url = server.create(migrated)
        self.database = SecretStr(self.url)
        self.settings: dict[str, Any] = {"database_url": self.url}

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        numbers = itertools.count(1)
        return self.server.sql(self.url, "".join(f"${next(numbers)}" if c == "?" else c for c in query), *values)

    def script(self, text: str) -> None:
        """Run any number of statements."""
        self.server.script(self.url, text)

    def tables(self) -> list[str]:
        return [name for (name,) in self.sql("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")]

    def write_once(self) -> None:
        self.script("SET lock_timeout = '1s'")
        try:
            self.script(f"BEGIN; {WRITING}")
        finally:
            self.script("ROLLBACK")

    def damage(self, table: str) -> None:
        self.script(f"""
            ALTER TABLE {table} RENAME TO elsewhere;
            CREATE FUNCTION damaged() RETURNS SETOF elsewhere LANGUAGE plpgsql AS
                $$ BEGIN RAISE 'not now' USING ERRCODE = 'cannot_connect_now'; END $$;
            CREATE VIEW {table} AS SELECT * FROM damaged()
        """)

    def mend(self, table: str) -> None:
        self.script(f"DROP VIEW {table}; DROP FUNCTION damaged(); ALTER TABLE elsewhere RENAME TO {table}")

    def close(self) -> None:
        """End this way into the database; the next statement makes another."""
        self.server.close(self.url)

    def drop(self) -> None:
        """Remove the database."""
        self.server.drop(self.url)


@contextmanager
def ledger_in(folder: Path, server: Postgres | None) -> Generator[Below]:
    """Copy an empty ledger that was migrated before: in PostgreSQL if there is a server, else to a file."""
    if server is None:
        below = InFile(folder / "ledger.sqlite3")
        below.database.touch(0o600)
        below.database.write_bytes(_empty_ledger())
        yield below
        return
    below = InPostgres(server)
    try:
        yield below
    finally:
        below.drop()


@cache
def _empty_ledger() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite3"
        migrate(path)
        return path.read_bytes()


def no_server() -> None:
    """Skip a test for want of PostgreSQL; where everything has to be checked that is a failure."""
    missing = "PostgreSQL is not installed here (on Debian: apt-get install postgresql)"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
