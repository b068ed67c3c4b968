"""Health and readiness over HTTP, and what is served there."""

import asyncio
import socket
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ops.http import serving
from bot.panel import Answer
from bot.settings import BadSettings
from tests.ops.page import metrics
from tests.world import KEY, World

pytestmark = pytest.mark.usefixtures("env")


async def test_it_is_healthy_and_ready(web: TestClient[Any, Any]) -> None:
    for path in ("/healthz", "/readyz"):
        response = await web.get(path)
        assert (response.status, await response.text()) == (200, "ok\n")


async def test_an_outage_of_discord_or_the_panel_is_no_fault_of_the_process(
    here: World, ann: Any, web: TestClient[Any, Any]
) -> None:
    here.app.client.dispatch("shard_disconnect", 0)
    here.app.client.dispatch("shard_resumed", 1)  # another one is nothing to those whom this one serves
    here.wire.down = True
    await here.env.settle()
    assert (await web.get("/readyz")).status == 503
    assert (await web.get("/healthz")).status == 200
    assert (await metrics(web))["notpanel_gateway_connected"] == 0
    here.app.client.dispatch("shard_resumed", 0)
    await here.env.settle()
    assert (await web.get("/readyz")).status == 200


async def test_a_ledger_that_cannot_be_read_is(here: World, web: TestClient[Any, Any]) -> None:
    await here.app.ledger._engine.close()
    response = await web.get("/healthz")
    assert response.status == 503
    assert "ledger unreadable" in await response.text()
    exported = await metrics(web)  # the rest is worth the more then
    assert exported["notpanel_ledger_readable"] == 0
    assert "notpanel_outbox_messages" not in exported
    assert "notpanel_panel_call_seconds_count" in exported


