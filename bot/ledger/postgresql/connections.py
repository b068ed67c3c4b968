"""Connections to PostgreSQL: to which server, with which settings, and what a process takes of a ledger by one."""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import SecretStr

from bot.ledger.errors import LedgerError, LedgerHeld, LedgerInUse, LedgerPooled, LedgerUnreachable
from bot.ledger.postgresql.address import demanded_tls, describe, servers, wanted_server
from bot.ledger.postgresql.client import pg
from bot.ledger.postgresql.failures import explained
from bot.ledger.postgresql.primary import Primary

Link = Any
"""A connection of asyncpg's."""
Ready = Callable[[Link, str], Awaitable[None]]
"""Makes a connection ready for use; raises LedgerError where the server, named by the second, will not do."""

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
_APPLICATION = {"application_name": "notpanel-bot"}
_SESSION = {
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
    # What ALTER ROLE, ALTER DATABASE or the server's file may say otherwise. A statement is given up by the client.
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "default_transaction_isolation": "read committed",
}
"""Set once connected: poolers refuse what they do not know of it at the start, or leave it out and say nothing."""
_READING = {"default_transaction_read_only": "on"}
_SET = """
    SELECT set_config(name, value, FALSE) FROM unnest($1::text[], $2::text[]) AS wanted (name, value)
    JOIN pg_settings USING (name)
"""
"""Some names are those of later servers."""
_SILENCE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 2, "TCP_USER_TIMEOUT": 15_000}
"""Seconds, the last in milliseconds: a server's machine that is gone closes nothing."""
_COMPARED = 3
"""How often two connections are asked for their sessions."""


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


async def connect_freely(database: SecretStr, primary: Primary | None = None) -> Link:
    """Open a connection without an instance lock; `primary`: to none that is older than where it was written to.

    Raise LedgerUnreachable, LedgerForbidden, LedgerReadOnly where none of several servers can be written, or
    LedgerPooled where the session would not be the connection's own.
    """
    link = await _connect(database, ready=primary.refuse_older if primary else _as_it_is)
    try:
        with explained(link, database):
            await _refuse_shared_sessions(link, database)
            await _set(link, _SESSION)
    except BaseException:
        link.terminate()
        raise
    return link


async def _as_it_is(_: Link, __: str) -> None:
    """Take any server."""


async def _connect(
    database: SecretStr,
    kind: type[Link] = pg.Connection,
    ready: Ready = _as_it_is,
) -> Link:
    """Connect to the first of the address's servers that will do; raise what is wrong, of several servers with all."""
    addresses, failed = servers(database.get_secret_value()), list[LedgerError]()
    for address in addresses:
        try:
            with explained(None, SecretStr(address)):
                link = await pg.connect(
                    address,
                    ssl=demanded_tls(address),
                    timeout=CONNECT_TIMEOUT / len(addresses),  # a machine that is gone answers nothing
                    command_timeout=_STATEMENT_TIMEOUT,
                    server_settings=_APPLICATION,
                    statement_cache_size=256,
                    connection_class=kind,
                    target_session_attrs=wanted_server(database.get_secret_value()),
                )
            await _make_ready(link, SecretStr(address), ready)
        except ValueError:  # its text may hold the address, and so a password
            raise LedgerUnreachable("(DATABASE_URL is not an address that PostgreSQL's clients take)") from None
        except LedgerError as error:
            failed.append(error)
        else:
            return link
    if len(failed) == 1:
        raise failed[0]
    first = next((error for error in failed if error.passes), failed[0])  # it is enough that one comes back
    raise type(first)(" ".join(str(argument) for error in failed for argument in error.args)) from first


async def _make_ready(link: Link, server: SecretStr, ready: Ready) -> None:
    _notice_silence(link)
    try:
        with explained(link, server):
            await ready(link, describe(server))
    except BaseException:
        link.terminate()
        raise


def _notice_silence(link: Link) -> None:
    connected = link._transport.get_extra_info("socket")
    if connected is not None and connected.family in (socket.AF_INET, socket.AF_INET6):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _SILENCE.items():
            if hasattr(socket, name):  # some systems have not all of them
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _set(link: Link, settings: dict[str, str]) -> None:
    await link.fetch(_SET, list(settings), list(settings.values()))


async def _refuse_shared_sessions(link: Link, database: SecretStr) -> None:
    """Raise LedgerPooled where a pooler hands a connection's transactions to whichever session is free.

    Then neither locks nor LISTEN hold, although each statement works. A pooler makes up the number by which a client
    cancels, so that it is not the session's; behind one two connections that are open at once are compared.
    """
    if await session_of(link) == link.get_server_pid():
        return
    other = await _connect(database)
    try:
        sessions = [(await session_of(link), await session_of(other)) for _ in range(_COMPARED)]
    finally:
        other.terminate()
    mine, others = map(set, zip(*sessions, strict=True))
    if len(mine) > 1 or len(others) > 1 or mine == others:
        raise LedgerPooled(f"({describe(database)})")


async def session_of(link: Link) -> int:
    """Return the server's number of the session that a connection is in now."""
    return await link.fetchval("SELECT pg_backend_pid()")


async def connect(database: SecretStr, instance_lock: InstanceLock, primary: Primary) -> Link:
    """Open the one connection by which a process writes, and which holds its instance lock; raise LedgerError."""
    link = await connect_freely(database, primary)
    try:
        await lock_instance(link, instance_lock, database)
        with explained(link, database):
            await primary.note(link, describe(database))
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
            await link.execute(f"SET lock_timeout = '{_SESSION['lock_timeout']}'")
    except LedgerHeld as error:
        raise LedgerInUse(f"({describe(database)})") from error


class _Reader(pg.Connection):
    """A connection for reading, which has nothing to say in the end: a server that hangs would not hear it either."""

    async def close(self, **_: Any) -> None:
        """End the connection at once; the pool does so with those that it must not use any more."""
        self.terminate()


async def pool_of_readers(database: SecretStr, most: int, primary: Primary) -> Any:
    """Open a pool of connections by which nothing can be changed, to the server that is written to.

    Raise LedgerError.
    """
    with explained(None, database):
        return await pg.create_pool(
            connect=partial(_connect_reader, database, primary), min_size=1, max_size=most, reset=_nothing_to_reset
        )


async def _connect_reader(database: SecretStr, primary: Primary, *_: Any, **__: Any) -> Link:
    """Connect to the server that is written to. `_`: what asyncpg would need."""
    elsewhere = False

    async def ready(link: Link, where: str) -> None:
        nonlocal elsewhere
        await _set(link, _SESSION | _READING)
        if await primary.is_elsewhere(link, where):
            elsewhere = True
            raise LedgerUnreachable(f"({where}: this is another server than the one that the bot writes to)")

    try:
        return await _connect(database, _Reader, ready)
    except LedgerError:
        primary.moved |= elsewhere
        raise


async def _nothing_to_reset(_: Any) -> None:
    """Spare a visit: no statement for reading leaves anything behind."""
