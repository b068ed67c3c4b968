"""Checks a ledger in PostgreSQL: it changes nothing and takes no instance lock, so a running bot is not disturbed."""

import asyncio
from datetime import timedelta

from pydantic import SecretStr

from bot.ledger.engine import SEALED, ServerCheckup
from bot.ledger.errors import LedgerHeld, LedgerUnreadable
from bot.ledger.postgresql.address import describe
from bot.ledger.postgresql.client import pg
from bot.ledger.postgresql.connections import Link, connect_freely
from bot.ledger.postgresql.failures import explained
from bot.ledger.postgresql.migrate import schema_version
from bot.ledger.postgresql.role import refuse_foreign, rights
from bot.ledger.schema import migrations

_PATIENCE = 20
"""Seconds for all of it."""
_SERVER = """
    SELECT current_setting('server_version') AS release,
           current_setting('server_version_num')::int AS number,
           current_setting('server_encoding') AS encoding,
           NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' AS writable,
           COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE) AS may_create
"""

_LOCK_TIMEOUT = "3s"
_LONG = timedelta(seconds=5)
"""No transaction of a bot's takes as long."""
_HOLDERS = """
    SELECT l.pid, c.relname::text AS locked, l.mode, COALESCE(NULLIF(a.application_name, ''), 'no name') AS application,
           a.usename::text AS role, COALESCE(a.state, 'state not shown') AS state,
           EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start)::int AS seconds
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a USING (pid)
    WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r' AND l.pid <> pg_backend_pid()
      AND (a.xact_start IS NULL OR a.xact_start < clock_timestamp() - $1::interval)
      AND l.mode <> 'AccessShareLock' AND (
          c.relname = 'schema_version'
          OR l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))
    ORDER BY l.pid, c.relname = 'schema_version' DESC, c.relname
"""
"""Who has held for long what the bot needs: all that writes locks schema_version, and rows of any table."""


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
    holders = await _holders(link)
    await link.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
    try:
        await refuse_foreign(link, where)
        advice = tuple((await rights(link)).advice)
        version = await schema_version(link, where)
        sealed = await _sealed(link, version, newest)
    except pg.LockNotAvailableError as error:
        raise LedgerHeld(f"({where}: {'; '.join(holders) or error})") from error
    except pg.SyntaxOrAccessError as error:
        raise LedgerUnreadable(f"({where}: {error})") from error
    return ServerCheckup(version, newest, **server, advice=advice, sealed=sealed, holders=holders)


async def _holders(link: Link) -> tuple[str, ...]:
    found = dict[int, str]()
    for row in await link.fetch(_HOLDERS, _LONG):
        since = "for a time that is not shown" if row["seconds"] is None else f"for {row['seconds']} s"
        found.setdefault(
            row["pid"],
            f"pid {row['pid']} ({row['application']}, role {row['role']}, {row['state']}) holds {row['mode']} on "
            f"{row['locked']} {since}",
        )
    return tuple(found.values())


async def _sealed(link: Link, version: int, newest: int) -> tuple[bytes, ...] | None:
    if version != newest:
        return None if version else ()
    return tuple(row[0] for row in await link.fetch(SEALED))
