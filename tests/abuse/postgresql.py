"""Attacks by other roles of the same PostgreSQL, and between it and the bot."""

import asyncio
from contextlib import suppress

import asyncpg
from pydantic import SecretStr

from bot.ledger import Ledger, LedgerError, LedgerForeign, migrate
from bot.ledger.postgresql.connections import WRITING, connect_freely
from tests.abuse import Outcome, attack
from tests.postgres import Postgres, programs, running


@attack("a server that says it has no TLS", before="the password goes out in clear", bound="nothing is sent")
async def no_tls() -> Outcome:
    """Stand in for a server, at an address that the bot takes for another machine's."""
    told, left = bytearray(), asyncio.Event()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(8)
        if asked == b"\0\0\0\x08\x04\xd2\x16\x2f":
            writer.write(b"N")
        with suppress(OSError):
            told.extend(await reader.read(1000))
        writer.close()
        left.set()

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with suppress(LedgerError):
            await connect_freely(SecretStr(f"postgresql://bot:hunter2@0.0.0.0:{port}/ledger"))
        await asyncio.wait_for(left.wait(), 10)
    return Outcome(f"{len(told)} bytes sent after its refusal", not told)


def _server_with_roles(server: Postgres) -> tuple[SecretStr, str]:
    server.sql(server.url("postgres"), "CREATE ROLE owner LOGIN")
    server.sql(server.url("postgres"), "CREATE ROLE stranger LOGIN")
    server.sql(server.url("postgres"), "CREATE DATABASE ledger OWNER owner")
    owner, stranger = (server.url("ledger").replace("//bot@", f"//{name}@") for name in ("owner", "stranger"))
    return SecretStr(owner), stranger


@attack(
    "another role holds the lock for writing", before="no transaction of the bot's begins", bound="has no right to it"
)
async def lock_held() -> Outcome:
    """Take every lock that a stranger can."""
    binaries = programs()
    assert binaries, "needs PostgreSQL"
    with running(binaries) as server:
        owner, stranger = _server_with_roles(server)
        await asyncio.to_thread(migrate, owner)
        async with Ledger.open(owner) as ledger:
            other = await asyncpg.connect(stranger)
            refused = False
            try:
                await other.execute("SELECT pg_advisory_lock(0, 1); BEGIN")
                try:
                    await other.execute(WRITING)
                except asyncpg.InsufficientPrivilegeError:
                    refused = True
                async with asyncio.timeout(5), ledger.write() as tx:
                    await tx.set_fact("noted", "kept")
            finally:
                await other.close()
    return Outcome("refused; the bot wrote beside it" if refused else "taken", refused)


@attack("a table of the ledger that another role owns", before="worked with", bound="refused at the start")
async def foreign_table() -> Outcome:
    """Give a table away."""
    binaries = programs()
    assert binaries, "needs PostgreSQL"
    with running(binaries) as server:
        owner, _ = _server_with_roles(server)
        await asyncio.to_thread(migrate, owner)
        server.sql(server.url("ledger"), "ALTER TABLE facts OWNER TO stranger")
        try:
            await asyncio.to_thread(migrate, owner)
        except LedgerForeign as error:
            return Outcome(str(error).partition("(")[2].rstrip(")"), held=True)
    return Outcome("worked with", held=False)
