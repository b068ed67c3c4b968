"""Puts a copy of a ledger in the ledger's place."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.files import JOURNALS, put_over, remove_leftovers, sync, written_aside
from bot.ledger.engine import Checkup
from bot.ledger.errors import LedgerTooNew, LedgerUnreadable, LedgerUnwritable
from bot.ledger.sqlite.checkup import check_up
from bot.ledger.sqlite.copying import copy_whole, open_copy
from bot.ledger.sqlite.set_aside import replaced_name


@dataclass(frozen=True, slots=True)
class Restored:
    """What stands in the ledger's place now, and where is what stood there."""

    found: Checkup
    replaced: Path | None


def restore(path: Path, copy: Path, accept: Callable[[Checkup], None]) -> Restored:
    """Put a copy in the place of a ledger that no bot uses, which is put aside with its journals.

    `accept` sees what was found in the copy, and raises where that is not to be put there. Whatever is raised, by it or
    LedgerTooNew, LedgerUnreadable, LedgerShortOfSpace or LedgerUnwritable, the ledger is as it was.
    """
    path = path.resolve()  # it may be a link, which stays; SQLite's journals are beside the file
    remove_leftovers(path, older=0)  # nobody else is here
    try:
        if not copy.is_file():
            raise LedgerUnreadable(f"({copy}: there is no such file)")
        if path.exists() and path.samefile(copy):
            raise LedgerUnreadable(f"({copy}: it is the ledger itself)")
        with written_aside(path) as aside:
            with closing(open_copy(copy)) as source:
                copy_whole(source, aside, "reading the copy")
            found = check_up(aside)
            if not found.version:
                raise LedgerUnreadable(f"({copy}: there is no ledger in it)")
            if found.version > found.newest:
                raise LedgerTooNew(f"({copy}: schema {found.version}, this release knows {found.newest})")
            accept(found)
            if path.exists():
                aside.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IRUSR | stat.S_IWUSR)
            sync(aside)  # a disk that fails does so before the ledger is touched
            replaced = _put_aside(path)
            put_over(aside, path)
            return Restored(found, replaced)
    except sqlite3.Error as error:
        raise LedgerUnreadable(f"({copy}: {error})") from error
    except OSError as error:
        found = LedgerUnreadable if error.filename == str(copy) else LedgerUnwritable
        raise found(f"({error.filename}: {error.strerror})") from error


def _put_aside(path: Path) -> Path | None:
    """Give a ledger another name beside its own, with its journals, which would spoil what comes in its place.

    Return that name; None where there is nothing in them. Journals may be all that is left of a ledger.
    """
    parts = [Path(f"{path}{suffix}") for suffix in ("", *JOURNALS)]
    if not any(part.exists() and part.stat().st_size for part in parts):
        return None
    aside = replaced_name(path)
    if path.exists():
        if path.stat().st_size:  # SQLite deletes the journal of an empty file
            # Afterwards it is one file; a damaged one stays as it is.
            with suppress(sqlite3.Error), closing(sqlite3.connect(path, isolation_level=None)) as ledger:
                ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        os.utime(path)  # from now on it is kept for some days
        try:
            os.link(path, aside)  # so that at no moment there is no ledger
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            os.rename(path, aside)
    for suffix in JOURNALS:
        with suppress(FileNotFoundError):
            os.utime(f"{path}{suffix}")
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")
    sync(path.parent)
    return aside
