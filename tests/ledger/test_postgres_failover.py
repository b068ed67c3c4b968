"""Several servers, and servers that die: where the bot goes on, and what it says of a COMMIT that was not answered."""

import asyncio
import gc
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.ledger import Ledger, LedgerError, LedgerReadOnly, LedgerUnreachable, LedgerUnsure, check_up_server, migrate
from bot.ledger.postgresql import connections, engine
from bot.ledger.postgresql.address import servers, wanted_server
from tests.ledger.between import Between, Break, between
from tests.ledger.test_postgres import note, open_and_close
from tests.ledgers import InPostgres, no_server
from tests.postgres import Postgres, programs, running
from tests.replicas import Pair, pair
from tests.sealed import PRETENDED
from tests.test_command_line import run

ASKED = ["", "?target_session_attrs=read-write", "?target_session_attrs=primary"]


@pytest.fixture(scope="module")
def together() -> Generator[Pair]:
    """A primary and its standby, which stay what they are."""
    if (binaries := programs()) is None:
        no_server()
        return
    with pair(binaries) as made:
        yield made


@pytest.fixture
def pair_to_break() -> Generator[Pair]:
    """A primary and its standby of a test's own."""
    if (binaries := programs()) is None:
        no_server()
        return
    with pair(binaries) as made:
        yield made


@pytest.fixture
def own_server() -> Generator[Postgres]:
    """A server that keeps what it has said to be committed, and writes little of the rest before it must."""
    if (binaries := programs()) is None:
        no_server()
        return
    with running(binaries, synchronous_commit="on", wal_writer_delay="10s") as server:
        yield server


async def eventually(ledger: Ledger, value: str) -> None:
    """Write something as soon as a server can be written again."""
    async with asyncio.timeout(30):
        while True:
            with suppress(LedgerError):
                await note(ledger, value)
                return
            await asyncio.sleep(0.1)


# Several servers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "each"),
    [
        ("postgresql://u:p@h1:1,h2:2/l?a=b", ["postgresql://u:p@h1:1/l?a=b", "postgresql://u:p@h2:2/l?a=b"]),
        ("postgresql://u@[::1]:1,h2/l", ["postgresql://u@[::1]:1/l", "postgresql://u@h2/l"]),
        ("postgresql:///l?host=/a,h2", ["postgresql:///l?host=%2Fa", "postgresql:///l?host=h2"]),
        ("postgresql:///l?host=a,b&port=1,2", ["postgresql:///l?host=a&port=1", "postgresql:///l?host=b&port=2"]),
        ("postgresql:///l?port=7&host=a,b", ["postgresql:///l?port=7&host=a", "postgresql:///l?port=7&host=b"]),
        ("postgresql://u:p@h1/l", ["postgresql://u:p@h1/l"]),
        ("postgresql:///l", ["postgresql:///l"]),
    ],
)
def test_each_server_of_an_address_has_one_of_its_own(address: str, each: list[str]) -> None:
    assert servers(address) == each
    assert wanted_server(address) == ("read-write" if len(each) > 1 else None)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("asked", ASKED)
async def test_of_several_servers_the_one_that_can_be_written_is_taken(
    together: Pair, asked: str, turned: bool
) -> None:
    database = together.address(asked, turned=turned)
    assert (await check_up_server(database)).writable
    async with Ledger.open(database) as ledger:
        await note(ledger, asked)
        assert await ledger.read.fact("noted") == asked


@pytest.mark.parametrize("asked", ASKED)
def test_commands_go_to_the_server_that_can_be_written(together: Pair, tmp_path: Path, asked: str) -> None:
    address = together.address(asked).get_secret_value()
    ended = run(tmp_path, "migrate", DATABASE_URL=address)
    assert (ended.returncode, ended.stderr.count("Traceback")) == (0, 0)
    ended = run(tmp_path, "doctor", DATABASE_URL=address)
    assert "PostgreSQL database ledger on 127.0.0.1:" in ended.stdout
    assert "can only be read" not in ended.stdout
    assert "Traceback" not in ended.stderr


