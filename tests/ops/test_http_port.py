"""The HTTP port's bounds: connections that are too many or too slow end, and nobody else is kept out by them."""

import asyncio
import logging
from contextlib import suppress
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bot.ops.http import serving
from bot.ops.http.connections import MOST, MOST_OF_SOURCE, Connections
from tests.world import World

pytestmark = pytest.mark.usefixtures("env")


class Line(asyncio.Transport):
    """A connection from an address, as far as it is counted."""

    def __init__(self, source: str) -> None:
        super().__init__({"peername": (source, 40_000)})
        self.ended = False

    def abort(self) -> None:
        self.ended = True


async def admitted(connections: Connections, *sources: str) -> list[Line]:
    """Take on connections from addresses."""
    lines = [Line(source) for source in sources]
    assert all([connections.admit(line) for line in lines])
    return lines


async def test_of_too_many_the_one_that_was_silent_longest_goes() -> None:
    connections = Connections()
    lines = await admitted(connections, *["127.0.0.1"] * (MOST + 1))
    assert [line.ended for line in lines] == [True, *[False] * MOST]
    assert len(connections) == MOST


@pytest.mark.parametrize("one", ["192.0.2.1", "2001:db8::1", "fe80::1%eth0"])
async def test_one_address_has_a_share_and_takes_nothing_from_others(one: str) -> None:
    connections = Connections()
    (other,) = await admitted(connections, "192.0.2.2")
    lines = await admitted(connections, *[one] * (MOST_OF_SOURCE + 1))
    assert [line.ended for line in lines] == [True, *[False] * MOST_OF_SOURCE]
    assert not other.ended


async def test_who_has_asked_is_answered_before_others_are_let_in() -> None:
    connections = Connections()
    lines = await admitted(connections, *["192.0.2.1"] * MOST_OF_SOURCE)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        asked.set()
        await answer.wait()
        return web.Response()

    def request(line: Line) -> web.Request:
        return make_mocked_request("GET", "/healthz", transport=cast("Any", line))

    tasks = [asyncio.create_task(cast("Any", connections.watch)(request(line), handler)) for line in lines]
    await asked.wait()
    assert not connections.admit(Line("192.0.2.1"))  # all of its share are at work
    assert connections.admit(Line("192.0.2.2"))
    answer.set()
    await asyncio.gather(*tasks)
    assert connections.admit(Line("192.0.2.1"))
    assert sum(line.ended for line in lines) == 1


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nX-Slow: x", b"\r\n"])
async def test_a_connection_that_asks_nothing_is_ended_without_a_line(
    here: World, said: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.ops.http.connections.ASKS_WITHIN", 0.05)
    async with serving("127.0.0.1", 0, here.app.services.health, here.app.services.webhooks) as port:
        caplog.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


async def test_a_body_that_never_ends_is_let_go_after_the_answer(here: World) -> None:
    async with serving("127.0.0.1", 0, here.app.services.health, here.app.services.webhooks) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")  # to its end: nothing keeps the connection
        writer.close()


async def test_many_silent_connections_keep_no_operator_out(here: World) -> None:
    async with serving("127.0.0.1", 0, here.app.services.health, here.app.services.webhooks) as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST + 20)]
        async with aiohttp.ClientSession() as client:
            for path in ("healthz", "metrics"):
                async with client.get(f"http://127.0.0.1:{port}/{path}") as answer:
                    assert answer.status == 200
        for _, writer in silent:
            writer.transport.abort()
