"""What can happen to a ledger in PostgreSQL and to no file: the database goes away, comes back, or is another's."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from bot.ledger import (
    Database,
    Ledger,
    LedgerForbidden,
    LedgerInUse,
    LedgerMigrationFailed,
    LedgerTooNew,
    LedgerUnreachable,
    LedgerUnreadable,
    LedgerUnsure,
    LedgerUnwritable,
    Work,
    describe,
    migrate,
    schema,
)
from bot.ledger.postgresql import connections, engine
from bot.ledger.schema import migrations
from tests.ledger.between import Between, Break, between
from tests.ledgers import InPostgres


@pytest.fixture
async def network(base: InPostgres) -> AsyncGenerator[tuple[Between, Ledger]]:
    """A ledger behind a network."""
    async with between(base) as (network, database), Ledger.open(database) as ledger:
        yield network, ledger


async def note(ledger: Ledger, value: str) -> None:
    """Write something by a transaction."""
    async with ledger.write() as tx:
        await tx.set_fact("noted", value)


async def open_and_close(database: Database) -> None:
    """Open a ledger the way the bot does."""
    async with Ledger.open(database):
        pass


# The network --------------------------------------------------------------------------------------------------------


async def test_a_lost_connection_is_told_and_made_anew(network: tuple[Between, Ledger]) -> None:
    between, ledger = network
    await note(ledger, "first")
    between.down = True
    between.cut()
    with pytest.raises(LedgerUnreachable, match="nothing of this was kept"):
        await note(ledger, "second")
    with pytest.raises(LedgerUnreachable):
        await ledger.read.fact("noted")
    between.down = False
    assert await ledger.read.fact("noted") == "first"
    await note(ledger, "third")
    assert await ledger.read.fact("noted") == "third"


async def test_a_connection_lost_in_a_transaction_leaves_nothing_of_it(network: tuple[Between, Ledger]) -> None:
    between, ledger = network

    async def write_while_it_breaks() -> None:
        async with ledger.write() as tx:
            await tx.set_fact("noted", "lost")
            between.cut()
            await tx.set_fact("noted", "lost too")

    with pytest.raises(LedgerUnreachable):
        await write_while_it_breaks()
    assert await ledger.read.fact("noted") is None
    await note(ledger, "kept")
    assert await ledger.read.fact("noted") == "kept"


async def test_a_commit_whose_answer_is_lost_counts_as_what_it_was(network: tuple[Between, Ledger]) -> None:
    between, ledger = network
    between.at_commit = Break.AFTER
    await note(ledger, "kept")
    assert await ledger.read.fact("noted") == "kept"
    between.at_commit = Break.BEFORE
    with pytest.raises(LedgerUnreachable, match="nothing of this was kept"):
        await note(ledger, "lost")
    assert await ledger.read.fact("noted") == "kept"
    await note(ledger, "again")
    assert await ledger.read.fact("noted") == "again"


@pytest.mark.parametrize("where", Break)
async def test_where_the_database_stays_away_nothing_is_said_of_a_commit(
    network: tuple[Between, Ledger], where: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_ASK_FOR", 0.5)
    between, ledger = network
    between.at_commit, between.goes_down_with_it = where, True
    woken = list[Work]()
    ledger.when_due(Work.NOTICES, lambda: woken.append(Work.NOTICES))
    with pytest.raises(LedgerUnsure, match="Look before doing it again"):
        await note(ledger, "perhaps")
    assert woken  # for what was perhaps made due
    between.down = between.goes_down_with_it = False
    assert await ledger.read.fact("noted") == ("perhaps" if where is Break.AFTER else None)
    await note(ledger, "again")


async def test_a_database_that_falls_silent_keeps_nobody_waiting_for_long(
    network: tuple[Between, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_ASK_FOR", 0.5)
    between, ledger = network
    between.at_commit, between.falls_silent_with_it = Break.AFTER, True
    with pytest.raises(LedgerUnsure):
        await asyncio.wait_for(note(ledger, "perhaps"), 5)
    between.silent = False
    between.cut()
    assert await ledger.read.fact("noted") == "perhaps"


# The server ---------------------------------------------------------------------------------------------------------


async def test_a_server_that_ends_all_sessions_is_met_again(base: InPostgres) -> None:
    async with Ledger.open(base.database) as ledger:
        await note(ledger, "first")
        base.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'notpanel-bot'")
        for _ in range(100):  # until the client has heard of it
            try:
                await note(ledger, "second")
                break
            except LedgerUnreachable:
                await asyncio.sleep(0)
        assert await ledger.read.fact("noted") == "second"


async def test_a_database_that_may_not_be_written_is_told(base: InPostgres) -> None:
    async with Ledger.open(base.database) as ledger:
        await note(ledger, "first")
        name = base.url.partition("?")[0].rpartition("/")[2]
        base.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(LedgerUnwritable, match="read-only"):
        await open_and_close(base.database)


async def test_a_transaction_that_goes_on_after_a_failed_statement_is_refused(base: InPostgres) -> None:
    async with Ledger.open(base.database) as ledger:

        async def go_on_regardless() -> None:
            async with ledger.write() as tx:
                await tx.set_fact("noted", "first")
                with suppress(asyncpg.NotNullViolationError):
                    await tx.set_fact("noted", None)  # pyright: ignore[reportArgumentType]

        with pytest.raises(LedgerUnwritable, match="had failed"):
            await go_on_regardless()
        assert await ledger.read.fact("noted") is None


async def test_a_transaction_sees_what_others_have_committed_before_it_began(base: InPostgres) -> None:
    """Two connections that write in turn: each must find the other's last word, not the one of its own beginning."""
    first, second = [await asyncpg.connect(base.url) for _ in range(2)]
    try:
        await first.execute("BEGIN")
        await first.execute(connections.WRITING)
        await second.execute("BEGIN")
        waiting = asyncio.ensure_future(second.execute(connections.WRITING))
        await first.execute("INSERT INTO facts VALUES ('noted', 'by the first')")
        await first.execute("COMMIT")
        await waiting
        assert await second.fetchval("SELECT value FROM facts WHERE name = 'noted'") == "by the first"
    finally:
        await first.close()
        await second.close()


