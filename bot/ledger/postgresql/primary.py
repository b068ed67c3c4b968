"""Which of several servers a process writes to: it reads there as well, and never goes back to an older one.

After a failover the old primary may come back as it was, and be written: then there are two ledgers. Each promotion
begins a new timeline, so that one server can tell that the other is older.
"""

from typing import Any

from bot.ledger.errors import LedgerUnreachable
from bot.ledger.postgresql.failures import REFUSED

_SERVER = """
    SELECT CAST(system_identifier AS TEXT) AS cluster, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline
    FROM pg_control_system()
"""
"""A standby that is promoted begins a new timeline, a server that was killed goes on with its own."""


class Primary:
    """The server that a process writes to, as far as servers tell which they are."""

    def __init__(self) -> None:
        self.server: str | None = None
        """Its cluster and its timeline; None where it does not say so."""
        self.moved = False
        """Whether who reads was led to another server, and not to this one: it is time to write there."""
        self._newest = dict[str, str]()
        """The newest timeline that was written to, of each cluster."""

    async def refuse_older(self, link: Any, where: str) -> None:
        """Raise LedgerUnreachable for a server that was left behind by a failover that this process has seen."""
        self._refuse_older(await _server_of(link), where)

    async def note(self, link: Any, where: str) -> None:
        """Note where a connection for writing leads; raise LedgerUnreachable for an older server."""
        found = await _server_of(link)
        self._refuse_older(found, where)
        if found:
            self._newest[found[0]] = found[1]
        self.server, self.moved = " ".join(found) if found else None, False

    async def is_elsewhere(self, link: Any, where: str) -> bool:
        """Tell whether a connection leads to another server; raise LedgerUnreachable for an older one."""
        found = await _server_of(link)
        self._refuse_older(found, where)
        return bool(found and self.server and " ".join(found) != self.server)

    def _refuse_older(self, found: tuple[str, str] | None, where: str) -> None:
        if found and found[1] < self._newest.get(found[0], ""):
            raise LedgerUnreachable(
                f"({where}: this was the primary before a failover. It is on timeline {int(found[1], 16)}, the bot has "
                f"written to {int(self._newest[found[0]], 16)}. Stop that server, or restart the bot to go back to it)"
            )


async def _server_of(link: Any) -> tuple[str, str] | None:
    try:
        found = await link.fetchrow(_SERVER)
    except REFUSED:  # a standby does not know, nor do some that only speak like PostgreSQL
        return None
    return found["cluster"], found["timeline"]
