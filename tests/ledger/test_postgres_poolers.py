"""A ledger in PostgreSQL behind a real pgbouncer: one session a connection works as without it, any less is refused."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.ledger import Ledger, LedgerInUse, LedgerPooled, LedgerUnreachable, Work, check_up_server
from bot.ledger.postgresql import connections
from tests.ledger.test_postgres import note, open_and_close
from tests.ledgers import InPostgres
from tests.pooler import pooled
from tests.sealed import PRETENDED
from tests.test_command_line import run

REFUSED = "A pooler gives the bot's session to others"


async def test_each_connection_with_a_session_of_its_own_works_without_a_setting_of_the_pooler_s(
    base: InPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "INSTANCE_LOCK_TIMEOUT", 0.05)
    with pooled(base, "session") as database:
        assert (await check_up_server(database)).writable
        async with Ledger.open(database, shards=[0]) as ledger, Ledger.open(base.database, shards=[1]) as other:
            await note(ledger, "kept")
            assert await other.read.fact("noted") == "kept"
            heard = asyncio.Event()
            ledger.when_due(Work.ORDERS, heard.set)
            other.wake_others()
            await asyncio.wait_for(heard.wait(), 10)
            with pytest.raises(LedgerInUse):
                async with Ledger.open(database, shards=[0]):
                    pass


async def test_the_bot_s_settings_hold_behind_a_pooler(base: InPostgres) -> None:
    base.script("ALTER ROLE bot SET statement_timeout = '50ms'")
    try:
        with pooled(base, "session") as database:
            async with Ledger.open(database) as ledger:
                reading = "SELECT current_setting('transaction_read_only'), pg_sleep(0.1)"
                assert [row[0] for row in await ledger.read._db.rows(reading, ())] == ["on"]
                writing = "SELECT current_setting('lock_timeout'), current_setting('plan_cache_mode'), pg_sleep(0.1)"
                (found,) = await ledger._engine._writer.fetch(writing)
                assert tuple(found)[:2] == ("20s", "force_generic_plan")
    finally:
        base.script("ALTER ROLE bot RESET statement_timeout")


@pytest.mark.parametrize("settings", [{}, {"default_pool_size": 1}, {"server_round_robin": 1, "min_pool_size": 5}])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("does", [open_and_close, check_up_server])
async def test_sessions_that_are_handed_around_are_refused(
    base: InPostgres, mode: str, settings: dict[str, object], does: Callable[[SecretStr], object]
) -> None:
    with pooled(base, mode, **settings) as database:
        for _ in range(2):  # what the first has left in the sessions there are is no traceback for the second
            with pytest.raises(LedgerPooled, match=REFUSED):
                await does(database)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("command", "code"), [("run", 3), ("doctor", 1), ("migrate", 3), ("move", 3), ("rotate-keys", 3)]
)
def test_every_command_says_what_to_do_about_a_pooler(
    base: InPostgres, tmp_path: Path, command: str, code: int
) -> None:
    with pooled(base, "transaction") as database:
        where = {"MOVE_TO" if command == "move" else "DATABASE_URL": database.get_secret_value()}
        ended = run(tmp_path, command, DISCORD_TOKEN=PRETENDED, **where)
    assert "Connect to PostgreSQL, or set pool_mode=session" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.returncode == code


async def test_a_parameter_that_a_pooler_does_not_know_is_no_passing_fault(base: InPostgres) -> None:
    with pooled(base, "session") as database, pytest.raises(LedgerPooled, match="unsupported startup parameter"):
        await open_and_close(SecretStr(f"{database.get_secret_value()}&work_mem=8MB"))


async def test_a_pooler_that_cannot_connect_further_is_a_passing_fault(base: InPostgres) -> None:
    with pooled(base, "session", server=Path("/nowhere")) as database, pytest.raises(LedgerUnreachable):
        await open_and_close(database)


async def test_a_pooler_that_begins_to_hand_sessions_around_is_noticed_before_anything_is_written(
    base: InPostgres,
) -> None:
    """What the session was is noted where the locks are taken; who finds another one there has lost them."""
    async with Ledger.open(base.database) as ledger:
        await note(ledger, "kept")
        ledger._engine._session -= 1
        with pytest.raises(LedgerPooled, match=REFUSED):
            await note(ledger, "lost")
        assert await ledger.read.fact("noted") == "kept"