async def test_closing_waits_for_the_transaction_that_is_being_written(base: InPostgres) -> None:
    writing = asyncio.Event()

    async def slowly(ledger: Ledger) -> None:
        async with ledger.write() as tx:
            await tx.set_fact("noted", "first")
            writing.set()
            for n in range(50):
                await tx.set_fact("noted", str(n))

    async with Ledger.open(base.database) as ledger:
        task = asyncio.create_task(slowly(ledger))
        await writing.wait()
    await task
    assert base.sql("SELECT value FROM facts WHERE name = 'noted'") == [("49",)]
    assert base.sql("SELECT COUNT(*) FROM processes") == [(0,)]


async def test_a_process_hears_the_others_although_whoever_met_the_database_again_was_cancelled(
    network: tuple[Between, Ledger], base: InPostgres
) -> None:
    between, ledger = network
    heard = asyncio.Event()
    ledger.when_due(Work.ORDERS, heard.set)
    between.cut()
    with pytest.raises(LedgerUnreachable):
        await note(ledger, "lost")
    task = asyncio.ensure_future(note(ledger, "cancelled"))
    between.at_listen = task.cancel
    with pytest.raises(asyncio.CancelledError):
        await task
    await note(ledger, "kept")
    base.sql("SELECT pg_notify('ledger', '')")
    await asyncio.wait_for(heard.wait(), 10)


# What is opened -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:hunter2@127.0.0.1:1/ledger",
        "postgresql://bot:hunter2@127.0.0.1:port/ledger",
        "postgresql://bot:hunter2@/ledger?host=/nowhere",
        "postgresql://bot:hunter2@[::1/ledger",
        "postgresql://bot:hunter2@127.0.0.1:1/ledger?sslmode=hunter2",
    ],
)
async def test_a_database_that_cannot_be_reached_is_told_without_its_password(url: str) -> None:
    with pytest.raises(LedgerUnreachable, match="DATABASE_URL") as caught:
        await open_and_close(SecretStr(url))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:hunter2/x@host/ledger",
        "postgresql://bot:1/hunter2@host/ledger",
        "postgresql://bot:1#hunter2@host/ledger",
        "postgresql://bot:1?hunter2@host/ledger",
        "postgresql://bot:hunter2",
    ],
)
def test_a_password_that_breaks_the_address_is_not_shown(url: str) -> None:
    assert "hunter2" not in describe(SecretStr(url))


