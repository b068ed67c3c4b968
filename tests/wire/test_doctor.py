"""`python -m bot doctor` as an operator runs it, between the stand-in for Discord and a simulated panel."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import discord
import pytest
from pydantic import SecretStr

from bot.domain.clock import utc_now
from bot.ledger.schema import migrations
from bot.ops.doctor import application
from bot.ops.doctor.application import check_token, probe_discord
from tests.ledgers import InPostgres
from tests.postgres import Postgres
from tests.sealed import PRETENDED
from tests.story import ROOT
from tests.wire.process import BotProcess
from tests.wire.stage import Stage, stage
from tests.wire.stand_in import Fault

NEWEST = migrations("sqlite")[-1][0]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A stage on which the bot does not run."""
    async with stage(tmp_path) as made:
        yield made


async def doctor(bot: BotProcess, **more: str) -> tuple[int, list[str]]:
    """Run the command; return its exit code and its lines."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "doctor"),
        cwd=ROOT,
        env={**bot.environment(), **more},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    text = output.decode()
    assert PRETENDED not in text
    return process.returncode, text.splitlines()


def line(lines: list[str], subject: str) -> str:
    """Return what was found about one subject."""
    (found,) = [one for one in lines if one.split()[1:2] == [subject]]
    return found


async def test_all_is_well_before_the_first_start_and_beside_a_running_bot(here: Stage) -> None:
    code, lines = await doctor(here.bot)
    assert (code, lines[-1]) == (0, "13 checks: all well.")
    assert all(one.startswith("ok ") for one in lines[:-1])
    assert "none yet" in line(lines, "ledger")
    assert sorted(path.name for path in here.bot.folder.iterdir()) == []
    await here.bot.start()
    await here.connect()
    sessions = here.discord.sessions
    code, lines = await doctor(here.bot)
    assert code == 0
    assert f"schema {NEWEST}" in line(lines, "ledger")
    assert "opens all 1 stored API keys" in line(lines, "keys")
    assert here.discord.sessions == sessions  # no gateway: a running bot keeps its own
    assert await here.bot.terminate() == 0
    assert [call.action for call in here.panel.calls if call.orders] == []


async def test_without_a_token_all_else_is_still_looked_at(here: Stage) -> None:
    code, lines = await doctor(here.bot, DISCORD_TOKEN="")
    assert code == 1
    assert line(lines, "token").startswith("failed")
    assert line(lines, "panel").startswith("ok")


async def test_a_token_that_discord_refuses_fails(here: Stage) -> None:
    here.discord.faults = [Fault("GET", "/users/@me", 401)]
    code, lines = await doctor(here.bot)
    assert code == 1
    assert "Discord does not accept it" in line(lines, "token")


async def test_worlds_that_do_not_answer_fail(here: Stage) -> None:
    here.discord.faults = [Fault("GET", "/users/@me", 403)]
    code, lines = await doctor(here.bot, PANEL_URL="http://127.0.0.1:9/api/v2")
    assert code == 1
    assert "HTTP 403" in line(lines, "token")
    assert "cannot be reached" in line(lines, "panel")


async def test_a_discord_that_goes_on_failing_is_not_said_to_be_silent(
    here: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """discord.py tries again on a 502, for longer than the doctor waits."""
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://{here.discord.address}/api/v10")
    monkeypatch.setattr(application, "_PATIENCE", 0.5)
    here.discord.faults = [Fault("GET", "/users/@me", 502)] * 9
    assert "Discord answered with HTTP 502" in str(check_token(await probe_discord(SecretStr(PRETENDED), utc_now)))


async def test_something_else_at_the_panels_address_is_told(here: Stage) -> None:
    code, lines = await doctor(here.bot, PANEL_URL=f"http://{here.discord.address}/gateway")
    assert code == 1
    assert "isn't NotPanel's API" in line(lines, "panel")


async def test_a_ledger_in_postgresql_is_looked_into(here: Stage, postgres: Postgres) -> None:
    base = InPostgres(postgres)
    try:
        code, lines = await doctor(here.bot, DATABASE_URL=base.url.replace("//bot@", f"//bot:{PRETENDED}@"))
    finally:
        base.drop()
    assert (code, lines[-1]) == (0, "13 checks: 0 failed, 1 need attention.")  # the tests' role is a superuser
    assert f"schema {NEWEST}" in line(lines, "ledger")
    assert "none yet" in line(lines, "keys")


async def test_a_postgresql_that_is_away_fails(here: Stage) -> None:
    code, lines = await doctor(here.bot, DATABASE_URL=f"postgresql://bot:{PRETENDED}@127.0.0.1:9/ledger")
    assert code == 1
    assert "PostgreSQL database ledger on 127.0.0.1:9" in line(lines, "ledger")
    assert line(lines, "keys").startswith("attention")


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes are meant")
async def test_a_key_file_that_others_can_read_wants_attention_alone(here: Stage) -> None:
    await here.bot.start()
    await here.bot.terminate()
    (here.bot.folder / "encryption.keys").chmod(0o644)
    code, lines = await doctor(here.bot)
    assert code == 0
    assert line(lines, "files").startswith("attention")
    assert "1 need attention" in lines[-1]


@pytest.mark.parametrize(
    ("bit", "intent"),
    [
        (12, "Presence Intent"),
        (13, "Presence Intent"),
        (14, "Server Members Intent"),
        (15, "Server Members Intent"),
        (18, "Message Content Intent"),
        (19, "Message Content Intent"),
    ],
)
async def test_an_intent_that_is_switched_on_is_named(here: Stage, bit: int, intent: str) -> None:
    here.discord.application |= {"flags": 1 << bit}
    code, lines = await doctor(here.bot)
    assert code == 0
    assert f"not needed: {intent}. Turn" in line(lines, "intents")


async def test_commands_that_go_elsewhere_fail(here: Stage) -> None:
    here.discord.application |= {"interactions_endpoint_url": "https://elsewhere.invalid"}
    code, lines = await doctor(here.bot)
    assert code == 1
    assert "no command reaches this bot" in line(lines, "application")


async def test_an_install_that_is_not_ticked_is_named(here: Stage) -> None:
    here.discord.application |= {"integration_types_config": {"0": {}}}
    _, lines = await doctor(here.bot)
    assert "not ticked: User Install" in line(lines, "application")