async def test_a_loop_that_hangs_is(here: World, web: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.monotonic() + 301
    here.app.services.card_updater.bell.reset()
    monkeypatch.setattr("bot.ops.health.monotonic", lambda: later)
    app = here.app
    bells = (
        app.services.notification_sender.bell,
        app.services.living_messages.bell,
        app.services.check_results.bell,
        app.scheduler.bell,
        app.services.webhooks.bell,
        app.services.erasing.bell,
        app.housekeeping.bell,
        app.ledger_probe.bell,
    )
    for loop in bells:
        loop.turned_at = later
    response = await web.get("/healthz")
    assert (response.status, await response.text()) == (503, "cards stalled\n")


async def test_a_loop_that_waits_turns_often_enough(here: World) -> None:
    """What is not due for days must not look like a loop that hangs."""
    now = here.clock()
    assert (await here.app.scheduler.start_due() - now).total_seconds() <= 60
    assert (await here.app.services.card_updater.deliver_due() - now).total_seconds() <= 60
    assert (await here.app.services.notification_sender.deliver_due() - now).total_seconds() <= 60
    assert (await here.app.services.webhooks.step() - now).total_seconds() <= 60


async def test_a_loop_that_breaks_off_each_time_is_silent(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for work is no work."""

    async def broken() -> None:
        raise ZeroDivisionError

    before = here.app.scheduler.bell.turned_at
    monkeypatch.setattr(here.app.scheduler, "start_due", broken)
    with pytest.raises(ZeroDivisionError):
        await here.app.scheduler.run(asyncio.Event())
    assert here.app.scheduler.bell.turned_at == before


async def test_work_that_comes_to_nothing_for_minutes_is_unhealthy(
    here: World, ann: Any, web: TestClient[Any, Any]
) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.slash("cancel", orders="ord_A")
    here.wire.down = True
    await here.wait(290)
    assert (await web.get("/healthz")).status == 200
    await here.wait(200)
    response = await web.get("/healthz")
    assert response.status == 503
    assert "nothing has been sent or checked for" in await response.text()
    assert (await metrics(web))["notpanel_failing_seconds"] > 300
    here.wire.down = False
    await here.wait(400)
    assert (await web.get("/healthz")).status == 200
    assert (await metrics(web))["notpanel_failing_seconds"] == 0


async def test_one_users_failures_are_no_fault_while_anothers_orders_go_on(
    here: World, ann: Any, web: TestClient[Any, Any]
) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS, upstream=Upstream(timedelta(hours=1)))
    await ann.slash("cancel", orders="ord_A")
    progress = here.app.scheduler._runner.progress
    for _ in range(20):
        progress.failed()
        here.skip(60)
        await here.settle()
    assert (await web.get("/healthz")).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, '{"error": "Invalid API key"}'),
        Answer(429, '{"error": "Rate limit exceeded"}'),
    ],
)
async def test_limits_and_keys_are_no_fault(here: World, ann: Any, web: TestClient[Any, Any], answer: Answer) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.slash("cancel", orders="ord_A")
    here.wire.faults = [answer] * 1_000
    await here.wait(1_200)
    assert (await web.get("/healthz")).status == 200


async def test_failures_of_long_ago_are_no_fault(here: World, web: TestClient[Any, Any]) -> None:
    """Nothing is due any more, so nothing can come to anything."""
    progress = here.app.scheduler._runner.progress
    for _ in range(6):
        progress.failed()
        here.skip(60)
    assert (await web.get("/healthz")).status == 503
    here.skip(600)
    assert (await web.get("/healthz")).status == 200


async def test_work_on_an_account_that_never_ends_is_unhealthy(
    here: World, ann: Any, web: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.slash("cancel", orders="ord_A")
    answered = here.wire.hanging[KEY] = asyncio.Event()
    here.skip(1)
    await here.app.scheduler.start_due()
    here.skip(6)
    assert (await metrics(web))["notpanel_panel_slow_calls"] == 1
    here.skip(3600)  # a clock that jumps
    assert (await web.get("/healthz")).status == 200
    later = time.monotonic() + 301
    monkeypatch.setattr("bot.workers.scheduler.monotonic", lambda: later)
    assert "has not ended for 5 minutes" in await (await web.get("/healthz")).text()
    answered.set()
    await here.app.scheduler.finish()
    assert (await web.get("/healthz")).status == 200


async def test_the_ledger_is_read_at_most_once_in_five_seconds(
    here: World, web: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    standing = here.app.ledger.read.standing

    async def counted() -> Any:
        nonlocal reads
        reads += 1
        return await standing()

    monkeypatch.setattr(here.app.ledger.read, "standing", counted)
    await asyncio.gather(*(web.get("/metrics") for _ in range(20)))
    assert reads == 1
    here.skip(4)
    await metrics(web)
    assert reads == 1
    here.skip(1)
    await metrics(web)
    assert reads == 2


async def test_a_ledger_that_hangs_keeps_nobody_waiting_for_the_others(
    here: World, web: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def never() -> Any:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    monkeypatch.setattr("bot.ops.health._LEDGER_PATIENCE", 0.2)
    monkeypatch.setattr(here.app.ledger.read, "standing", never)
    exported = await asyncio.gather(*(metrics(web) for _ in range(10)))
    assert [page["notpanel_ledger_readable"] for page in exported] == [0] * 10
    assert asked < 10  # one after the other they would wait ten times as long


async def test_a_read_that_cannot_be_broken_off_keeps_nobody_waiting(
    here: World, web: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of a PostgreSQL server that hangs: asyncpg waits until that has heard of it."""
    back, asked = asyncio.Event(), 0

    async def stubborn(_name: str) -> None:
        nonlocal asked
        asked += 1
        while not back.is_set():
            with suppress(asyncio.CancelledError):
                await back.wait()

    monkeypatch.setattr("bot.ops.health._LEDGER_PATIENCE", 0.1)
    monkeypatch.setattr(here.app.ledger.read, "fact", stubborn)
    try:
        async with asyncio.timeout(5):
            for _ in range(3):
                assert await (await web.get("/healthz")).text() == "ledger unreadable (TimeoutError)\n"
    finally:
        back.set()
    assert asked == 1
    assert (await web.get("/healthz")).status == 200


async def test_nothing_else_is_served(web: TestClient[Any, Any]) -> None:
    assert (await web.get("/")).status == 404
    assert (await web.post("/metrics")).status == 405


async def test_a_fault_of_the_bots_own_is_logged_and_not_shown(
    here: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> list[str]:
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(here.app.services.health, "faults", broken)
    async with (
        serving("127.0.0.1", 0, here.app.services.health, here.app.services.webhooks) as port,
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{port}/healthz") as response,
    ):
        assert response.status == 500
        assert "secret words" not in await response.text()
    assert "ZeroDivisionError" in caplog.text


async def test_a_port_that_is_taken_is_a_bad_setting(here: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadSettings, match=f"HTTP_PORT: 127.0.0.1 port {port}"):
            async with serving("127.0.0.1", port, here.app.services.health, here.app.services.webhooks):
                raise AssertionError("served on a port of somebody else's")


@pytest.mark.parametrize("host", ["no..host", "not a host"])
async def test_a_host_that_cannot_be_is_a_bad_setting(here: World, host: str) -> None:
    with pytest.raises(BadSettings, match=f"HTTP_HOST, HTTP_PORT: {host}"):
        async with serving(host, 0, here.app.services.health, here.app.services.webhooks):
            raise AssertionError("served nowhere")
