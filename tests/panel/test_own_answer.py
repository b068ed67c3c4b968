"""Whose answer a call gets over real connections, how much of it is taken, and by which way it goes."""

import asyncio
import gzip

import pytest
from pydantic import SecretStr

from bot.domain.panel_answers import Accepted
from bot.panel import Panel, Unavailable, UnexpectedResponse
from bot.panel.client import MAX_BODY
from tests.panel.fakes import KEY
from tests.panel.lines import listening, url_of


def answer(body: bytes, *headers: str) -> bytes:
    """Return an answer as it travels."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


MINE, ANOTHERS = answer(b'{"cancel":"a"}'), answer(b'{"order":"a","cancel":{"error":"Order not found"}}')


@pytest.mark.parametrize("pause", [False, True])
async def test_a_second_answer_is_not_the_next_calls(pause: bool) -> None:
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        for _ in range(3):
            asking = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
            line = await lines.get()
            await line.request()
            line.say(MINE if pause else MINE + ANOTHERS)
            assert (await asking).rows == {"a": Accepted()}
            line.say(ANOTHERS)
        await panel.aclose()


BODY = b'{"cancel":"a"}'


@pytest.mark.parametrize("name", ["gzip", "gzip, gzip", "x-gzip", "deflate", "br", "zstd", "identity, gzip", "rot13"])
@pytest.mark.parametrize(
    "body", [BODY, gzip.compress(BODY), gzip.compress(gzip.compress(b" " * 10_000_000))], ids=["plain", "gzip", "bomb"]
)
async def test_an_encoded_answer_is_refused_as_it_is(name: str, body: bytes) -> None:
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        asking = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        line = await lines.get()
        assert b"accept-encoding: identity\r\n" in (await line.head()).lower()
        line.say(answer(body, f"Content-Encoding: {name}"))
        with pytest.raises(UnexpectedResponse):
            await asking
        await panel.aclose()


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 200 + b"\r\n \r\n",
    ],
    ids=["103", "100", "chunks"],
)
async def test_a_flood_around_an_answer_is_not_taken_to_its_end(flood: bytes) -> None:
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        asking = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        line = await lines.get()
        await line.request()
        said = 0
        while not asking.done() and said < 8 * MAX_BODY:
            line.say(flood)
            said += len(flood)
            flood = flood.split(b"\r\n\r\n", 1)[1] if b"chunked" in flood else flood
            await line.taken()
        with pytest.raises((Unavailable, UnexpectedResponse)):
            await asking
        await panel.aclose()


async def test_a_proxy_of_the_environment_hears_of_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as (port, lines), listening() as (other, strangers):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{other}")
        panel = Panel(url_of(port))
        asking = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        line = await lines.get()
        await line.request()
        line.say(MINE)
        assert (await asking).rows == {"a": Accepted()}
        assert strangers.empty()
        await panel.aclose()


async def test_a_proxy_of_the_settings_carries_the_calls() -> None:
    async with listening() as (port, lines):
        panel = Panel("https://panel.invalid/api/v2", proxy=SecretStr(f"http://me:secret@127.0.0.1:{port}"))
        asking = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        line = await lines.get()
        assert (await line.head()).startswith(b"CONNECT panel.invalid:443 ")
        line.say(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        with pytest.raises(Unavailable) as caught:
            await asking
        assert not caught.value.may_have_acted
        assert "secret" not in str(caught.value)
        await panel.aclose()


async def test_a_long_answer_is_read_like_a_short_one() -> None:
    body = b'{"cancel":"a","more":"' + b"x" * 100_000 + b'"}'
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        asking = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        line = await lines.get()
        await line.request()
        line.say(answer(body))
        assert (await asking).rows == {"a": Accepted()}
        await panel.aclose()
