"""Connections to PostgreSQL: what a process takes of a ledger by one, and what goes wrong with one in our words."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from pydantic import SecretStr

from bot.ledger.errors import LedgerInUse, LedgerUnreachable, LedgerUnwritable
from bot.ledger.postgresql.address import demanded_tls, describe

_pg: Any = asyncpg  # it has no types that a checker could read
Link = Any
"""A connection of asyncpg's."""

WRITING = "LOCK TABLE schema_version IN EXCLUSIVE MODE"
"""Held by whoever writes, to the end of the transaction; by nobody who has no right to write that table.

Anybody who may connect to a database can hold an advisory lock of it. Who reads the table waits for nobody.
"""
_USED, _ALONE = "pg_advisory_lock_shared(0, 2)", "pg_advisory_lock(0, 2)"
"""Held with the connection for writing: by every bot, or by who must be alone."""
_SOME_SHARDS, _ALL_SHARDS = "pg_advisory_lock_shared(0, 3)", "pg_advisory_lock(0, 3)"
_SHARD = "pg_advisory_lock(1, {})"
"""Of Discord's shards each is one process's: two would both answer what is asked there."""
INSTANCE_LOCK_TIMEOUT = 20
"""Seconds to wait for a process that has died to be noticed by the server, before its place counts as taken."""
CONNECT_TIMEOUT = 10  # seconds
_STATEMENT_TIMEOUT = 60  # seconds
UNHURRIED = 24 * 60 * 60
"""Seconds for a statement that takes as long as the ledger is large."""
_SESSION = {
    "application_name": "notpanel-bot",
    "jit": "off",  # no statement here is long enough to be worth compiling
    # Nor to be planned anew each time: that takes some of them ten times as long as they run.
    "plan_cache_mode": "force_generic_plan",
    "max_parallel_workers_per_gather": "0",  # nor to begin processes for: that takes 10 ms and more
    "lock_timeout": "20s",
    # A process that hangs, or whose machine is gone, must not keep the others from writing.
    "idle_in_transaction_session_timeout": "8s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_GONE = ("08", "28", "3D", "57P", "53300", "25P03")
"""No connection, no right to one, no such database, the server is going down or coming up, or has ended the session."""
_FULL = ("25006", "42501", "53", "54", "55P03", "57014", "58")
"""Read-only, no right to write, no space, a limit, a lock held for too long, an input or output error."""


@dataclass(frozen=True, slots=True)
class InstanceLock:
    """What a process takes of a ledger that others may share: all of it, or some of Discord's shards (None: all)."""

    alone: bool = False
    shards: tuple[int, ...] | None = None

    @property
    def locks(self) -> list[str]:
        """The locks that nobody else may hold at the same time."""
        if self.alone:
            return [_ALONE]
        if self.shards is None:
            return [_USED, _ALL_SHARDS]
        return [_USED, _SOME_SHARDS, *(_SHARD.format(shard) for shard in sorted(self.shards))]


ALONE = InstanceLock(alone=True)


@contextmanager
def explained(link: Link | None, database: SecretStr | None = None) -> Generator[None]:
    """Raise LedgerError for what is the database's fault or the network's, and leave alone what is ours."""
    where = f"{describe(database)}: " if database else ""
    try:
        yield
    except _pg.PostgresError as error:
        code = error.sqlstate or ""
        if code.startswith(_GONE):
            raise LedgerUnreachable(f"({where}{brief(error)})") from error
        if code.startswith(_FULL):
            raise LedgerUnwritable(f"({where}{brief(error)})") from error
        raise
    except _pg.InterfaceError as error:
        if link and not link.is_closed():
            raise
        raise LedgerUnreachable(f"({where}{brief(error)})") from error
    except OSError as error:
        raise LedgerUnreachable(f"({where}{brief(error)})") from error


LOST = (OSError, _pg.PostgresError, _pg.InterfaceError)
"""What is raised where a connection is lost, beside much else."""


def brief(error: Exception) -> str:
    """Return an error's own words, of which asyncpg has many lines for one that is simple."""
    return (str(error) or type(error).__name__).splitlines()[0]


async def connect_freely(database: SecretStr) -> Link:
    """Open a connection without an instance lock; raise LedgerUnreachable."""
    with explained(None, database):
        try:
            return await _pg.connect(
                database.get_secret_value(),
                ssl=demanded_tls(database.get_secret_value()),
                timeout=CONNECT_TIMEOUT,
                command_timeout=_STATEMENT_TIMEOUT,
                server_settings=_SESSION,
                statement_cache_size=256,
            )
        except ValueError:  # its text may hold the address, and so a password
            raise LedgerUnreachable("(DATABASE_URL is not an address that PostgreSQL's clients take)") from None


async def connect(database: SecretStr, instance_lock: InstanceLock) -> Link:
    """Open the one connection by which a process writes, and which holds its instance lock; raise LedgerError."""
    link = await connect_freely(database)
    try:
        await lock_instance(link, instance_lock, database)
    except BaseException:
        link.terminate()
        raise
    return link


async def lock_instance(link: Link, instance_lock: InstanceLock, database: SecretStr) -> None:
    """Take an instance lock for as long as a connection lives; raise LedgerInUse where another process has it."""
    try:
        with explained(link, database):
            await link.execute(f"SET lock_timeout = '{INSTANCE_LOCK_TIMEOUT}s'")
            for lock in instance_lock.locks:
                await link.execute(f"SELECT {lock}")
            await link.execute("RESET lock_timeout")
    except LedgerUnwritable as error:
        raise LedgerInUse(f"({describe(database)})") from error


async def pool_of_readers(database: SecretStr, most: int) -> Any:
    """Open a pool of connections by which nothing can be changed; raise LedgerUnreachable."""
    with explained(None, database):
        return await _pg.create_pool(
            database.get_secret_value(),
            ssl=demanded_tls(database.get_secret_value()),
            min_size=1,
            max_size=most,
            reset=_nothing_to_reset,
            timeout=CONNECT_TIMEOUT,
            command_timeout=_STATEMENT_TIMEOUT,
            server_settings={**_SESSION, "default_transaction_read_only": "on"},
        )


async def _nothing_to_reset(_: Any) -> None:
    """Spare a visit: no statement for reading leaves anything behind."""
