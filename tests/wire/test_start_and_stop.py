"""The real process as it starts and ends, with Discord and the ledger in every state."""

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import discord
import pytest
from pydantic import SecretStr

from bot.app import build
from bot.demo.panel import Upstream
from bot.ledger import migrate
from bot.ops import shutdown
from bot.settings import Settings
from tests.sealed import PRETENDED
from tests.story import ROOT
from tests.wire.objects import APPLICATION, SERVER
from tests.wire.stage import KEY, Stage, stage
from tests.wire.stand_in import Fault, stand_in

COMMANDS = "/applications/*/commands"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A bot that has not been started."""
    async with stage(tmp_path) as made:
        yield made


@pytest.mark.parametrize(("servers", "words"), [((), "0 servers"), ((SERVER,), "1 server"), ((1, 2, 3), "3 servers")])
async def test_a_start_ends_with_who_is_ready_and_where_to_invite_it(
    here: Stage, servers: tuple[int, ...], words: str
) -> None:
    here.discord.servers = servers
    await here.bot.start()
    await here.logged("to install it for yourself: ")
    assert f"ready as bot in {words}\n" in here.bot.log
    for link in (
        f"client_id={APPLICATION}&integration_type=0&scope=bot+",
        f"client_id={APPLICATION}&integration_type=1&",
    ):
        assert f": https://discord.com/oauth2/authorize?{link}" in here.bot.log
    await here.discord.drop()
    await here.comes_true(lambda: here.discord.resumes == 1)
    assert await here.bot.terminate() == 0
    assert here.bot.log.count("ready as") == 1
    assert here.bot.log.endswith("Stopped.\n")


async def test_an_end_says_what_the_next_start_goes_on_with(here: Stage) -> None:
    await here.bot.start()
    await here.connect()
    for order in ("ord_A", "ord_B"):
        here.panel.add_order(KEY, order, status="in_progress", upstream=Upstream(timedelta(hours=1)))
    await here.cancel("ord_A", "ord_B")
    await here.ledger_says("SELECT state FROM cancellations", [("queued",), ("queued",)])
    assert await here.bot.terminate() == 0
    assert "Stopped. 2 orders are watched again at the next start.\n" in here.bot.log


@pytest.mark.parametrize(
    ("watched", "unsent", "shared", "said"),
    [
        (0, 0, False, ""),
        (1, 0, False, "1 order is watched again at the next start."),
        (0, 1, False, "1 cancel not sent yet goes on at the next start."),
        (3, 1_200, False, "3 orders are watched again, and 1,200 cancels not sent yet go on at the next start."),
        (3, 0, True, "3 orders are watched again in the other processes, or at the next start."),
    ],
)
def test_what_goes_on_is_said_in_a_sentence(watched: int, unsent: int, shared: bool, said: str) -> None:
    assert shutdown.goes_on(watched, unsent, shared=shared) == said


REFUSED = [
    Fault("PUT", COMMANDS, 429, times=99, retry_after=900),
    Fault("PUT", COMMANDS, 403, 50001, times=99),
    Fault("PUT", COMMANDS, 400, 50035, times=99),
    Fault("PUT", COMMANDS, 500, times=99),
    Fault("PUT", COMMANDS, 503, times=99),
    Fault("PUT", COMMANDS, times=99, reset=True),
    Fault("PUT", COMMANDS, times=99, hang=True),
]


@pytest.mark.parametrize("fault", REFUSED, ids=["429", "403", "400", "500", "503", "reset", "hang"])
async def test_commands_that_discord_does_not_take_hold_up_nothing(here: Stage, fault: Fault) -> None:
    here.discord.faults = [fault]
    await here.bot.start()
    await here.connect()
    here.panel.add_order(KEY, "ord_A")
    card = await here.cancel("ord_A")
    await here.discord.until(lambda: "1 cancelled" in card.text)
    assert await here.bot.terminate() == 0
    assert "Traceback" not in here.bot.log


@pytest.mark.parametrize(("status", "retry_after"), [(429, 1.0), (503, 0.0), (403, 0.0)])
async def test_commands_are_registered_once_discord_takes_them(here: Stage, status: int, retry_after: float) -> None:
    here.discord.faults = [Fault("PUT", COMMANDS, status, times=2, retry_after=retry_after)]
    await here.bot.start()
    await here.ledger_says("SELECT COUNT(*) FROM facts WHERE name = 'command tree'", [(1,)])
    assert await here.bot.terminate() == 0
    assert here.bot.log.count("commands registered with Discord") == 1
    assert here.bot.log.count("has not taken the commands") == (status != 429)  # once for two tries
    await here.bot.start()
    await here.bot.terminate()
    assert here.discord.methods["PUT"] == 3  # Discord knows them by now


async def test_cards_and_messages_name_commands_so_that_they_can_be_pressed(here: Stage) -> None:
    for _ in range(2):  # the second start is told no IDs: Discord knows the commands by then
        await here.bot.start()
        await here.ledger_says("SELECT COUNT(*) FROM facts WHERE name = 'command ids'", [(1,)])
        help_shown = await here.discord.slash("help")
        await here.discord.until(lambda shown=help_shown: "queued" in shown.text)
        assert help_shown.message
        assert re.search(r"</queued:\d+>", repr(help_shown.message.body))
        assert await here.bot.terminate() == 0


@pytest.mark.parametrize("path", ["/users/@me", "/oauth2/applications/@me", "/gateway/bot"])
async def test_sigterm_is_heard_while_discord_does_not_answer(here: Stage, path: str) -> None:
    here.discord.faults = [Fault("GET", path, hang=True)]
    await here.bot.launch()
    assert await here.comes_true(lambda: not here.discord.faults)
    assert await here.bot.terminate() == 0
    assert "Traceback" not in here.bot.log


async def test_sigterm_is_heard_while_the_ledger_is_being_opened(here: Stage) -> None:
    ledger = here.bot.folder / "ledger.sqlite3"
    migrate(ledger)
    with closing(sqlite3.connect(ledger, isolation_level=None)) as somebody:
        somebody.execute("PRAGMA journal_mode = DELETE")
        somebody.execute("BEGIN EXCLUSIVE")
        await here.bot.launch()
        assert await here.comes_true(ledger.with_name("ledger.sqlite3.lock").exists)
        assert await here.bot.terminate() == 0


async def test_sigterm_is_heard_while_postgresql_does_not_answer(here: Stage) -> None:
    connected = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        while await reader.read(1024):
            pass
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await here.bot.launch(DATABASE_URL=f"postgresql://bot:nothing@127.0.0.1:{port}/bot?sslmode=disable")
        await connected.wait()
        assert await here.bot.terminate(seconds=5) == 0
    assert "Traceback" not in here.bot.log


async def test_after_a_long_outage_the_gateway_is_tried_within_a_minute_and_sigterm_is_heard(here: Stage) -> None:
    await here.bot.start(WIRE_LONG_AWAY="1")
    here.discord.down = True
    await here.discord.drop()
    await here.logged("Attempting a reconnect for shard ID 0 in 45.00s")
    assert await here.bot.terminate() == 0


@pytest.mark.parametrize("status", [401, 403, 503])
async def test_a_gateway_that_is_not_named_ends_with_the_code_for_trying_again(here: Stage, status: int) -> None:
    here.discord.faults = [Fault("GET", "/gateway/bot", status, times=9)]
    await here.bot.launch()
    assert await here.bot.ended() == 1
    assert f"HTTP {status}" in here.bot.log
    assert "Traceback" not in here.bot.log
    assert "Unclosed" not in here.bot.log


async def test_a_login_that_nobody_answers_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app._LOGIN_SECONDS", 0.1)
    settings = Settings(_env_file=None, data_dir=tmp_path)  # pyright: ignore[reportCallIssue]
    async with stand_in() as away, build(settings) as app:
        monkeypatch.setattr(discord.http.Route, "BASE", f"http://{away.address}/api/v10")
        away.faults = [Fault("GET", "/users/@me", hang=True)]
        with pytest.raises(TimeoutError):
            await app.run(SecretStr(PRETENDED), asyncio.Event())


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run some lines in a process that hears signals as the bot's does from its first line on."""
    begin = "import os, signal\nfrom bot.ops import shutdown\nshutdown.listen()\n"
    return subprocess.run(
        [sys.executable, "-c", begin + code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_imports_are_done_ends_the_bot(tmp_path: Path, number: signal.Signals) -> None:
    ended = python(
        f"os.kill(os.getpid(), {number:d})\nimport runpy\nrunpy.run_module('bot', run_name='__main__')",
        DATA_DIR=str(tmp_path),
        DISCORD_TOKEN=PRETENDED,
    )
    assert (ended.returncode, "logging in" in ended.stderr, "Traceback" in ended.stderr) == (0, False, False)


def test_a_signal_breaks_off_other_commands_as_always(tmp_path: Path) -> None:
    ended = python(
        "os.kill(os.getpid(), signal.SIGTERM)\nfrom bot.cli import main\nmain(['migrate'])",
        DATA_DIR=str(tmp_path),
    )
    assert ended.returncode == 128 + signal.SIGTERM
    assert not (tmp_path / "ledger.sqlite3").exists()


def test_what_hangs_does_not_keep_the_process() -> None:
    hang = "os.kill(os.getpid(), signal.SIGTERM)\nsignal.sigwait({signal.SIGUSR1})"
    ended = python(f"shutdown._PATIENCE = 0.1\nshutdown.on_signal(int)\n{hang}")
    assert ended.returncode == 0
    assert "the next start goes on with it" in ended.stderr


def test_a_signal_after_the_end_of_the_work_changes_nothing() -> None:
    done = "import asyncio\nloop = asyncio.new_event_loop()\nshutdown.on_signal(lambda: loop.call_soon_threadsafe(int))"
    ended = python(f"{done}\nloop.close()\nsignal.raise_signal(signal.SIGTERM)")
    assert (ended.returncode, ended.stderr) == (0, "")
