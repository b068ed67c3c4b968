"""What a PostgreSQL server refuses: what is so, what was not done, where to look, and whether to start again."""

import asyncio
from collections.abc import Generator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from bot.ledger import (
    Ledger,
    LedgerError,
    LedgerForbidden,
    LedgerFull,
    LedgerHeld,
    LedgerPooled,
    LedgerReadOnly,
    LedgerUnreachable,
    LedgerUnwritable,
)
from bot.ledger.errors import LedgerDamaged
from bot.ledger.postgresql import checkup
from bot.ledger.postgresql.connections import WRITING
from bot.ledger.postgresql.failures import explained
from bot.ops.doctor.finding import ATTENTION, FAILED
from bot.ops.doctor.ledger import check_ledger, probe_server
from tests.ledger.between import Break, between
from tests.ledger.test_postgres import note, open_and_close
from tests.ledgers import InPostgres
from tests.ops.test_doctor import states
from tests.sealed import PRETENDED
from tests.test_command_line import run

PASSES, LASTS = True, False


@pytest.fixture
def own(base: InPostgres) -> Generator[SecretStr]:
    """The same database as a role sees it that may work with all that is there."""
    base.script(
        "CREATE ROLE clerk LOGIN; GRANT ALL ON SCHEMA public TO clerk; "
        "GRANT bot TO clerk; ALTER ROLE clerk SET role = bot"
    )
    yield SecretStr(base.url.replace("//bot@", "//clerk@"))
    base.script("DROP OWNED BY clerk; DROP ROLE clerk")


@pytest.mark.parametrize(
    ("sqlstate", "kind", "passes", "words"),
    [
        ("08006", LedgerUnreachable, PASSES, "Check that it runs"),
        ("25006", LedgerReadOnly, PASSES, "Connect to the primary"),
        ("25P03", LedgerUnreachable, PASSES, "silent for 8 seconds"),
        ("28P01", LedgerForbidden, LASTS, "Check user, password"),
        ("42P01", LedgerDamaged, LASTS, "somebody has removed or renamed"),
        ("42703", LedgerDamaged, LASTS, "somebody has removed or renamed"),
        ("3D000", LedgerForbidden, LASTS, "Check user, password, database"),
        ("40P01", LedgerHeld, PASSES, "`doctor` tells who"),
        ("42501", LedgerForbidden, LASTS, "the role's rights"),
        ("42P05", LedgerPooled, LASTS, "pool_mode=session"),
        ("53100", LedgerFull, PASSES, "its disk"),
        ("53200", LedgerFull, PASSES, "memory"),
        ("53300", LedgerUnreachable, PASSES, "max_connections"),
        ("55P03", LedgerHeld, PASSES, "`doctor` tells who"),
        ("57014", LedgerHeld, PASSES, "broken off"),
        ("57P01", LedgerUnreachable, PASSES, "An administrator"),
        ("57P02", LedgerUnreachable, PASSES, "Check that it runs"),
        ("57P03", LedgerUnreachable, PASSES, "starting, recovering"),
        ("58030", LedgerUnwritable, LASTS, "its log"),
        ("XX001", LedgerUnwritable, LASTS, "damage"),
    ],
)
def test_each_fault_of_a_server_is_told_by_its_kind(
    sqlstate: str, kind: type[LedgerError], passes: bool, words: str
) -> None:
    fault = asyncpg.PostgresError.new({"C": sqlstate, "M": "what the server says", "S": "FATAL"})
    with pytest.raises(LedgerError) as caught, explained(None, SecretStr("postgresql://bot:hunter2@db/ledger")):
        raise fault
    assert (type(caught.value), caught.value.passes) == (kind, passes)
    said = str(caught.value)
    assert words in said
    assert "(PostgreSQL database ledger on db: what the server says)" in said
    assert "nothing" in said  # of what was not done
    assert "hunter2" not in said


async def test_what_is_the_bot_s_own_fault_is_not_told_as_the_server_s(base: InPostgres) -> None:
    async with Ledger.open(base.database) as ledger:
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await ledger.read._db.rows("SELECT FROM WHERE", ())


@pytest.mark.parametrize(
    "altered",
    [
        "ALTER TABLE facts RENAME TO others",
        "ALTER TABLE facts RENAME COLUMN value TO others",
        "ALTER TABLE facts DROP CONSTRAINT facts_pkey",
        "ALTER FUNCTION now_here() RENAME TO others",
    ],
)
async def test_what_somebody_changed_in_the_schema_is_damage_that_monitoring_sees(
    base: InPostgres, altered: str
) -> None:
    async with Ledger.open(base.database, alone=True) as ledger:
        await ledger.prove_writable()
        base.script(altered)
        with pytest.raises(LedgerDamaged, match="somebody has removed or renamed"):
            await note_and_beat(ledger)
        assert isinstance(ledger.availability.error, LedgerDamaged)


async def note_and_beat(ledger: Ledger) -> None:
    """Do what a running process does."""
    await note(ledger, "lost")
    async with ledger.write() as tx:
        await tx.heartbeat()


async def test_who_locks_the_ledger_is_named(base: InPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "_LONG", timedelta())
    other = await asyncpg.connect(base.url, server_settings={"application_name": "reports"})
    try:
        async with Ledger.open(base.database) as ledger:
            await other.execute(f"BEGIN; {WRITING}")
            await ledger._engine._writer.execute("SET lock_timeout = '50ms'")
            with pytest.raises(LedgerHeld, match="nothing of this was kept"):
                await note(ledger, "lost")
            holder = f"pid {other.get_server_pid()} (reports, role bot, idle in transaction) holds ExclusiveLock on"
            states(check_ledger(await probe_server(base.database)), ATTENTION, holder, "pg_terminate_backend(pid)")
            await other.execute("ROLLBACK")
            await note(ledger, "kept")
            assert "holds" not in str(check_ledger(await probe_server(base.database)))
    finally:
        await other.close()


