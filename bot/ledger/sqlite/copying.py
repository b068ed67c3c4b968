"""Copies a SQLite ledger, page by page as of one moment, whatever is written meanwhile."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.files import JOURNALS, megabytes
from bot.ledger.errors import LedgerShortOfSpace, LedgerUnreadable
from bot.ledger.sqlite.failures import has_no_room
from bot.progress_bar import ProgressBar

_PAGES = 2_048
"""Pages that are copied at a time: 8 MB."""


def open_ledger(path: Path) -> sqlite3.Connection:
    """Open a ledger, which a bot may be using, for reading; raise sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def open_copy(path: Path) -> sqlite3.Connection:
    """Open a copy, which nobody uses, for reading, also where nothing can be written; raise sqlite3.Error."""
    alone = not any(Path(f"{path}{suffix}").exists() for suffix in JOURNALS)
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    return sqlite3.connect(uri, uri=True, isolation_level=None)


def copy_whole(source: sqlite3.Connection, target: Path, what: str) -> None:
    """Copy a ledger into an empty file, and check the copy, which is one file without journals.

    Raise LedgerShortOfSpace, if possible before anything is written; LedgerUnreadable for a damaged ledger; or
    sqlite3.Error.
    """
    source.execute("BEGIN")
    try:
        # The first read fixes the moment: without it the copy would begin anew whenever the bot has written something.
        (pages,), (size,) = (source.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
        require_space(target.parent, pages * size)
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            with ProgressBar(what, pages * size, megabytes) as bar:
                source.backup(copy, pages=_PAGES, progress=lambda _, left, total: bar.show((total - left) * size))
            (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise LedgerUnreadable(f"(damaged: {verdict})")
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.Error as error:
        if has_no_room(error):
            raise LedgerShortOfSpace(f"({target.parent}: {error})") from error
        raise
    finally:
        source.rollback()


def require_space(folder: Path, needed: int) -> None:
    """Raise LedgerShortOfSpace where a folder's disk has fewer bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise LedgerShortOfSpace(f"({folder}: it takes {megabytes(needed)}, and {megabytes(free)} are free)")
