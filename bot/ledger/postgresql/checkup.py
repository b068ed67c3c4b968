"""Checks a ledger in PostgreSQL: it changes nothing and takes no instance lock, so a running bot is not disturbed."""

import asyncio
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from pydantic import SecretStr

from bot.ledger.engine import SEALED, ServerCheckup
from bot.ledger.errors import LedgerUnreadable
from bot.ledger.postgresql.address import describe
from bot.ledger.postgresql.connections import Link, connect_freely
from bot.ledger.postgresql.failures import explained
from bot.ledger.postgresql.migrate import schema_version
from bot.ledger.postgresql.role import refuse_foreign, rights
from bot.ledger.schema import migrations

_pg: Any = asyncpg  # it has no types that a checker could read
_PATIENCE = 20
"""Seconds for all of it."""
_SERVER = """
    SELECT current_setting('server_version') AS release,
           current_setting('server_version_num')::int AS number,
           current_setting('server_encoding') AS encoding,
           NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' AS writable,
           COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE) AS may_create
"""


async def check_up(database: SecretStr) -> ServerCheckup:
    """Ask the server and read the keys; raise LedgerUnreachable, LedgerUnwritable or LedgerUnreadable."""
    with explained(None, database):
        async with asyncio.timeout(_PATIENCE):
            link = await connect_freely(database)
            try:
                return await _read(link, describe(database))
            finally:
                link.terminate()


async def _read(link: Link, where: str) -> ServerCheckup:
    server = await link.fetchrow(_SERVER)
    newest = migrations("postgresql")[-1][0]
    try:
        await refuse_foreign(link, where)
        advice = tuple((await rights(link)).advice)
        version = await schema_version(link, where)
        sealed = await _sealed(link, version, newest)
    except _pg.SyntaxOrAccessError as error:
        raise LedgerUnreadable(f"({where}: {error})") from error
    return ServerCheckup(version, newest, **server, advice=advice, sealed=sealed)


async def _sealed(link: Link, version: int, newest: int) -> tuple[bytes, ...] | None:
    if version != newest:
        return None if version else ()
    return tuple(row[0] for row in await link.fetch(SEALED))
