"""Whether the operator is told the truth, and how much of it fills the disk."""

import asyncio
import io
import logging
import socket
import time

import aiohttp

from bot.logs import BoundedHandler, TextFormatter
from tests.abuse import Outcome, attack
from tests.abuse.panel_answers import bot_at
from tests.wire.stage import KEY

_PATIENCE = 420.0  # seconds; health gives in after 300
_HOUR = 3_600


async def _health(port: int) -> tuple[int, str]:
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/healthz") as answer:
        return answer.status, await answer.text()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@attack("/healthz at a byte a second for all", before="200 for ever", bound="503 within 7 min, and why", slow=True)
async def drip() -> Outcome:
    """Calls that each run into their deadline."""

    async def byte_by_byte(writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
        await asyncio.sleep(60)

    async with bot_at(byte_by_byte) as here:
        port = _free_port()
        await here.bot.terminate()
        await here.bot.start(HTTP_PORT=str(port))
        here.panel.add_order(KEY, "ord_bad")
        await here.discord.slash("cancel", orders="ord_bad")
        began, status, words = time.monotonic(), 200, ""
        while status == 200 and time.monotonic() < began + _PATIENCE:
            await asyncio.sleep(2)
            status, words = await _health(port)
        took = time.monotonic() - began
        return Outcome(
            f"{status} after {took:.0f} s: {words.strip()}", held=status == 503 and "sent or checked" in words
        )


@attack("an hour of all failing for 1,000: the log", before="35 to 86 MB in 8 h, PostgreSQL away", bound="64 KB")
async def hour() -> Outcome:
    """Chained tracebacks, libraries' templates and lines of accounts, five of each a second."""
    now, stream = 0.0, io.StringIO()
    handler = BoundedHandler(stream, lambda: now)
    handler.setFormatter(TextFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    unbounded = 0
    try:
        try:
            raise OSError("refused")
        except OSError as error:
            raise RuntimeError("no connection") from error
    except RuntimeError as error:
        fault = (type(error), error, error.__traceback__)
    for second in range(_HOUR):
        now = float(second)
        for account in range(second % 200, 1_000, 200):
            for name, level, words, info in (
                (
                    "bot.workers.account_runner",
                    logging.WARNING,
                    "account %d: down; trying again with growing pauses",
                    None,
                ),
                ("bot.workers.account_runner", logging.INFO, "account %d: the panel answers again", None),
                ("bot.workers.scheduler", logging.ERROR, "account %d could not be worked on", fault),
            ):
                record = logging.LogRecord(name, level, "", 0, words, (account,), info)
                unbounded += len(handler.format(record)) + 1
                handler.handle(record)
    handler.close()
    written = len(stream.getvalue())
    return Outcome(f"{written / 1024:.0f} KB of {unbounded / 1e6:.0f} MB", held=written <= 64 * 1024)
