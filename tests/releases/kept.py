"""Where kept ledgers are, and how one comes back to life on either engine."""

import gzip
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.ledger.schema import migrations
from tests.ledgers import Below, InFile, InPostgres
from tests.rules.sources import ROOT, name_of

FOLDER = Path(__file__).parent
SEALS = FOLDER / "migrations.sha256"
"""The migrations that were released, as `sha256sum --check` reads it: none of them may ever change."""


def releases() -> list[Path]:
    """Return the kept ledgers."""
    return sorted(FOLDER.glob("ledger-*.gz"))


def sums() -> str:
    """Return what all migrations of today are sealed with."""
    files = sorted((ROOT / "bot/ledger/migrations").rglob("*.sql"))
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name_of(file)}\n" for file in files)


def put_back(release: Path, below: Below) -> None:
    """Make an empty database the ledger that a release has left."""
    content = gzip.decompress(release.read_bytes())
    if isinstance(below, InFile):
        below.database.write_bytes(content)
    elif isinstance(below, InPostgres):
        with closing(sqlite3.connect(":memory:")) as ledger:
            ledger.deserialize(content)
            _copy(ledger, below)


def _copy(ledger: sqlite3.Connection, below: InPostgres) -> None:
    """Make the tables by the migrations of that release, which are sealed, and fill them past all triggers."""
    (made,) = ledger.execute("SELECT sql FROM sqlite_master WHERE name = 'schema_version'").fetchone()
    (newest,) = ledger.execute("SELECT MAX(version) FROM schema_version").fetchone()
    below.script("\n".join([f"{made};", *(sql for number, _, sql in migrations("postgresql") if number <= newest)]))
    below.sql("SET session_replication_role = replica")
    given = dict(ledger.execute("SELECT name, seq FROM sqlite_sequence"))
    for (table,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'"):
        columns = [name for _, name, *_ in ledger.execute(f"PRAGMA table_info({table})")]
        into = f"{table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE"
        for row in ledger.execute(f"SELECT * FROM {table}").fetchall():
            below.sql(f"INSERT INTO {into} VALUES ({', '.join('?' * len(row))})", *row)
        if "id" in columns:
            (last,) = ledger.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}").fetchone()
            below.sql("SELECT setval(pg_get_serial_sequence(?, 'id'), ?)", table, max(last, given.get(table, 1)))
    below.close()