async def test_only_standbys_are_a_passing_fault_of_one_line(together: Pair, tmp_path: Path) -> None:
    (_, standby) = together.ports
    address = f"postgresql://bot@127.0.0.1:{standby},127.0.0.1:{standby}/ledger"
    with pytest.raises(LedgerReadOnly, match="no server that can be written"):
        await open_and_close(SecretStr(address))
    ended = await asyncio.to_thread(run, tmp_path, DATABASE_URL=address, DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1


async def test_a_server_that_hears_and_says_nothing_does_not_keep_the_bot_from_the_next(
    together: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "CONNECT_TIMEOUT", 2)
    primary, _ = together.ports
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system lets in who is not served
        address = f"postgresql://bot@127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{primary}/ledger"
        await asyncio.wait_for(open_and_close(SecretStr(address)), 20)


async def test_the_system_is_told_when_to_give_up_a_machine_that_is_gone(together: Pair) -> None:
    link = await connections.connect_freely(together.address())
    try:
        connected = link._transport.get_extra_info("socket")
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    finally:
        link.terminate()


@pytest.mark.parametrize("asked", ASKED)
async def test_after_a_failover_all_goes_to_the_new_primary(pair_to_break: Pair, asked: str) -> None:
    async with Ledger.open(pair_to_break.address(asked, turned=True)) as ledger:
        await note(ledger, "before")
        assert await ledger.read.fact("noted") == "before"
        await asyncio.to_thread(pair_to_break.primary.stop)
        with pytest.raises(LedgerError):
            await note(ledger, "lost")
        await asyncio.to_thread(pair_to_break.standby.promote)
        await eventually(ledger, "after")
        assert await ledger.read.fact("noted") == "after"
    standby = pair_to_break.standby
    assert standby.sql(standby.url("ledger"), "SELECT value FROM facts WHERE name = 'noted'") == [("after",)]


async def test_readers_follow_the_writer_from_a_server_that_lives_on(pair_to_break: Pair) -> None:
    primary, standby = pair_to_break.primary, pair_to_break.standby
    async with Ledger.open(pair_to_break.address()) as ledger:
        await note(ledger, "before")
        assert await ledger.read.fact("noted") == "before"
        await asyncio.to_thread(standby.promote)
        writer = "SELECT pg_terminate_backend($1)"
        primary.sql(primary.url("ledger"), writer, ledger._engine._session)
        await eventually(ledger, "after")
        assert await ledger.read.fact("noted") == "after"


def throw_out(server: Postgres, *, but: int | None = 0) -> None:
    """End the bot's sessions on a server, all or all but one."""
    asked = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'notpanel-bot' AND pid <> $1"
    )
    server.sql(server.url("ledger"), asked, but)


async def test_an_old_primary_that_comes_back_is_neither_read_nor_written(pair_to_break: Pair) -> None:
    old, new = pair_to_break.primary, pair_to_break.standby
    noted = "SELECT value FROM facts WHERE name = 'noted'"
    async with Ledger.open(pair_to_break.address(turned=True)) as ledger:
        await note(ledger, "before")
        await asyncio.to_thread(pair_to_break.fail_over)
        await eventually(ledger, "after")
        await asyncio.to_thread(old.start)  # nobody has fenced it, and it is the first in the address
        old.sql(old.url("ledger"), "UPDATE facts SET value = 'what others do there' WHERE name = 'noted'")
        assert await asyncio.gather(*(ledger.read.fact("noted") for _ in range(8))) == ["after"] * 8
        throw_out(new)
        await eventually(ledger, "later")
        assert await ledger.read.fact("noted") == "later"
        await ledger.prove_writable()
        assert old.sql(old.url("ledger"), noted) == [("what others do there",)]
        await asyncio.to_thread(new.stop)
        with suppress(LedgerError):
            await note(ledger, "lost")  # the connection
        with pytest.raises(
            LedgerUnreachable, match=r"before a failover\. It is on timeline 1, the bot has written to 2"
        ):
            await note(ledger, "lost")
        with pytest.raises(LedgerUnreachable, match=r"before a failover"):
            await ledger.read.fact("noted")
        assert old.sql(old.url("ledger"), noted) == [("what others do there",)]


async def test_the_writer_follows_where_reading_is_led(pair_to_break: Pair) -> None:
    old, new = pair_to_break.primary, pair_to_break.standby
    async with Ledger.open(pair_to_break.address()) as ledger:
        await note(ledger, "before")
        await asyncio.to_thread(new.promote)
        throw_out(old, but=ledger._engine._session)
        assert await ledger.read.fact("noted") == "before"
        await note(ledger, "still there")  # as its server can be read as well
        assert await ledger.read.fact("noted") == "still there"
        old.sql(old.url("postgres"), "ALTER DATABASE ledger ALLOW_CONNECTIONS false")
        throw_out(old, but=ledger._engine._session)
        with pytest.raises(LedgerUnreachable, match="another server than the one that the bot writes to"):
            await ledger.read.fact("noted")
        await note(ledger, "after")
        assert await ledger.read.fact("noted") == "after"
    assert new.sql(new.url("ledger"), "SELECT value FROM facts WHERE name = 'noted'") == [("after",)]


