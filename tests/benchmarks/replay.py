"""What a ledger does to SQLite, written down while it does it, and done again with nothing but sqlite3."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

Tape = list[tuple[str, Any, bool]]
"""Statements with their parameters; whether these are those of many rows."""

PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
"""Those of bot/ledger/sqlite/engine.py."""


@contextmanager
def recording() -> Generator[Tape]:
    """Write down every statement of all connections that are opened within."""
    tape: Tape = []

    class Recorder(sqlite3.Connection):
        def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
            tape.append((sql, parameters, False))
            return super().execute(sql, parameters)

        def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
            tape.append((sql, parameters, True))
            return super().executemany(sql, parameters)

    connect = sqlite3.connect
    sqlite3.connect = lambda *arguments, **named: connect(*arguments, **{**named, "factory": Recorder})
    try:
        yield tape
    finally:
        sqlite3.connect = connect


@contextmanager
def bare_sqlite(path: Path) -> Generator[sqlite3.Connection]:
    """Open a ledger with sqlite3 alone, under the pragmas that the bot writes with."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        yield connection


def play(tape: Tape, connection: sqlite3.Connection) -> None:
    """Do in a plain loop what was written down, its commits included."""
    for sql, parameters, many in tape:
        if many:
            connection.executemany(sql, parameters)
        else:
            connection.execute(sql, parameters).fetchall()
