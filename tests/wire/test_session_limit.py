"""Discord's limit of sessions, which outlives any process: whoever begins more loses the bot's token."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.demo.panel import Upstream
from bot.ops.session_starts import RESERVE
from tests.wire.stage import KEY, Stage, stage
from tests.wire.test_http import ask, becomes

WAITS = "no session is begun until then"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A bot that has not been started."""
    async with stage(tmp_path) as made:
        yield made


async def test_a_bot_that_dies_again_and_again_leaves_the_reserve(here: Stage) -> None:
    here.discord.sessions_left = RESERVE + 2
    for _ in range(2):
        await here.bot.start()
        await here.bot.kill()
    for again in range(1, 3):
        await here.bot.launch()
        assert await here.comes_true(lambda times=again: here.bot.log.count(WAITS) == times)
        await here.bot.kill()
    assert (here.discord.sessions, here.discord.sessions_left) == (2, RESERVE)


async def test_work_goes_on_while_it_waits_and_sigterm_ends_the_wait(here: Stage, port: int) -> None:
    await here.bot.start()
    await here.connect()
    here.panel.add_order(KEY, "ord_A", status="in_progress", upstream=Upstream(timedelta(seconds=3)))
    card = await here.cancel("ord_A")
    await here.discord.until(lambda: "1 waiting" in card.text)
    await here.bot.kill()
    here.discord.sessions_left = RESERVE
    await here.bot.launch(HTTP_PORT=str(port))
    await here.discord.until(here.messages_of_notices)
    await here.logged(f"Discord allows this bot only {RESERVE} more sessions before ")
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as web:
        assert await ask(web, "/healthz") == 200
        async with web.get("/readyz") as answer:
            assert answer.status == 503
            assert WAITS in await answer.text()
    assert here.bot.log.count(WAITS) == 1
    assert await here.bot.terminate() == 0
    assert "Traceback" not in here.bot.log
    assert here.discord.sessions == 1


async def test_a_session_is_begun_once_the_count_begins_anew(here: Stage, port: int) -> None:
    here.discord.sessions_left, here.discord.sessions_reset_after = 0, 1
    await here.bot.launch(HTTP_PORT=str(port))
    await here.logged(WAITS)
    here.discord.sessions_left, here.discord.sessions_reset_after = 1000, 50_000_000
    await here.discord.until(lambda: here.discord.sessions)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as web:
        await becomes(web, "/readyz", 200)


async def test_a_gateway_that_breaks_off_each_session_stops_at_the_reserve(here: Stage) -> None:
    here.discord.sessions_left = RESERVE + 1
    await here.bot.start()
    await here.logged("ready as ")
    await here.discord.shards[0].socket.send_json({"op": 9, "d": False})  # the session is invalid: begin another
    await here.logged(WAITS)
    assert here.discord.sessions == 1
    assert await here.bot.terminate() == 0
    assert "Unclosed" not in here.bot.log


async def test_a_start_asks_once_with_and_without_a_number_of_shards(here: Stage) -> None:
    await here.bot.start()
    await here.bot.terminate()
    assert here.discord.gateway_asked == 1
    await here.bot.start(SHARD_COUNT="1")
    await here.bot.terminate()
    assert here.discord.gateway_asked == 2
