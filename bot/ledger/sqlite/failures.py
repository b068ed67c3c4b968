"""What goes wrong with a ledger's file, in our words: no room, somebody else who holds it, or it cannot be read."""

import errno
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from bot.ledger.errors import LedgerDamaged, LedgerError, LedgerFull, LedgerHeld, LedgerUnreadable, LedgerUnwritable

_NO_ROOM = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}  # the last: not a byte for what readers share
_HELD = ("SQLITE_BUSY", "SQLITE_LOCKED")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_ALTERED = ("no such table", "no such column")
"""How SQLite's words begin where somebody has changed the tables: each start brings them to what statements name."""


def has_no_room(error: Exception) -> bool:
    """Tell whether a disk is full, or a file may grow no more."""
    number = error.errno if isinstance(error, OSError) else None
    return number in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "sqlite_errorname", "") in _NO_ROOM


@contextmanager
def explained() -> Generator[None]:
    """Raise LedgerUnwritable or LedgerDamaged for what is the fault of a file or disk; leave alone what is ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if is_ours(error):
            raise
        raise (LedgerDamaged(f"({error})") if _is_damaged(error) else unwritable(error)) from error


def is_ours(error: sqlite3.Error) -> bool:
    """Tell whether a statement is wrong, or breaks a rule of a table's: SQLite calls some of that operational."""
    ours = isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError | sqlite3.DataError)
    return ours or (getattr(error, "sqlite_errorname", "") == "SQLITE_ERROR" and not _is_damaged(error))


def _is_damaged(error: Exception) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(_DAMAGED) or str(error).startswith(_ALTERED)


def unwritable(error: Exception, where: object = "") -> LedgerUnwritable:
    """Return what a transaction that failed means; `where`: the file, if whoever reads it may not know."""
    said = f"({where}: {error})" if where else f"({error})"
    if has_no_room(error):
        return LedgerFull(said)
    if getattr(error, "sqlite_errorname", "").startswith(_HELD):
        return LedgerHeld(said)
    return LedgerUnwritable(said)


def unopened(error: Exception, where: object) -> LedgerError:
    """Return what it means that a file could not be opened, or not be brought to this release's schema."""
    found, said = unwritable(error, where), f"({where}: {getattr(error, 'strerror', None) or error})"
    if _is_damaged(error):
        return LedgerDamaged(said)
    return found if found.passes else LedgerUnreadable(said)
