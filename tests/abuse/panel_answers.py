"""What a panel, or something on the way to it, can do to everybody by how it answers one user."""

import asyncio
import gzip
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl

from pydantic import SecretStr

from bot.demo.panel import SimulatedPanel
from bot.domain.panel_answers import Accepted
from bot.panel import Panel, RateLimited
from bot.panel.client import MAX_BODY
from bot.panel.replies import read_limits
from bot.workers.budget import Budget
from tests.abuse import Outcome, attack
from tests.abuse.process import lag_of, memory_of
from tests.wire.objects import ANN
from tests.wire.stage import KEY, Stage, stage

_FIRST_USER = 10**17
Misbehave = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def panel_with(panel: SimulatedPanel, misbehave: Misbehave) -> AsyncGenerator[str]:
    """Serve a panel that answers calls about orders named `ord_bad…` in another way; give its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            (length,) = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            form = dict(parse_qsl((await reader.readexactly(length)).decode()))
            if "ord_bad" in (form.get("order") or form.get("orders", "")):
                await misbehave(writer)
            else:
                answer = await panel.answer(form)
                body = answer.body.encode()
                writer.write(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n" % (answer.status, len(body)) + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v2"
    finally:
        server.close()


@asynccontextmanager
async def bot_at(misbehave: Misbehave) -> AsyncGenerator[Stage]:
    """Start a bot at such a panel, with a user whose orders the panel answers as it should."""
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here, panel_with(here.panel, misbehave) as url:
            here.bot.panel_url = url
            await here.bot.start(WIRE_LAG=str(Path(folder) / "lag"))
            await here.connect()
            yield here


async def _cancelled_by_another(here: Stage, within: float) -> float | None:
    """Return after how many seconds the order of somebody else is cancelled."""
    here.panel.add_order(KEY, "ord_good")
    began = time.monotonic()
    card = await here.cancel("ord_good")
    done = await here.comes_true(lambda: "1 cancelled" in card.text, within)
    return time.monotonic() - began if done else None


@attack("one byte a second, to 16 accounts", before="nothing is sent for anybody", bound="another's cancel within 15 s")
async def drip() -> Outcome:
    """Answers that never end, each by a connection of its own."""

    async def byte_by_byte(writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)

    async with bot_at(byte_by_byte) as here:
        for number in range(16):
            user, key = _FIRST_USER + 2 * number, f"np-slow-key-{number:04}"
            here.panel.add_key(key)
            connected = await here.discord.submit(await here.discord.slash("key set", by=user), key)
            await here.discord.until(lambda shown=connected: "Connected" in shown.text)
            await here.discord.slash("cancel", orders=f"ord_bad{number}", by=user)
        took = await _cancelled_by_another(here, 60)
        return Outcome("not within a minute" if took is None else f"after {took:.1f} s", took is not None and took < 15)


async def _one_bad_answer(answer: bytes) -> tuple[float, float]:
    """Have one user get an answer; return the loop's longest lag in ms, and by how many MB the memory grew."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with bot_at(say) as here:
        await asyncio.sleep(1)
        before, since = memory_of(here.bot), time.monotonic()
        card = await here.discord.slash("cancel", orders="ord_bad", by=ANN)
        highest = before
        while time.monotonic() < since + 3:
            highest = max(highest, memory_of(here.bot))
            await asyncio.sleep(0.01)
        assert card.text
        return 1000 * lag_of(here.bot, since), highest - before


async def _bounded(answer: bytes) -> Outcome:
    lag, grown = await _one_bad_answer(answer)
    return Outcome(f"{lag:.0f} ms, {grown:.0f} MB more", held=lag <= 50 and grown <= 40)


def _answer(body: bytes, *headers: bytes) -> bytes:
    head = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", b""]
    return b"\r\n".join(head) + body


_BOUND = "loop still for 50 ms, 40 MB more"


@attack("Content-Encoding: gzip, gzip", before="4.2 GB, 20 of 20 /help fail", bound=_BOUND)
async def bomb() -> Outcome:
    """Some kilobytes that unfold into gigabytes."""
    body = gzip.compress(gzip.compress(bytes(300_000_000), 1))
    return await _bounded(_answer(body, b"Content-Encoding: gzip, gzip"))


@attack("4 MiB of JSON", before="1.5 s of the loop", bound=_BOUND)
async def json_of_four_mebibytes() -> Outcome:
    """More than is read at all."""
    return await _bounded(_answer(b"[" + b'{"a":{}},' * 466_000 + b"0]"))


@attack("as much JSON as is read, in small parts", before="part of the same 1.5 s", bound=_BOUND)
async def json_of_many_parts() -> Outcome:
    """As much as is read, of what takes longest to parse."""
    return await _bounded(_answer(b"[" + b"[]," * (MAX_BODY // 3 - 1) + b"0]"))


@attack("nothing but spaces, or bytes that are no text", before="0.3 s of the loop", bound=_BOUND)
async def no_json() -> Outcome:
    """As much as is read, of what once took long before it was parsed."""
    body = b" " * (MAX_BODY // 2) + b'["' + b"\xff" * (MAX_BODY // 2 - 4) + b'"]'
    return await _bounded(_answer(body))


@attack("103 Early Hints without end", before="never ends", bound=_BOUND)
async def hints() -> Outcome:
    """Answers before the answer."""
    return await _bounded(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 500_000)


@attack("a second answer glued to the first", before="answers the next user's call", bound="each call gets its own")
async def glued() -> Outcome:
    """Each answer with one for the next call behind it, at once and a moment later, on connections that stay open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"order=")
                order = await reader.readexactly(6)
                anothers = _answer(b'{"error":"Order not found"}')
                writer.write(_answer(b'{"order":"%s","cancel":1}' % order) + anothers)
                await writer.drain()
                await asyncio.sleep(0.01)
                writer.write(anothers)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        panel = Panel(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v2")
        own = 0
        for number in range(100, 300):
            rows = (await panel.cancel(SecretStr(KEY), [f"ord{number}"])).rows
            own += rows == {f"ord{number}": Accepted()}
        await panel.aclose()
    return Outcome(f"{own} of 200 their own", own == 200)


@attack("HTTP_PROXY and ALL_PROXY in the environment", before="the key in clear", bound="nothing passes the proxy")
async def proxy() -> Outcome:
    """A proxy that whoever set up the machine has named for something else."""
    heard = 0

    def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY")
    async with server:
        with TemporaryDirectory() as folder:
            async with stage(Path(folder)) as here:
                await here.bot.start(**dict.fromkeys(names, address))
                await here.connect()
                took = await _cancelled_by_another(here, 60)
    return Outcome(f"{heard} connections to it", heard == 0 and took is not None)


@attack("X-RateLimit-Limit: 253402300799, and a reset in 9999", before="believed", bound="300 calls a minute, 1 hour")
async def rate_headers() -> Outcome:
    """A time where a limit belongs, and a limit that never ends."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    headers = {"X-RateLimit-Limit": "253402300799", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "253402300799"}
    budget = Budget(lambda: now, 300, 300)
    budget.ended(budget.spend(1), read_limits(headers, now), 0.1)
    calls = 1
    with suppress(RateLimited):
        while calls < 1000:
            budget.spend(1)
            calls += 1
    closed = max((budget.blocked_until(1) or now) - now, timedelta())
    return Outcome(f"{calls} calls, then closed for {closed.seconds} s", calls == 300 and closed <= timedelta(hours=1))
