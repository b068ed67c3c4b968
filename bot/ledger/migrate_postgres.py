"""Brings a PostgreSQL ledger to the schema of this release: numbered files, each in one transaction."""

import logging
from typing import Any

from pydantic import SecretStr

from bot.ledger.database import describe
from bot.ledger.errors import LedgerTooNew, LedgerUnreadable
from bot.ledger.link import ALONE, UNHURRIED, WRITING, Link, connect_freely, explained, sit_down
from bot.ledger.migrate import migrations
from bot.ledger.role import refuse_foreign, rights

log = logging.getLogger(__name__)

_TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)"
_STAMP = "INSERT INTO schema_version SELECT $1, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"


async def migrate_postgres(database: SecretStr) -> int:
    """Apply what is missing and return the schema's version; a backup is for whoever runs the server to make.

    Raise LedgerTooNew, LedgerInUse while a bot runs on it, LedgerForeign where another role owns part of it,
    LedgerUnreadable for the database of another program, or LedgerUnreachable.
    """
    link = await connect_freely(database)
    try:
        with explained(link, database):
            version = await _migrate(link, database)
            for advice in (await rights(link)).advice:
                log.warning("%s: %s", describe(database), advice)
            return version
    finally:
        await link.close()


async def _migrate(link: Link, database: SecretStr) -> int:
    where, known = describe(database), migrations("postgresql")
    await refuse_foreign(link, where)
    version = await schema_version(link, where)
    if version > known[-1][0]:
        raise LedgerTooNew(f"({where}: schema {version}, this release knows {known[-1][0]})")
    if version == known[-1][0]:
        return version
    await sit_down(link, ALONE, database)
    version = await schema_version(link, where)  # it may be done: of processes started together one comes first
    pending = [migration for migration in known if migration[0] > version]
    if pending:
        log.info("bringing the ledger to schema %d: %s", pending[-1][0], ", ".join(name for _, name, _ in pending))
    for number, _, sql in pending:
        await _apply(link, number, sql)
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
    if "schema_version" in tables:
        return await link.fetchval("SELECT MAX(version) FROM schema_version")
    if tables:
        raise LedgerUnreadable(f"({where}: it is a database of another program)")
    return 0
