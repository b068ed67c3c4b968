"""The numbered files that bring a ledger of either engine to this release's schema."""

import logging
from importlib import resources

from bot.ledger.errors import LedgerTooNew, LedgerUnreadable

log = logging.getLogger(__name__)

Migration = tuple[int, str, str]
"""Number, name and SQL."""


def migrations(engine: str) -> list[Migration]:
    """Return every migration of an engine, oldest first."""
    files = (resources.files("bot.ledger") / "migrations" / engine).iterdir()
    named = [file for file in files if file.name.endswith(".sql")]
    return sorted((int(file.name.split("_")[0]), file.name, file.read_text("utf-8")) for file in named)


def is_ours(tables: set[str], where: str) -> bool:
    """Tell whether a ledger is there; False for an empty database. Raise LedgerUnreadable for another program's."""
    if tables and "schema_version" not in tables:
        raise LedgerUnreadable(f"({where}: it is a database of another program)")
    return bool(tables)


def pending(engine: str, version: int, where: str) -> list[Migration]:
    """Return the migrations that a ledger of some version lacks; raise LedgerTooNew for one of a newer release."""
    known = migrations(engine)
    newest = known[-1][0]
    if version > newest:
        raise LedgerTooNew(f"({where}: schema {version}, this release knows {newest})")
    return [migration for migration in known if migration[0] > version]


def announce(missing: list[Migration]) -> None:
    """Log which migrations come next, in one line: of many alike most would be left out."""
    if missing:
        log.info("bringing the ledger to schema %d: %s", missing[-1][0], ", ".join(name for _, name, _ in missing))
