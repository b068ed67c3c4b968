"""Starts and ends of the real process while something that it depends on is away."""

import time
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.panel import Upstream
from tests.ledgers import no_server
from tests.postgres import Postgres, programs, running
from tests.wire.away import KINDS, Scene, scene
from tests.wire.stage import KEY

ENDS_WITHIN = 10  # seconds, after which Docker and others kill


@pytest.fixture(scope="module")
def server() -> Generator[Postgres]:
    """A PostgreSQL of this module's own: it is stopped and halted."""
    if (binaries := programs()) is None:
        no_server()
        return
    with running(binaries) as made:
        made.sql(made.url("postgres"), "ALTER ROLE bot SET synchronous_commit = on")
        yield made


@pytest.fixture
def away(request: pytest.FixtureRequest) -> str:
    """What is away, by its name among KINDS."""
    return request.param


@pytest.fixture
async def here(tmp_path: Path, away: str, request: pytest.FixtureRequest) -> AsyncGenerator[Scene]:
    """A bot that is not started, on the engine that goes away."""
    server = request.getfixturevalue("server") if KINDS[away].postgres else None
    async with scene(tmp_path, server, 1) as made:
        yield made


@pytest.mark.parametrize("away", KINDS, indirect=True)
async def test_sigterm_ends_it_with_0_while_something_is_away(here: Scene, away: str) -> None:
    await here.stage.bot.start()
    async with KINDS[away].away(here):
        began = time.monotonic()
        assert await here.stage.bot.terminate(30) == 0
        assert time.monotonic() - began < ENDS_WITHIN


@pytest.mark.parametrize("away", [name for name in KINDS if name != "discord"], indirect=True)
async def test_sigterm_ends_it_with_0_while_a_call_or_its_record_hangs(here: Scene, away: str) -> None:
    panel = here.stage.panel
    await here.stage.bot.start()
    await here.stage.connect()
    panel.add_order(KEY, "ord_A", status="in_progress", upstream=Upstream(timedelta(seconds=1)))
    panel.latency = 1
    await here.stage.cancel("ord_A")
    await here.stage.ledger_says("SELECT state FROM cancellations", [("sending",)])
    async with KINDS[away].away(here):
        if KINDS[away].ledger:
            assert await here.stage.comes_true(lambda: panel.cancel_requests["ord_A"])
        began = time.monotonic()
        assert await here.stage.bot.terminate(30) == 0
        assert time.monotonic() - began < ENDS_WITHIN
    if not KINDS[away].postgres:  # there a process that could not say good-bye is missed after a minute: `make swarm`
        panel.latency = 0.1
        await here.stage.bot.start()
        await here.stage.all_notified()
        assert panel.cancel_requests["ord_A"] == 1


NOT_THERE = {"network": "Discord cannot be reached", "postgresql": "The ledger's database cannot be used"}


@pytest.mark.parametrize("away", NOT_THERE, indirect=True)
async def test_a_start_before_what_it_needs_ends_with_1_and_the_next_one_works(here: Scene, away: str) -> None:
    await here.stage.bot.start()  # a ledger is there: a reboot is what brings this about
    await here.stage.bot.terminate()
    log = len(here.stage.bot.log)
    async with KINDS[away].away(here):
        await here.stage.bot.launch()
        assert await here.stage.bot.ended() == 1
        await here.stage.bot.logged_all()
        said = here.stage.bot.log[log:]
        assert f"error: {NOT_THERE[away]}" in said.splitlines()[-1]
        assert "Traceback" not in said
        assert "Unclosed" not in said
    await here.stage.bot.start()
    assert await here.stage.bot.terminate() == 0


@pytest.mark.parametrize("away", ["postgresql-halted", "postgresql-locked", "disk-locked"], indirect=True)
async def test_sigterm_is_heard_by_a_start_that_hangs(here: Scene, away: str) -> None:
    await here.stage.bot.start()
    await here.stage.bot.terminate()
    async with KINDS[away].away(here):
        await here.stage.bot.launch()
        await here.stage.comes_true(lambda: not here.stage.bot.alive, 3)
        began = time.monotonic()
        assert await here.stage.bot.terminate(30) == 0
        assert time.monotonic() - began < ENDS_WITHIN
    await here.stage.bot.logged_all()
    assert "Traceback" not in here.stage.bot.log
