"""Checks the ledger and the disk that it is on."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bot.ledger import (
    Checkup,
    LedgerError,
    LedgerUnreadable,
    ServerCheckup,
    check_up,
    check_up_server,
    describe,
)
from bot.ops.doctor.finding import ATTENTION, FAILED, OK, Finding

_MEGABYTE, _GIGABYTE = 10**6, 10**9
_LEAST_FREE = 20 * _MEGABYTE
_SPARE = 100 * _MEGABYTE
_OLDEST_SERVER = 140_000
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """The ledger's file and where it lies."""

    path: Path
    found: Checkup | LedgerError | None
    """None: there is none yet."""
    size: int
    free: int
    """Bytes on its disk for this user."""
    writable: bool
    """Whether this user may write in its folder and to the file itself."""

    @property
    def sealed(self) -> tuple[bytes, ...] | None:
        """The API keys as they are stored; None where they could not be read."""
        if isinstance(self.found, LedgerError):
            return None
        return self.found.sealed if self.found else ()


@dataclass(frozen=True, slots=True)
class LedgerServer:
    """A ledger in PostgreSQL."""

    name: str
    """Without user and password."""
    found: ServerCheckup | LedgerError

    @property
    def sealed(self) -> tuple[bytes, ...] | None:
        """The API keys as they are stored; None where they could not be read."""
        return None if isinstance(self.found, LedgerError) else self.found.sealed


def probe_file(path: Path) -> LedgerFile:
    """Read the ledger's file through."""
    folder = next(parent for parent in path.absolute().parents if os.path.isdir(parent))
    size, found = 0, None
    try:
        size = path.stat().st_size
        found = check_up(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        found = LedgerUnreadable(f"({path}: {error.strerror})")
    except LedgerError as error:
        found = error
    return LedgerFile(
        path=path,
        found=found,
        size=size,
        free=shutil.disk_usage(folder).free,
        writable=os.access(folder, os.W_OK | os.X_OK) and (found is None or os.access(path, os.W_OK)),
    )


async def probe_server(database: SecretStr) -> LedgerServer:
    """Ask PostgreSQL about itself and the ledger in it."""
    try:
        found = await check_up_server(database)
    except LedgerError as error:
        found = error
    return LedgerServer(describe(database), found)


def check_ledger(ledger: LedgerFile | LedgerServer) -> Finding:
    """Tell whether the ledger opens, fits this release and, in a file, is whole."""
    if isinstance(ledger.found, LedgerError):
        return Finding(FAILED, "ledger", str(ledger.found).rstrip("."))
    if isinstance(ledger, LedgerServer):
        return _check_server(ledger.name, ledger.found)
    return _check_file(ledger, ledger.found)


def _check_file(ledger: LedgerFile, found: Checkup | None) -> Finding:
    path = ledger.path
    if not ledger.writable:
        return Finding(
            FAILED, "ledger", f"{path} cannot be written by this user", "Give its folder and files to this user."
        )
    if found is None:
        return Finding(OK, "ledger", f"none yet at {path}; the first start makes it")
    if found.version > found.newest:
        return _written_by_a_newer_release(found)
    if found.damage:
        return Finding(
            FAILED,
            "ledger",
            f"damaged: {found.damage}",
            "Stop the bot, keep the file, and restore the newest backup (docs/operating.md).",
        )
    if not found.version:
        return Finding(OK, "ledger", f"{path} is empty; the first start makes its tables")
    if found.version < found.newest:
        return Finding(
            ATTENTION,
            "ledger",
            f"schema {found.version}, intact; this release brings {found.newest}",
            "The next start upgrades it and keeps a copy beside it; make a backup of your own first.",
        )
    if found.strangers:
        return Finding(
            ATTENTION,
            "ledger",
            f"{path} is intact, and holds what no release has put there: {', '.join(found.strangers[:_MOST_NAMED])}",
            "It can change what the bot does. Find out who put it there; restore a backup from before.",
        )
    return Finding(OK, "ledger", f"{path}: schema {found.version}, {_size(ledger.size)}, intact")


def _check_server(name: str, found: ServerCheckup) -> Finding:
    server = f"{name}: PostgreSQL {found.release}"
    if found.number < _OLDEST_SERVER:
        return Finding(FAILED, "ledger", f"{server} is too old", "Use 14 or newer (docs/postgresql.md).")
    if found.version > found.newest:
        return _written_by_a_newer_release(found)
    if found.encoding != "UTF8":
        return Finding(
            FAILED, "ledger", f"{server}, in {found.encoding}", "Create the database again, with ENCODING 'UTF8'."
        )
    if not found.writable:
        return Finding(FAILED, "ledger", f"{server} is read-only", "Connect to the primary server.")
    if found.version < found.newest and not found.may_create:
        return Finding(
            FAILED,
            "ledger",
            f"{server}, where this user can't create tables",
            "Make it the database's owner (docs/postgresql.md).",
        )
    if not found.version:
        return Finding(OK, "ledger", f"{server}, empty; the first start makes the tables")
    if found.version < found.newest:
        return Finding(
            ATTENTION,
            "ledger",
            f"{server}, schema {found.version}; this release brings {found.newest}",
            "The next start upgrades it and keeps no copy: make a backup with pg_dump first.",
        )
    if found.holders:
        return Finding(
            ATTENTION,
            "ledger",
            f"{server}, schema {found.version}, where somebody holds a lock: {'; '.join(found.holders)}",
            "Nothing can be written meanwhile. Find out what it does; SELECT pg_terminate_backend(pid) ends it.",
        )
    if found.advice:
        says = f"{server}, schema {found.version}, where rights are wider than needed"
        return Finding(ATTENTION, "ledger", says, " ".join(found.advice))
    return Finding(OK, "ledger", f"{server}, schema {found.version}")


def _written_by_a_newer_release(found: Checkup | ServerCheckup) -> Finding:
    return Finding(
        FAILED,
        "ledger",
        f"written by a newer release (schema {found.version}, this one knows {found.newest})",
        "Install that release, or restore a backup from before it.",
    )


def check_disk(ledger: LedgerFile | LedgerServer) -> Finding:
    """Tell whether the ledger can grow, be copied and be rewritten."""
    if isinstance(ledger, LedgerServer):
        return Finding(OK, "disk", "the ledger is on PostgreSQL's machine: watch the disk there")
    says = f"{_size(ledger.free)} free for {ledger.path.parent}"
    if ledger.free < _LEAST_FREE:
        return Finding(FAILED, "disk", says, "Free some space: without it new cancels are refused.")
    if ledger.free < 2 * ledger.size + _SPARE:
        remedy = "Free some space: a migration and /forget-me each need as much as the ledger holds."
        return Finding(ATTENTION, "disk", says, remedy)
    return Finding(OK, "disk", says)


def _size(size: int) -> str:
    return f"{size / _GIGABYTE:,.1f} GB" if size >= _GIGABYTE else f"{size / _MEGABYTE:.1f} MB"
