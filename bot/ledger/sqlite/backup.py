"""Copies a ledger while the bot is using it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.ledger.errors import LedgerCopyUnwritable, LedgerUnreadable


def backup(path: Path, target: Path) -> None:
    """Write a complete copy of the ledger to a file that does not exist yet, readable by its owner alone.

    Raise LedgerCopyUnwritable or LedgerUnreadable; then no half copy is left behind.
    """
    try:
        target.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise LedgerCopyUnwritable(f"({target}: {error.strerror})") from error
    try:
        _copy(path, target)
    except (sqlite3.Error, LedgerUnreadable) as error:
        target.unlink()
        raise LedgerUnreadable(f"({path} to {target}: {error})") from error


def _copy(path: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as ledger,
        closing(sqlite3.connect(target)) as copy,
    ):
        ledger.backup(copy)
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        raise LedgerUnreadable(f"(damaged: {verdict})")