async def test_what_cannot_be_read_back_is_an_outage_where_servers_do_not_tell_which_they_are(
    pair_to_break: Pair,
) -> None:
    old, new = pair_to_break.primary, pair_to_break.standby
    old.sql(old.url("ledger"), "ALTER FUNCTION pg_control_system() RENAME TO nobody_knows")
    async with Ledger.open(pair_to_break.address()) as ledger:
        await ledger.prove_writable()
        await asyncio.to_thread(new.promote)
        throw_out(old, but=ledger._engine._session)
        with pytest.raises(LedgerUnreachable, match="reading leads to another server than writing"):
            await ledger.prove_writable()
        assert isinstance(ledger.availability.error, LedgerUnreachable)


async def test_a_primary_that_hangs_is_left_for_the_new_one(
    pair_to_break: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "_STATEMENT_TIMEOUT", 2)
    monkeypatch.setattr(connections, "CONNECT_TIMEOUT", 4)
    primary = pair_to_break.primary
    async with Ledger.open(pair_to_break.address(turned=True)) as ledger:
        await note(ledger, "before")
        assert await ledger.read.fact("noted") == "before"
        primary.halt()
        try:
            await asyncio.to_thread(pair_to_break.standby.promote)
            with pytest.raises(LedgerUnreachable, match="no answer in time"):
                await asyncio.wait_for(note(ledger, "lost"), 3)
            await eventually(ledger, "after")
            assert await ledger.read.fact("noted") == "after"
            if closing := [task for task in asyncio.all_tasks() if "close" in repr(task.get_coro())]:
                await asyncio.wait(closing)
            closing.clear()
        finally:
            primary.go_on()
    gc.collect()
    assert "asyncio" not in {record.name for record in caplog.records}


# What became of a COMMIT --------------------------------------------------------------------------------------------


async def test_after_a_failover_nobody_knows_what_became_of_a_commit(pair_to_break: Pair) -> None:
    standby = pair_to_break.standby

    async def write_while_it_fails_over(ledger: Ledger) -> None:
        async with ledger.write() as tx:
            await tx.set_fact("noted", "perhaps")
            await asyncio.to_thread(pair_to_break.fail_over)
            for _ in range(50):  # among these, on the new one, is the number that the transaction has on the old one
                standby.sql(standby.url("ledger"), "SELECT pg_current_xact_id()::text")

    async with Ledger.open(pair_to_break.address()) as ledger:
        await note(ledger, "before")
        with pytest.raises(LedgerUnsure):
            await write_while_it_fails_over(ledger)
        await eventually(ledger, "after")
        assert await ledger.read.fact("noted") == "after"


@pytest.fixture
async def crashing(own_server: Postgres) -> AsyncGenerator[tuple[Between, InPostgres, SecretStr]]:
    """A database of a server to kill, and a network to it."""
    below = InPostgres(own_server, migrated=False)
    await asyncio.to_thread(migrate, below.database)
    async with between(below) as (network, database):
        yield network, below, database


@pytest.mark.parametrize("where", Break)
async def test_a_server_that_has_recovered_knows_what_became_of_a_commit(
    crashing: tuple[Between, InPostgres, SecretStr], where: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_ASK_FOR", 60 if where is Break.AFTER else 5)
    network, below, database = crashing
    async with Ledger.open(database) as ledger:
        await note(ledger, "before")
        network.at_commit, network.goes_down_with_it = where, True
        writing = asyncio.ensure_future(note(ledger, "perhaps"))
        await network.broken.wait()
        await asyncio.to_thread(below.server.stop)
        await asyncio.to_thread(below.server.start)
        network.down = False
        if where is Break.AFTER:
            await writing
            assert await ledger.read.fact("noted") == "perhaps"
        else:
            with pytest.raises(LedgerError) as caught:  # unsure where no number as high as this was given yet
                await writing
            assert isinstance(caught.value, LedgerUnreachable | LedgerUnsure)
            assert await ledger.read.fact("noted") == "before"


async def test_a_number_that_is_given_once_more_is_not_taken_for_the_transaction_that_was_lost(
    crashing: tuple[Between, InPostgres, SecretStr], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_ASK_FOR", 60)
    network, below, database = crashing
    numbers = "SELECT pg_current_xact_id()::text::bigint"
    async with Ledger.open(database) as ledger:
        await note(ledger, "before")
        before = below.sql(numbers)[0][0]
        network.at_commit, network.goes_down_with_it = Break.BEFORE, True
        writing = asyncio.ensure_future(note(ledger, "lost"))
        await network.broken.wait()
        await asyncio.to_thread(below.server.stop)
        await asyncio.to_thread(below.server.start)
        assert below.sql(numbers)[0][0] <= before + 1  # the lost one's, or one before it
        below.sql(numbers)
        assert below.sql("SELECT pg_xact_status(?::text::xid8)", str(before + 1)) == [("committed",)]
        network.down = False
        with pytest.raises(LedgerUnreachable, match="nothing of this was kept"):
            await writing
        assert await ledger.read.fact("noted") == "before"
