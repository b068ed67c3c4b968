"""A ledger carried over from SQLite is the same ledger: every row, once, and it goes on where it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import progress_bar
from bot.domain.states import State
from bot.ledger import (
    Ledger,
    LedgerDiffers,
    LedgerInUse,
    LedgerNotEmpty,
    LedgerUnreachable,
    LedgerUnsure,
    NoticeKind,
    OrderAction,
    Preferences,
)
from bot.ledger.move import move
from bot.ledger.postgresql import connections
from tests.ledger.between import Break, between
from tests.ledger.ledger_case import ANN, KEY, LATER, LedgerCase, ask, connect, opened
from tests.ledgers import Below, InFile, InPostgres
from tests.rules.sources import ROOT
from tests.world import Clock

OURS = {"processes", "schema_version", "sqlite_sequence"}


@pytest.fixture
async def source(tmp_path: Path) -> InFile:
    """A ledger with something in every table, of which some has been erased again."""
    below = InFile(tmp_path / "ledger.sqlite3")
    clock = Clock()
    async with opened(below.database, clock) as ledger:
        async with ledger.write() as tx:
            account = await connect(tx, ANN, KEY)
            await tx.set_fact("command tree", "Größe 🌳")
            other = await connect(tx, ANN + 1, KEY[::-1])
        ledger_case = LedgerCase(below, ledger, account, clock)
        await ledger_case.ask("ord_A", "ord_B")
        await ledger_case.lead("ord_A", State.ACCEPTED, State.QUEUED, State.CANCELLED)
        await ledger_case.ask("ord_C", "ord_A")
        async with ledger_case.at(LATER) as tx:
            await tx.notify(account, NoticeKind.REJECTED)
            await ask(tx, account, "ord_D", first=True)
            await ask(tx, other, "ord_E")
            await tx.save_preferences(ANN, Preferences(silent=True))
            await tx.save_webhook(ANN, b"hash")
            await tx.keep_orders(ANN, OrderAction.CANCEL, ["ord_K"])
        async with ledger.write() as tx:
            assert await tx.begin_erasure(ANN + 1)
            while await tx.erase_piece(ANN + 1):
                pass
            await connect(tx, ANN + 2, KEY)
            await tx.begin_erasure(ANN + 2)
    return below


def contents(below: Below) -> dict[str, list[str]]:
    """Return all rows of all tables, in one order; but who works on an account, of which SQLite has no column."""
    found = {name: below.sql(f"SELECT * FROM {name}") for name in set(below.tables()) - OURS}
    if isinstance(below, InPostgres):
        columns = below.sql(
            "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns"
            " WHERE table_name = 'accounts' AND column_name <> 'held_by'"
        )
        found["accounts"] = below.sql(f"SELECT {columns[0][0]} FROM accounts")
    return {name: sorted(map(repr, rows)) for name, rows in found.items()}


def highest(below: Below) -> int:
    """Return the number of the request made last."""
    ((number,),) = below.sql("SELECT MAX(id) FROM requests")
    return number


async def test_every_row_is_there_once(source: InFile, bare: InPostgres) -> None:
    before = contents(source)
    assert all(before[name] for name in before), "a table without a row shows nothing"
    moved = await move(source.database, bare.database)
    assert contents(bare) == contents(source) == before
    assert {one.table: one.rows for one in moved} == {name: len(rows) for name, rows in before.items()}


async def test_it_says_how_far_it_is(
    source: InFile, bare: InPostgres, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress_bar, "_LOGGED_EVERY", 0.0)
    monkeypatch.setattr(sys.modules["bot.ledger.move"], "_TOLD_EVERY", 1)
    caplog.set_level("INFO")
    count = 2 * sum(one.rows for one in await move(source.database, bare.database))  # sent, and read back
    said = [record.message for record in caplog.records if record.message.startswith("moving the ledger")]
    assert len(said) == count
    assert f"100 %, {count} rows of {count} rows" in said[-1]


async def test_it_goes_on_where_it_was(source: InFile, bare: InPostgres) -> None:
    await move(source.database, bare.database)
    erased = highest(source) + 1  # the request of the user who has gone
    clock = Clock()
    async with opened(bare.database, clock) as ledger:
        account = await ledger.read.account_of(ANN)
        assert account
        assert account.key_sealed == KEY
        ledger_case = LedgerCase(bare, ledger, account, clock)
        assert await ledger_case.ask("ord_F") > erased
        row = await ledger_case.lead("ord_F", State.ACCEPTED, State.QUEUED)
        assert ledger_case.steps("ord_F") == [
            (None, "requested"),
            ("requested", "sending"),
            ("sending", "accepted"),
            ("accepted", "queued"),
        ]
        await ledger_case.record(row, State.COMPLETED)


async def test_a_database_in_use_is_refused_untouched(
    source: InFile, bare: InPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "INSTANCE_LOCK_TIMEOUT", 0.05)
    async with Ledger.open(bare.database) as ledger:
        with pytest.raises(LedgerInUse):
            await move(source.database, bare.database)
        async with ledger.write() as tx:
            await tx.set_fact("mine", "yes")
    before = contents(bare)
    with pytest.raises(LedgerNotEmpty, match="Name an empty one"):
        await move(source.database, bare.database)
    assert contents(bare) == before


async def test_what_arrives_otherwise_is_not_kept(source: InFile, bare: InPostgres) -> None:
    async with Ledger.open(bare.database):
        pass
    bare.sql("ALTER TABLE facts ALTER COLUMN value TYPE character(80)")  # which fills up with blanks
    with pytest.raises(LedgerDiffers, match="facts: 1 rows were sent, 1 are there, not all the same"):
        await move(source.database, bare.database)
    assert set(map(len, contents(bare).values())) == {0}


async def test_what_the_target_has_no_room_for_is_named(source: InFile, bare: InPostgres) -> None:
    source.sql("UPDATE cancellations SET panel_message = ?", "a\0b")
    with pytest.raises(LedgerDiffers, match="cancellations"):
        await move(source.database, bare.database)
    assert set(map(len, contents(bare).values())) == {0}


async def test_a_table_may_take_longer_than_any_statement_of_a_bot_s(
    source: InFile, bare: InPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Ledger.open(bare.database):
        pass
    bare.sql("ALTER TABLE facts ADD CHECK (pg_sleep(1.5) IS NOT NULL)")
    monkeypatch.setattr(connections, "_STATEMENT_TIMEOUT", 1)
    await move(source.database, bare.database)
    assert contents(bare) == contents(source)


@pytest.mark.parametrize("where", Break)
async def test_where_the_last_answer_is_lost_nothing_is_said_of_it(
    source: InFile, bare: InPostgres, where: Break
) -> None:
    async with Ledger.open(bare.database):
        pass
    async with between(bare) as (network, database):
        network.at_commit = where
        with pytest.raises(LedgerUnsure, match="Look before doing it again"):
            await move(source.database, database)
    assert (contents(bare) == contents(source)) == (where is Break.AFTER)


async def test_a_target_out_of_reach_is_told(source: InFile) -> None:
    with pytest.raises(LedgerUnreachable) as caught:
        await move(source.database, SecretStr("postgresql://bot:hunter2@127.0.0.1:1/ledger"))
    assert "hunter2" not in str(caught.value)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with its data in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder), "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_the_command_tells_what_it_has_moved(source: InFile, bare: InPostgres) -> None:
    before = contents(source)
    done = run(source.database.parent, "move", "--to", bare.url)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "cancellations            3 rows, the same on both sides" in done.stdout
    assert "Never run a bot on it again" in done.stdout
    assert contents(bare) == before
    again = run(source.database.parent, "move", "--to", bare.url)
    assert again.returncode == 3
    assert "nothing was changed" in again.stderr
    for address in ("postgresql://bot:hunter2@db/ledger", "postgresql://bot@db/ledger?password=hunter2"):
        shown = run(source.database.parent, "move", "--to", address)
        assert (shown.returncode, "MOVE_TO" in shown.stderr, "hunter2" in shown.stderr) == (2, True, False)
    wrong = run(source.database.parent, "move", "--to", "mysql://bot:hunter2@db/ledger")
    assert wrong.returncode == 2
    assert "hunter2" not in wrong.stderr


async def test_the_address_may_come_from_the_environment_and_must_not_lead_elsewhere_in_clear(
    source: InFile, bare: InPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOVE_TO", "postgresql://bot:hunter2@db/ledger?sslmode=prefer")
    refused = run(source.database.parent, "move")
    assert (refused.returncode, "in clear" in refused.stderr, "hunter2" in refused.stderr) == (2, True, False)
    monkeypatch.setenv("MOVE_TO", bare.url)
    assert run(source.database.parent, "move").returncode == 0
