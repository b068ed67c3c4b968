"""Checks whether a database is the bot's own: whose tables, views and functions there are, and what others may do."""

from dataclasses import dataclass
from typing import Any

from bot.ledger.errors import LedgerForeign
from bot.ledger.postgresql.connections import Link

# What an extension has brought is left out, and functions of a superuser's, who can do everything anyway.
_FOREIGN = """
    WITH mine AS (SELECT quote_ident(current_schema())::regnamespace AS schema, r.oid AS role, r.rolsuper
                  FROM pg_roles r WHERE r.rolname = current_user),
    found AS (
        SELECT 'pg_class'::regclass AS kind, c.oid, c.relname::text AS name, c.relowner AS owner
        FROM pg_class c, mine WHERE c.relnamespace = mine.schema AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        UNION ALL
        SELECT 'pg_proc'::regclass, p.oid, p.proname::text || '()', p.proowner
        FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner, mine WHERE p.pronamespace = mine.schema AND NOT o.rolsuper
        UNION ALL
        SELECT 'pg_operator'::regclass, p.oid, 'operator ' || p.oprname::text, p.oprowner
        FROM pg_operator p JOIN pg_roles o ON o.oid = p.oprowner, mine
        WHERE p.oprnamespace = mine.schema AND NOT o.rolsuper
    )
    SELECT f.name, pg_get_userbyid(f.owner)::text AS owner FROM found f, mine
    WHERE f.owner <> mine.role AND (mine.rolsuper OR NOT pg_has_role(current_user, f.owner, 'USAGE'))
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = f.kind AND d.objid = f.oid AND d.deptype = 'e')
    ORDER BY f.name LIMIT 5
"""
_RIGHTS = """
    SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
           COALESCE(has_schema_privilege('public', current_schema(), 'CREATE'), FALSE) AS others_may_create,
           has_database_privilege('public', current_database(), 'CONNECT') AS others_may_connect,
           current_database()::text AS database, current_schema()::text AS schema
"""


@dataclass(frozen=True, slots=True)
class Rights:
    """What the bot's role may do that it need not, and what any other role may do in its database."""

    superuser: bool
    others_may_create: bool
    others_may_connect: bool
    database: str
    schema: str | None

    @property
    def advice(self) -> list[str]:
        """What to change, a sentence each."""
        found = list[str]()
        if self.superuser:
            found.append("The bot connects as a superuser: give it a role of its own, which owns the database.")
        if self.others_may_create:
            found.append(
                f"Any role may put functions before the bot's: REVOKE CREATE ON SCHEMA {self.schema} FROM PUBLIC."
            )
        if self.others_may_connect:
            found.append(
                "Any role may hold the locks that keep two bots apart, so that none can start: "
                f"REVOKE CONNECT ON DATABASE {self.database} FROM PUBLIC."
            )
        return found


async def refuse_foreign(link: Link, where: str) -> None:
    """Raise LedgerForeign where another role owns anything of what the bot would work with."""
    rows: list[Any] = await link.fetch(_FOREIGN)
    if rows:
        found = ", ".join(f"{row['name']} of {row['owner']}" for row in rows)
        raise LedgerForeign(f"({where}: {found})")


async def rights(link: Link) -> Rights:
    """Ask the server what the bot's role, and what everybody, may do."""
    return Rights(**await link.fetchrow(_RIGHTS))
