"""What anybody who reaches HTTP_PORT can do without asking for anything."""

import asyncio
import resource
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bot.ops.http.connections import ASKS_WITHIN, MOST
from tests.abuse import Outcome, attack
from tests.wire.stage import Stage, stage

_SILENT = 1_100
_PATIENCE = 3.0  # seconds beyond a time-out


@asynccontextmanager
async def _listening() -> AsyncGenerator[tuple[Stage, int]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4_096, hard)), hard))  # of those who attack
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here:
            # As many files as the bot is commonly given, however many this machine gives.
            await here.bot.start(HTTP_PORT=str(port), PUBLIC_URL="https://bot.example")
            assert here.bot.process
            resource.prlimit(here.bot.process.pid, resource.RLIMIT_NOFILE, (1_024, hard))
            yield here, port


async def _ended(reader: asyncio.StreamReader) -> bool:
    try:
        while await reader.read(65_536):
            pass
    except ConnectionError:
        pass
    return True


async def _all_end(readers: list[asyncio.StreamReader], seconds: float) -> int:
    """Return how many of these connections are ended by the other side within a time."""
    tasks = [asyncio.create_task(_ended(reader)) for reader in readers]
    done, pending = await asyncio.wait(tasks, timeout=seconds)
    for task in pending:
        task.cancel()
    return len(done)


async def _asked(port: int, times: int = 20) -> int:
    """Return how many of some questions of an operator are answered within two seconds each."""
    answered = 0
    for number in range(times):
        path = ("healthz", "metrics")[number % 2]
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as client,
                client.get(f"http://127.0.0.1:{port}/{path}") as answer,
            ):
                answered += answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            pass
    return answered


async def _holding(connections: int, say: bytes, drip: bytes = b"") -> Outcome:
    """Open connections that say no whole request, and see what an operator gets meanwhile."""
    async with _listening() as (here, port):
        before = len(here.bot.log)
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
        began = time.monotonic()

        async def keep_on() -> None:
            while True:
                for _, writer in opened:
                    if not writer.is_closing():
                        writer.write(drip)
                await asyncio.sleep(1)

        for _, writer in opened:
            writer.write(say)
        dripping = asyncio.create_task(keep_on())
        try:
            answered = await _asked(port)
            ended = await _all_end([reader for reader, _ in opened], ASKS_WITHIN + _PATIENCE)
        finally:
            dripping.cancel()
            for _, writer in opened:
                writer.transport.abort()
        took, logged = time.monotonic() - began, len(here.bot.log) - before
        return Outcome(
            f"{ended:,} of {connections:,} ended within {took:.0f} s, {answered} of 20 answered, {logged:,} B logged",
            held=ended == connections and answered == 20 and logged < 2_000,
        )


_BOUND = f"all ended {ASKS_WITHIN} s later, the operator is answered, no line of log"


@attack(f"{_SILENT:,} silent connections", before="never timed out; 239 MB of log a minute", bound=_BOUND)
async def silent() -> Outcome:
    """More than the process may have files."""
    return await _holding(_SILENT, b"")


@attack("headers that come a byte a second", before="never timed out", bound=_BOUND)
async def slow_headers() -> Outcome:
    """A request that never becomes whole."""
    return await _holding(MOST, b"GET /healthz HTTP/1.1\r\nX-Slow: ", b"x")


@attack("bodies of chunks without end", before="read for ten seconds after the answer", bound=_BOUND)
async def endless_body() -> Outcome:
    """A body for what reads none, and one for what does."""
    head = b"%s HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n"
    return await _holding(100, head % b"GET /healthz", b"5\r\nhello\r\n")


@attack("webhooks whose bodies never end", before="read for ten seconds, then ten more", bound=_BOUND)
async def endless_webhook() -> Outcome:
    """The same where a body is read."""
    head = b"POST /hooks/some-address HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n"
    return await _holding(100, head, b"5\r\nhello\r\n")


@attack("2,000 questions at once, no answer read", before="held until the other side goes", bound="20 of 20")
async def pipelined() -> Outcome:
    """Answers that pile up before somebody who reads none."""
    async with _listening() as (_, port):
        quiet = socket.create_connection(("127.0.0.1", port))
        quiet.setblocking(False)
        flood, sent = b"GET /metrics HTTP/1.1\r\nHost: bot\r\n\r\n" * 2_000, 0
        for _ in range(100):
            try:
                sent += quiet.send(flood[sent:])
            except BlockingIOError:
                break
            if sent == len(flood):
                break
        answered = await _asked(port)
        quiet.close()
        return Outcome(f"{answered} of 20 answered beside it", held=answered == 20)
