"""A disk that is full, read-only or held by somebody else: said clearly, nothing overwritten, nothing lost."""

import ctypes
import re
import resource
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cards import actions
from bot.domain.order_status import OrderStatus
from bot.ledger import Ledger, LedgerUnwritable, Preferences, migrate
from bot.ledger.errors import LedgerDamaged
from bot.ledger.postgresql.connections import WRITING
from bot.ops.http.metrics import exposition
from bot.panel import Answer
from tests.cogs.test_every_command import keep_news
from tests.ledgers import InFile, InPostgres
from tests.sealed import PRETENDED
from tests.test_command_line import run, seal_a_key
from tests.world import World, messages, shown, text_of

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # linux/prctl.h, linux/capability.h


def nothing_fits(size: int = 4096) -> Callable[[], None]:
    """Let no file of a process grow beyond a size: what a full disk looks like to it."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def bound_by_modes() -> None:
    """Take root's power to write what is not writable: the tests may well run as root."""
    for power in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, power, 0, 0, 0)


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, but for those that only say who is using it."""
    passing = (".lock", "-shm", "-wal")
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(passing)}


def test_a_first_start_on_a_full_disk(tmp_path: Path) -> None:
    ended = run(tmp_path, before=nothing_fits(), DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 1
    assert "There is no room for the ledger" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert run(tmp_path, "migrate").returncode == 0  # once there is room


def test_a_start_on_a_full_disk_leaves_the_ledger_as_it_is(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    before = files_in(tmp_path)
    ended = run(tmp_path, before=nothing_fits(), DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 1
    assert "There is no room for the ledger" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert files_in(tmp_path) == before


def test_a_start_without_room_for_what_readers_share_is_tried_again(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    ended = run(tmp_path, before=nothing_fits(20_000), DISCORD_TOKEN=PRETENDED)  # it takes 32 KB
    assert ended.returncode == 1
    assert "There is no room for the ledger" in ended.stderr
    assert run(tmp_path, "migrate").returncode == 0


def test_a_copy_that_the_bots_user_may_not_read_is_named(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    (closed := tmp_path / "closed").mkdir(mode=0)
    ended = run(tmp_path, "restore", str(closed / "copy"), before=bound_by_modes)
    assert ended.returncode == 3
    assert "cannot be read; nothing was changed" in ended.stderr
    assert f"({closed / 'copy'}: Permission denied)" in ended.stderr


def test_no_key_file_is_made_where_the_ledger_finds_no_room(tmp_path: Path) -> None:
    ended = run(tmp_path, before=nothing_fits(0), DATABASE_URL="sqlite:////nowhere", DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 1
    migrate(tmp_path / "ledger.sqlite3")
    ended = run(tmp_path, "rotate-keys", before=nothing_fits(0))
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.glob("*encryption.keys*")) == []


def test_a_backup_onto_a_full_disk_leaves_no_half(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    before = files_in(tmp_path)
    ended = run(tmp_path, "backup", str(tmp_path / "copy"), before=nothing_fits(20_000))
    assert ended.returncode == 1
    assert "too little free space on the disk; nothing was changed" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert files_in(tmp_path) == before


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
@pytest.mark.parametrize(
    ("read_only", "said"), [(".", "The ledger's folder can't be written"), ("ledger.sqlite3", "The ledger can")]
)
def test_a_read_only_ledger(tmp_path: Path, read_only: str, said: str) -> None:
    seal_a_key(tmp_path)
    before = files_in(tmp_path)
    mode = (tmp_path / read_only).stat().st_mode
    (tmp_path / read_only).chmod(mode & 0o555)
    ended = run(tmp_path, before=bound_by_modes, DISCORD_TOKEN=PRETENDED)
    (tmp_path / read_only).chmod(mode)
    assert ended.returncode == 3
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert files_in(tmp_path) == before


def test_a_ledger_that_another_program_holds(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = run(tmp_path, DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 1
    assert "Somebody else locks the ledger" in ended.stderr
    assert "locked" in ended.stderr


# While it runs ------------------------------------------------------------------------------------------------------


GoAway = Callable[[], Awaitable[None]]


async def locked(here: World) -> GoAway:
    """Let another program hold the ledger; return how it lets go."""
    if not isinstance(here.below, InFile):
        await here.app.ledger._engine._writer.execute("SET lock_timeout = 20")
        here.sql("BEGIN")
        here.sql(WRITING)

        async def unlock() -> None:
            here.sql("ROLLBACK")

        return unlock
    await here.app.ledger._engine._writer.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(here.folder / "ledger.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def release() -> None:
        other.close()

    return release


async def full(here: World) -> GoAway:
    """Let the ledger grow no more, or not be written at all; return how it may again."""
    writer = here.app.ledger._engine._writer
    if not isinstance(here.below, InFile):
        await writer.execute("SET default_transaction_read_only = on")

        async def let_write() -> None:
            await writer.execute("SET default_transaction_read_only = off")

        return let_write
    await writer.execute("VACUUM")  # migrations leave unused pages, in which there would be room
    async with writer.execute("PRAGMA page_count") as rows:
        (pages,) = await rows.fetchone() or (0,)
    await writer.execute(f"PRAGMA max_page_count = {pages}")

    async def make_room() -> None:
        await writer.execute("PRAGMA max_page_count = 1000000")

    return make_room


OBSTACLES = {"locked": locked, "full": full}
MANY = [f"ord_{n:034}" for n in range(150)]

pytestmark = pytest.mark.settings(confirm_above=1000)


@pytest.mark.usefixtures("env")
@pytest.mark.parametrize("obstacle", OBSTACLES)
async def test_a_command_that_cannot_be_written_down_says_so_and_sends_nothing(
    here: World, ann: Any, obstacle: str
) -> None:
    for order in MANY:
        here.order(order)
    go_away = await OBSTACLES[obstacle](here)
    card = await ann.slash("cancel", orders=" ".join(MANY))
    assert "nothing was sent, stored or removed" in shown(card)
    await go_away()
    await here.wait(30)
    assert here.cancel_calls() == []
    again = await ann.slash("cancel", orders=" ".join(MANY))
    await here.settle()
    assert "150 cancelled" in shown(again)


@pytest.mark.usefixtures("env")
@pytest.mark.parametrize("obstacle", OBSTACLES)
async def test_monitoring_sees_it_and_its_end(here: World, obstacle: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    health, probe = here.app.services.health, here.app.ledger_probe
    assert await probe.step() == timedelta(minutes=1)
    assert await health.faults() == []
    go_away = await OBSTACLES[obstacle](here)
    probe.bell.reset()
    with pytest.raises(LedgerUnwritable):
        async with here.app.ledger.write() as tx:
            await tx.set_fact("large", "x" * 100_000)
    assert probe.bell.is_rung
    (fault,) = await health.faults()
    assert re.fullmatch(r"ledger cannot be written \(Ledger\w+\)", fault)
    page = (await exposition(health)).decode()
    assert "notpanel_ledger_writable 0.0" in page
    assert "notpanel_ledger_failed_transactions_total 1.0" in page
    await go_away()
    here.app.scheduler.bell.reset()
    assert await probe.step() == timedelta(minutes=1)
    assert here.app.scheduler.bell.is_rung  # work goes on at once
    assert await health.faults() == []
    assert "notpanel_ledger_writable 1.0" in (await exposition(health)).decode()
    assert "the ledger can be written again, after" in caplog.text


@pytest.mark.postgresql
async def test_one_locked_table_is_no_ledger_that_can_be_written(here: World) -> None:
    """Small transactions get through all the while. SQLite locks the whole file."""
    await here.app.ledger._engine._writer.execute("SET lock_timeout = 20")
    here.sql("BEGIN")
    here.sql("LOCK TABLE cancellations IN EXCLUSIVE MODE")
    assert await here.app.ledger_probe.step() == timedelta(seconds=5)
    async with here.app.ledger.write() as tx:
        await tx.set_fact("small", "fits")
    assert here.app.ledger.availability.error
    here.sql("ROLLBACK")
    assert await here.app.ledger_probe.step() == timedelta(minutes=1)
    assert here.app.ledger.availability.error is None


@pytest.mark.usefixtures("env")
async def test_what_the_panel_has_done_is_written_down_as_soon_as_that_is_possible(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    card = await ann.slash("cancel", orders="ord_A")

    async def meanwhile(answer: Answer) -> Answer:
        here.wire.obstacles.append(await locked(here))
        return answer

    here.wire.faults = [meanwhile]
    await here.app.scheduler.step()
    await here.settle()
    assert "Waiting at the provider" in shown(card)
    await here.wait(90)
    assert "Cancelled: `ord_A`" in messages(ann)[-1]
    assert here.panel.cancel_requests == {"ord_A": 1}


@pytest.mark.usefixtures("env")
async def test_a_message_that_was_sent_but_not_noted_is_not_sent_twice(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.slash("cancel", orders="ord_A")
    await here.wait(55)
    send = here.app.services.notification_sender._send

    async def hold_after(notice: Any) -> Any:
        sent = await send(notice)
        here.wire.obstacles.append(await locked(here))
        return sent

    here.app.services.notification_sender._send = hold_after  # type: ignore[method-assign]  # another program comes in between
    with pytest.raises(LedgerUnwritable):
        await here.wait(60)
    here.app.services.notification_sender._send = send  # type: ignore[method-assign]
    await here.wire.sleep(0)
    here.skip(600)
    await here.settle()
    assert len(messages(ann)) == 1
    assert await here.app.ledger.read.next_notice_due() is None


async def test_a_damaged_page_is_told_and_seen_by_monitoring(tmp_path: Path) -> None:
    """The rest of the file can be read and written all the while."""
    path = tmp_path / "ledger.sqlite3"
    migrate(path)
    with closing(sqlite3.connect(path)) as other:
        ((page, size),) = other.execute(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'preferences'"
        )
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"?" * size)
    async with Ledger.open(path) as ledger:
        with pytest.raises(LedgerDamaged, match="malformed"):
            await ledger.read.preferences(1)
        assert isinstance(ledger.availability.error, LedgerDamaged)
        with pytest.raises(LedgerDamaged, match="malformed"):
            async with ledger.write() as tx:
                await tx.save_preferences(1, Preferences())
        assert ledger.availability.failed_transactions == 2


async def test_a_full_ledger_keeps_what_it_has(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path / "ledger.sqlite3") as ledger:
        writer = ledger._engine._writer
        await writer.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size, since that is larger
        async with ledger.write() as tx:
            await tx.set_fact("small", "fits")

        async def write_too_much() -> None:
            async with ledger.write() as tx:
                await tx.set_fact("small", "changed")
                await tx.set_fact("large", "x" * 100_000)

        with pytest.raises(LedgerUnwritable, match="full"):
            await write_too_much()
        assert await ledger.read.fact("small") == "fits"
        await writer.execute("PRAGMA max_page_count = 1000000")
        async with ledger.write() as tx:
            await tx.set_fact("large", "x" * 100_000)
    async with Ledger.open(tmp_path / "ledger.sqlite3") as ledger:
        assert len(await ledger.read.fact("large") or "") == 100_000


async def test_a_notice_that_cannot_be_noted_as_shown_is_shown_once_at_a_press(here: World, ann: Any) -> None:
    await keep_news(here, ann)
    message = await here.post(ann.dm_channel, actions.UPDATES.button(ann.id))
    let_go = await locked(here)
    pressed = await ann.click(message, label="Show me")
    await let_go()
    assert str([text_of(one.components) for one in (pressed.response, *pressed.followups)]).count("ord_A") == 1
    assert "ord_A" in shown(await ann.click(message, label="Show me"))


@pytest.mark.postgresql
@pytest.mark.usefixtures("env")
async def test_a_server_that_is_away_is_said_where_nothing_can_be_looked_at(
    here: World, ann: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(here.below, InPostgres)
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.slash("cancel", orders="ord_A")
    name = here.sql("SELECT current_database()")[0][0]
    here.below.close()
    beside = here.below.server.url("postgres")
    here.below.server.sql(beside, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    here.below.server.sql(beside, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    for command, options in (("queued", {}), ("history", {}), ("cancel", {"orders": "ord_B"})):
        card = await ann.slash(command, **options)
        assert "I can't read or save anything right now" in shown(card), command
        assert "check `/queued` in a few minutes" in shown(card)
        assert "Something went wrong" not in shown(card)
    assert await here.app.services.health.faults()
    here.below.server.sql(beside, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert "Cancelled: `ord_A`" in (await here.wait(120), messages(ann)[-1])[1]
    assert here.panel.cancel_requests == {"ord_A": 1}
