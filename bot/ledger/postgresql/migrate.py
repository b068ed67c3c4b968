"""Brings a PostgreSQL ledger to the schema of this release: each migration in one transaction."""

import logging
from typing import Any

from pydantic import SecretStr

from bot.ledger.errors import LedgerDamaged, LedgerMigrationFailed
from bot.ledger.postgresql.address import describe
from bot.ledger.postgresql.connections import ALONE, UNHURRIED, WRITING, Link, connect_freely, lock_instance
from bot.ledger.postgresql.failures import REFUSED, brief, explained
from bot.ledger.postgresql.role import refuse_foreign, rights
from bot.ledger.schema import announce, is_ours, pending

log = logging.getLogger(__name__)

_TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)"
_STAMP = "INSERT INTO schema_version SELECT $1, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"


async def migrate_server(database: SecretStr) -> int:
    """Apply what is missing and return the schema's version; a backup is for whoever runs the server to make.

    Raise LedgerTooNew, LedgerInUse while a bot runs on it, LedgerForeign where another role owns part of it,
    LedgerUnreadable for the database of another program, LedgerMigrationFailed, or LedgerUnreachable.
    """
    link = await connect_freely(database)
    try:
        with explained(link, database):
            version = await _migrate(link, database)
            if advice := (await rights(link)).advice:
                log.warning("%s: %s", describe(database), " ".join(advice))
            return version
    finally:
        await link.close()


async def _migrate(link: Link, database: SecretStr) -> int:
    where = describe(database)
    await refuse_foreign(link, where)
    version = await schema_version(link, where)
    if not pending("postgresql", version, where):
        return version
    await lock_instance(link, ALONE, database)
    version = await schema_version(link, where)  # it may be done: of processes started together one comes first
    missing = pending("postgresql", version, where)
    announce(missing)
    for number, name, sql in missing:
        try:
            with explained(link, database):  # what the server is to blame for
                await _apply(link, number, sql)
        except (REFUSED, LedgerDamaged) as error:
            said = brief(error.__cause__ or error)
            kept = f"{where} is at schema {version}, and has nothing of this one"
            raise LedgerMigrationFailed(f"({name}: {said}; {kept})") from error
        version = number
    return version


async def _apply(link: Link, number: int, sql: str) -> None:
    async with link.transaction():
        await link.execute(_TABLE)
        await link.execute(WRITING)
        await link.execute(sql, timeout=UNHURRIED)
        await link.execute(_STAMP, number)


async def schema_version(link: Link, where: str) -> int:
    """Return the number of the last migration applied; 0 for an empty database.

    Raise LedgerUnreadable for the database of another program.
    """
    rows: list[Any] = await link.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    tables = {row["tablename"] for row in rows}
    return await link.fetchval("SELECT MAX(version) FROM schema_version") if is_ours(tables, where) else 0
