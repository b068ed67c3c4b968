"""Keeps a SQLite ledger one process's: two on one file would both send."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bot.files import keep_owner
from bot.ledger.errors import LedgerFolderUnwritable, LedgerInUse, LedgerUnreadable
from bot.ledger.sqlite.failures import unopened


@contextmanager
def only_process(database: Path) -> Generator[None]:
    """Hold the ledger for this process.

    Raise LedgerInUse, or where not even its lock can be made LedgerFolderUnwritable or LedgerUnreadable.
    """
    with _explained(database):
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _file_itself(database), _name(database):
        yield


@contextmanager
def _file_itself(database: Path) -> Generator[None]:
    """Lock the file, by whatever name it was opened: a link to it, or a new name, leads to the same lock.

    flock(2) and SQLite's own locks know nothing of each other on Linux alone; elsewhere the name has to do. The
    descriptor is closed after all of SQLite's: closing any drops the locks that SQLite has on the file.
    """
    if sys.platform != "linux":
        yield
        return
    import fcntl  # not on Windows

    with _explained(database):
        is_new = not database.exists()
        handle = os.open(database, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if is_new:
            keep_owner(database)
    try:
        with _explained(database):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextmanager
def _name(database: Path) -> Generator[None]:
    """Lock the name as well: a backup put in the ledger's place is another file, and would be worked on twice."""
    with _explained(database):  # who can open it can hold it: its owner alone, also where it was there already
        name = Path(f"{os.path.realpath(database)}.lock")
        lock = FileLock(name, mode=0o600).acquire(timeout=0)
        keep_owner(name, database)
    with lock:
        yield


@contextmanager
def _explained(database: Path) -> Generator[None]:
    try:
        yield
    except (Timeout, BlockingIOError) as error:
        raise LedgerInUse(f"({database})") from error
    except PermissionError as error:
        folder = database.parent
        if folder.exists() and os.access(folder, os.W_OK | os.X_OK):
            raise LedgerUnreadable(f"({database}: {error.strerror})") from error
        raise LedgerFolderUnwritable(f"({folder}: {error.strerror})") from error
    except OSError as error:
        raise unopened(error, database) from error
