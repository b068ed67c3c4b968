"""Writes a SQLite ledger anew without its unused room, which it gives back by itself from then on."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.ledger.errors import LedgerUnreadable
from bot.ledger.sqlite.copying import require_space
from bot.ledger.sqlite.failures import unwritable
from bot.ledger.sqlite.migrate import schema_version


def compact(path: Path) -> tuple[int, int]:
    """Give a ledger's unused room back, and return how many bytes it had and has. No bot may run on it meanwhile.

    The releases before this one made ledgers whose files never shrink. A crash on the way leaves the ledger as it was.
    Raise LedgerShortOfSpace, LedgerUnreadable, or LedgerUnwritable where another program has it open.
    """
    if not path.is_file():
        raise LedgerUnreadable(f"({path}: there is none)")
    before = path.stat().st_size
    os.environ.setdefault("SQLITE_TMPDIR", str(path.parent))  # else it may be memory
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as ledger:
            if not schema_version(ledger, path):
                raise LedgerUnreadable(f"({path}: there is no ledger in it yet)")
            _require_space(ledger, path)
            ledger.execute("PRAGMA auto_vacuum = INCREMENTAL")
            ledger.execute("VACUUM")
            ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.OperationalError as error:
        raise unwritable(error, path) from error
    except sqlite3.DatabaseError as error:
        raise LedgerUnreadable(f"({path}: {error})") from error
    return before, path.stat().st_size


def _require_space(ledger: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerShortOfSpace where there is no room for a copy of what is in use, and for the log of its way back."""
    (pages,), (unused,), (size,) = (
        ledger.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
    )
    require_space(path.parent, 2 * (pages - unused) * size + size)