def test_a_database_is_named_by_where_it_is() -> None:
    shown = [
        describe(SecretStr(f"postgresql://{rest}"))
        for rest in ("bot:p%40ss@db:5432/ledger?sslmode=require", "bot@one:1,two:2/ledger", "bot@/ledger?host=%2Frun")
    ]
    assert shown == [
        "PostgreSQL database ledger on db:5432",
        "PostgreSQL database ledger on one:1,two:2",
        "PostgreSQL database ledger on /run",
    ]


async def test_a_database_that_does_not_exist_is_told(base: InPostgres) -> None:
    with pytest.raises(LedgerForbidden, match="does not exist"):
        await open_and_close(SecretStr(base.server.url("nowhere")))


@pytest.mark.parametrize(
    ("mine", "another"),
    [
        ({}, {}),
        ({"shards": [0, 1]}, {"shards": [1, 2]}),
        ({}, {"shards": [3]}),
        ({"shards": [0]}, {}),
        ({"alone": True}, {"shards": [0]}),
        ({"shards": [0]}, {"alone": True}),
    ],
)
async def test_what_another_process_has_is_refused(
    base: InPostgres, mine: dict[str, Any], another: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "INSTANCE_LOCK_TIMEOUT", 0.05)
    async with Ledger.open(base.database, **mine) as ledger:
        with pytest.raises(LedgerInUse, match="Another process"):
            async with Ledger.open(base.database, **another):
                pass
        await note(ledger, "still mine")
    async with Ledger.open(base.database, **another):
        pass


async def test_processes_with_other_shards_share_a_ledger(base: InPostgres) -> None:
    async with (
        Ledger.open(base.database, shards=[0, 2]) as one,
        Ledger.open(base.database, shards=[1]) as other,
    ):
        assert one.process != other.process
        await note(one, "by one")
        assert await other.read.fact("noted") == "by one"
        await note(other, "by the other")
        assert await one.read.fact("noted") == "by the other"


async def test_one_process_hears_the_other(base: InPostgres) -> None:
    async with (
        Ledger.open(base.database, shards=[0]) as one,
        Ledger.open(base.database, shards=[1]) as other,
    ):
        heard = asyncio.Event()
        other.when_due(Work.ORDERS, heard.set)
        one.wake_others()
        await asyncio.wait_for(heard.wait(), 10)


async def test_a_ledger_of_a_newer_release_is_refused_untouched(base: InPostgres) -> None:
    newest = migrations("postgresql")[-1][0]
    base.sql("INSERT INTO schema_version VALUES (?, 'some day')", newest + 1)
    with pytest.raises(LedgerTooNew, match="newer release") as caught:
        await open_and_close(base.database)
    assert "bot@" not in str(caught.value)
    assert base.sql("SELECT MAX(version) FROM schema_version") == [(newest + 1,)]


async def test_a_database_of_another_program_is_refused_untouched(bare: InPostgres) -> None:
    bare.sql("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(LedgerUnreadable, match="another program"):
        await open_and_close(bare.database)
    assert bare.tables() == ["recipes"]


def test_migrating_twice_changes_nothing(bare: InPostgres) -> None:
    newest = migrations("postgresql")[-1][0]
    assert migrate(bare.database) == newest
    before = [bare.sql(f"SELECT * FROM {name}") for name in bare.tables()]
    assert migrate(bare.database) == newest
    assert [bare.sql(f"SELECT * FROM {name}") for name in bare.tables()] == before


@pytest.mark.parametrize(
    ("wrong", "said"), [("SELECT 1 / 0", "division by zero"), ("DROP TABLE gone", 'table "gone" does not exist')]
)
def test_a_migration_that_fails_leaves_nothing_of_itself(
    bare: InPostgres, monkeypatch: pytest.MonkeyPatch, wrong: str, said: str
) -> None:
    broken = [(1, "0001_half.sql", f"CREATE TABLE half (id BIGINT); {wrong};")]
    monkeypatch.setattr(schema, "migrations", lambda _: broken)
    with pytest.raises(LedgerMigrationFailed, match=rf"0001_half.sql: {said}; .* is at schema 0, and has"):
        migrate(bare.database)
    assert bare.tables() == []


def test_a_migration_may_take_longer_than_any_statement_of_a_bot_s(
    bare: InPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_STATEMENT_TIMEOUT", 1)
    monkeypatch.setattr(schema, "migrations", lambda _: [(1, "0001_long.sql", "SELECT pg_sleep(1.5)")])
    assert migrate(bare.database) == 1
