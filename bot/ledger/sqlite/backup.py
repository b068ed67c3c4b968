"""Copies a ledger while the bot is using it, to one file or, in turn, to those of a folder."""

import errno
import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bot.files import put_new, remove_leftovers_in, written_aside
from bot.ledger.errors import LedgerCopyStays, LedgerCopyUnwritable, LedgerUnreadable
from bot.ledger.sqlite.copying import copy_whole, open_ledger

_NAME = re.compile(r"ledger-\d{8}T\d{6}Z\.sqlite3")


def backup(path: Path, target: Path) -> None:
    """Write a complete copy of the ledger, checked, to a file that does not exist yet, readable by its owner alone.

    Raise LedgerCopyUnwritable, LedgerShortOfSpace or LedgerUnreadable; then no half copy is left behind.
    """
    try:
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        with written_aside(target) as aside:
            with closing(open_ledger(path)) as ledger:
                copy_whole(ledger, aside, "copying the ledger")
            put_new(aside, target)
    except OSError as error:
        raise LedgerCopyUnwritable(f"({target}: {error.strerror})") from error
    except sqlite3.Error as error:
        raise LedgerUnreadable(f"({path} to {target}: {error})") from error


def backup_into(path: Path, folder: Path, keep: int) -> tuple[Path, list[Path]]:
    """Write a copy named by the time to a folder, and remove the oldest copies so named but for `keep`.

    The ledger itself may have such a name and be there: it is no copy, whatever leads to it.
    Return the copy, and what was removed. Raise as `backup`; then nothing was removed. Raise LedgerCopyStays
    where an old one cannot be; then all others were.
    """
    if not folder.is_dir():  # not made: it may be a disk that is not mounted
        raise LedgerCopyUnwritable(f"({folder}: there is no such folder)")
    remove_leftovers_in(folder, "ledger-*.sqlite3")
    copy = folder / f"ledger-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.sqlite3"
    backup(path, copy)
    mine = (file for file in folder.iterdir() if _NAME.fullmatch(file.name) and file != copy)
    others = sorted(file for file in mine if not _leads_to(file, path))
    surplus = others[: max(len(others) - keep + 1, 0)]
    stay: list[OSError] = []
    for file in surplus:
        try:
            file.unlink()
        except OSError as error:
            stay.append(error)
    if stay:
        why = "; ".join(f"{error.filename}: {error.strerror}" for error in stay)
        raise LedgerCopyStays(f"({copy}; {why})") from stay[0]
    return copy, surplus


def _leads_to(file: Path, ledger: Path) -> bool:
    """Tell whether a name is the ledger's, a link to it or from it."""
    return file.absolute() == ledger.absolute() or (file.exists() and file.samefile(ledger))
