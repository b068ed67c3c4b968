"""Health, metrics and webhooks of the real process, with Discord there and away."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.wire.stage import KEY, Stage, stage
from tests.wire.stand_in import Fault


@pytest.fixture
async def here(tmp_path: Path, port: int) -> AsyncGenerator[Stage]:
    """A bot that answers over HTTP, and a user who has connected their key."""
    async with stage(tmp_path) as made:
        await made.bot.start(HTTP_PORT=str(port), PUBLIC_URL="https://bot.example", LOG_FORMAT="json")
        await made.connect()
        yield made


@pytest.fixture
async def web(here: Stage, port: int) -> AsyncGenerator[aiohttp.ClientSession]:
    """What asks it."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        yield client


async def ask(web: aiohttp.ClientSession, path: str) -> int:
    """Return the status of an answer."""
    async with web.get(path) as answer:
        return answer.status


async def becomes(web: aiohttp.ClientSession, path: str, status: int) -> None:
    """Wait until a path is answered so: another process decides that."""
    for _ in range(400):
        if await ask(web, path) == status:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(path)


async def samples(web: aiohttp.ClientSession) -> dict[str, float]:
    """Return what is exported, by name and labels."""
    async with web.get("/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    found = [sample for family in families for sample in family.samples]
    return {"".join([sample.name, *sample.labels.values()]): sample.value for sample in found}


async def test_an_outage_of_discord_fails_readiness_and_not_health(here: Stage, web: aiohttp.ClientSession) -> None:
    assert await ask(web, "/healthz") == 200
    assert await ask(web, "/readyz") == 200
    here.discord.down = True
    await here.discord.drop()
    await becomes(web, "/readyz", 503)
    assert await ask(web, "/healthz") == 200
    here.discord.down = False
    await becomes(web, "/readyz", 200)


async def test_requests_to_discord_are_counted_by_what_it_says(here: Stage, web: aiohttp.ClientSession) -> None:
    before = after = await samples(web)
    here.discord.faults = [Fault("PATCH", "/webhooks/*", 403, 50001)]
    here.panel.add_order(KEY, "ord_A")
    await here.discord.slash("balance")
    for _ in range(400):
        after = await samples(web)
        if after["notpanel_discord_invalid_requests"]:
            break
        await asyncio.sleep(0.05)
    assert after["notpanel_discord_requests_totalinvalid"] == 1
    assert after["notpanel_discord_requests_totalok"] > before["notpanel_discord_requests_totalok"]
    assert after["notpanel_acknowledgement_seconds_count"] == before["notpanel_acknowledgement_seconds_count"] + 1
    assert after["process_resident_memory_bytes"] > 0


async def test_every_line_of_the_log_is_an_object_and_no_address_is_in_it(
    here: Stage, web: aiohttp.ClientSession
) -> None:
    for method in ("GET", "POST", "PUT"):
        async with web.request(method, "/hooks/a-secret-address", data=b"ord_A"):
            pass
    assert await here.bot.terminate() == 0
    lines = [json.loads(line) for line in here.bot.log.splitlines()]
    assert any(line["message"].startswith("answering on 127.0.0.1") for line in lines)
    assert "a-secret-address" not in here.bot.log


async def test_a_port_that_is_taken_may_become_free(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            await made.bot.launch(HTTP_PORT=str(taken.getsockname()[1]))
            assert await made.bot.ended() == 1
        assert "HTTP_PORT" in made.bot.log