async def test_a_lock_that_keeps_even_the_doctor_out_is_told_with_its_holder(
    base: InPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "_LONG", timedelta())
    monkeypatch.setattr(checkup, "_LOCK_TIMEOUT", "50ms")
    other = await asyncpg.connect(base.url)
    try:
        await other.execute("BEGIN; LOCK TABLE schema_version, accounts")
        said = f"pid {other.get_server_pid()} (no name, role bot, idle in transaction) holds AccessExclusiveLock"
        states(check_ledger(await probe_server(base.database)), FAILED, "Somebody else locks the ledger", said)
    finally:
        await other.close()


async def test_what_a_role_s_settings_say_does_not_hold_for_the_bot(base: InPostgres, own: SecretStr) -> None:
    wanted = {
        "statement_timeout": ("1s", "0"),
        "idle_session_timeout": ("1s", "0"),
        "lock_timeout": ("1s", "20s"),
        "idle_in_transaction_session_timeout": ("1h", "8s"),
        "default_transaction_isolation": ("serializable", "read committed"),
    }
    base.script("".join(f"ALTER ROLE clerk SET {name} = '{theirs}';" for name, (theirs, _) in wanted.items()))
    asked = "SELECT " + ", ".join(f"current_setting('{name}')" for name in wanted)
    expected = tuple(ours for _, ours in wanted.values())
    async with Ledger.open(own) as ledger:
        assert [tuple(row) for row in await ledger._engine._writer.fetch(asked)] == [expected]
        assert [tuple(row) for row in await ledger.read._db.rows(asked, ())] == [expected]


async def test_a_server_without_a_free_connection_is_told_with_what_the_bot_needs(
    base: InPostgres, own: SecretStr
) -> None:
    base.script("ALTER ROLE clerk CONNECTION LIMIT 1")
    with pytest.raises(LedgerUnreachable, match="each process of the bot needs seven"):
        await open_and_close(own)


async def test_a_session_that_is_ended_is_told_as_such(base: InPostgres) -> None:
    async with Ledger.open(base.database) as ledger:

        async def be_thrown_out() -> None:
            async with ledger.write() as tx:
                await tx.set_fact("noted", "lost")
                base.sql("SELECT pg_terminate_backend(?)", ledger._engine._session)
                for _ in range(100):  # until the client has heard of it
                    await tx.set_fact("noted", "lost too")
                    await asyncio.sleep(0)

        with pytest.raises(LedgerUnreachable, match="nothing of this was kept"):
            await be_thrown_out()
        with suppress(LedgerUnreachable):
            await note(ledger, "kept")
        await note(ledger, "kept")


def test_a_role_that_may_not_log_in_ends_the_start_for_good(base: InPostgres, own: SecretStr, tmp_path: Path) -> None:
    base.script("ALTER ROLE clerk NOLOGIN")
    ended = run(tmp_path, DATABASE_URL=own.get_secret_value(), DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 3
    assert "Check user, password, database and the role's rights" in ended.stderr
    assert ended.stderr.count("\n") == 1


async def test_of_several_servers_one_that_may_come_back_is_enough(base: InPostgres, own: SecretStr) -> None:
    base.script("ALTER ROLE clerk NOLOGIN")
    address = own.get_secret_value().replace("?host=", "?host=/nowhere,")
    with pytest.raises(LedgerUnreachable, match=r"on /nowhere: .* is not permitted to log in"):
        await open_and_close(SecretStr(address))


@pytest.mark.parametrize("command", ["run", "migrate", "rotate-keys"])
def test_a_server_that_is_down_is_one_line_and_worth_another_start(tmp_path: Path, command: str) -> None:
    ended = run(tmp_path, command, DATABASE_URL="postgresql://bot@/ledger?host=/nowhere", DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 1
    assert "Check that it runs, and DATABASE_URL" in ended.stderr
    assert ended.stderr.count("\n") == 1


async def test_a_start_whose_commit_nobody_answers_is_worth_another(base: InPostgres, tmp_path: Path) -> None:
    async with between(base) as (network, database):
        network.at_commit, network.goes_down_with_it = Break.AFTER, True
        address = database.get_secret_value()
        ended = await asyncio.to_thread(run, tmp_path, DATABASE_URL=address, DISCORD_TOKEN=PRETENDED)
    assert network.broken.is_set()
    assert ended.returncode == 1
    assert "it may have been, or not" in ended.stderr


@pytest.mark.parametrize("command", ["run", "migrate", "rotate-keys"])
def test_without_its_package_no_start_is_worth_another(tmp_path: Path, command: str) -> None:
    missing = "raise ModuleNotFoundError(\"No module named 'asyncpg'\", name='asyncpg')\n"
    (tmp_path / "asyncpg.py").write_text(missing)
    address = "postgresql://bot@127.0.0.1/ledger"
    ended = run(tmp_path, command, DATABASE_URL=address, DISCORD_TOKEN=PRETENDED, PYTHONPATH=str(tmp_path))
    assert ended.returncode == 2
    assert "make postgres" in ended.stderr
    assert "--build-arg LOCK=requirements-postgres.txt" in ended.stderr
    assert ended.stderr.count("\n") == 1
