"""Texts made to cost much, by every way that leads in, and what is read out again: loop, memory and time of each."""

import asyncio
import re
import socket
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bot.domain.states import State
from bot.ops.http.server import MOST_BYTES
from tests.abuse import Outcome, attack
from tests.abuse.cost import Watch, start, watched, watching
from tests.benchmarks import filled
from tests.wire.objects import ANN, Json
from tests.wire.stage import stage

_OPTION, _FIELD, _MESSAGE = 6_000, 4_000, 4_000
"""Characters that Discord lets through at most."""
_EMBEDS = 6_000
"""Characters of all embeds of a message together."""
_SHORT = 0.05
"""Seconds of the loop for one text."""
_PARTS = (
    *("[", "`a", "``a`", "**a", "~~", "[a](http://(", "\\", "a.", "1.", "\u200b", "\ufffd", "é.", "ord_A**", "'"),
    *("*a* ", "_a_ ", "_a", "_", "ab", "a ", "order ", "hi ", "ord_", "ord_A..", "1.5e5 ", "1.0 ", "[a](http://b)"),
    *("<@1>", "> ", "```a```", "日ord_A1", "a\u0301", "please cancel ", "A1b2C3d4 ", "refill 1 ", "?", "ord_\u200bA;"),
)
_BOUND = "loop 50 ms for each, +40 MB, answered within 7 s"
_BODIES = {
    "orders": b"ord_A ",
    "no spaces": b"ord_A_",
    "longest words": b"ord_" + b"a" * 65 + b" ",
    "names": b'"order_id" : ',
    "numbers": b'"order":1,',
    "spaces": b'"order"' + b" " * 9,
    "letters": b"a",
    "bytes": b"\xff",
    "zeros": b"\0",
    "brackets": b"[",
}


def _hard(length: int) -> dict[str, str]:
    """Return texts of what markup, lists and sentences are made of; and one of which no two words are the same."""
    texts = {part: (part * length)[:length] for part in _PARTS}
    words = (f"k{number:07x}é" for number in range(length))
    return {**texts, "no word twice": " ".join(words)[:length]}


@attack("option of 6,000 characters", before="40 ms of the loop", bound=_BOUND)
async def option() -> Outcome:
    """The text of /cancel, filled with what is hard to read."""
    async with watched() as watch:
        discord = watch.here.discord
        for part, text in _hard(_OPTION).items():
            with watch.asking(part):
                asked = await discord.slash("cancel", orders=text)
                await discord.until(lambda asked=asked: bool(asked.text))
        return await watch.outcome(_SHORT)


@attack("form of 4,000 characters", before="not measured", bound=_BOUND)
async def form() -> Outcome:
    """The field to paste into."""
    async with watched() as watch:
        discord = watch.here.discord
        for part, text in _hard(_FIELD).items():
            form = await discord.slash("cancel")
            with watch.asking(part):
                asked = await discord.submit(form, text)
                await discord.until(lambda asked=asked: bool(asked.text))
        return await watch.outcome(_SHORT)


@attack("direct message of 4,000 characters", before="230 ms of the loop", bound=_BOUND)
async def direct_message() -> Outcome:
    """What is read as a sentence first, and compared with commands where it is none."""
    async with watched() as watch:
        discord = watch.here.discord
        for part, text in _hard(_MESSAGE).items():
            seen = {sent.id for sent in discord.seen_by(ANN)}
            with watch.asking(part):
                await discord.write(text)
                await discord.until(
                    lambda seen=seen: any(
                        sent.id not in seen and "⏳" not in sent.text for sent in discord.seen_by(ANN)
                    )
                )
        return await watch.outcome(_SHORT)


@attack("message menu on 10,000 characters with embeds", before="62 ms of the loop", bound=_BOUND)
async def message_menu() -> Outcome:
    """As much as one message can hold, in as many parts as it can have."""
    async with watched() as watch:
        discord = watch.here.discord
        for part, text in _hard(_MESSAGE).items():
            embeds = _embeds(_hard(_EMBEDS)[part])
            with watch.asking(part):
                asked = await discord.menu("Cancel orders in this message", text, embeds=embeds)
                await discord.until(lambda asked=asked: bool(asked.text))
        return await watch.outcome(_SHORT)


def _embeds(text: str) -> list[Json]:
    """Part a text into ten embeds, with twenty-five fields each."""
    pieces = iter([text[at : at + 12] for at in range(0, len(text), 12)])
    return [
        {"type": "rich", "fields": [{"name": next(pieces), "value": next(pieces)} for _ in range(25)]}
        for _ in range(10)
    ]


@attack("suggestions for 6,000 characters", before="not measured", bound=_BOUND)
async def suggestions() -> Outcome:
    """What is read at every key that somebody presses, for orders and for names of keys."""
    async with watched() as watch:
        discord = watch.here.discord
        for part, text in _hard(_OPTION).items():
            for command, name in (("cancel", "orders"), ("cancel", "key"), ("status", "orders")):
                with watch.asking(f"{command} {name} {part}"):
                    await discord.suggest(command, name, text)
        return await watch.outcome(_SHORT)


@attack("60 webhooks of 64 KiB", before="not measured", bound="loop 50 ms for each, +40 MB, all read")
async def webhook_bodies() -> Outcome:
    """The largest bodies that are taken, of what order IDs are made of."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with watched(HTTP_PORT=str(port), PUBLIC_URL="https://bot.example") as watch:
        discord = watch.here.discord
        asked = await discord.slash("webhook")
        await discord.until(lambda: "No webhook" in asked.text)
        await discord.press(asked, "np:webhook:make")
        await discord.until(lambda: "/hooks/" in asked.text)
        path = re.findall(r"/hooks/\S+", asked.text)[0]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as web:
            for _ in range(6):
                for part, unit in _BODIES.items():
                    body = (unit * MOST_BYTES)[:MOST_BYTES]
                    with watch.asking(part):
                        async with web.post(path, data=body) as answer:
                            assert answer.status == 204
                        await _all_read(web, len(watch.asked) + 1)
        return await watch.outcome()


async def _all_read(web: aiohttp.ClientSession, calls: int) -> None:
    """Wait until so many calls have been read."""
    while True:
        async with web.get("/metrics") as answer:
            text = await answer.text()
        counts = re.findall(r"^notpanel_webhook_calls_total\{.*\} (\S+)$", text, re.MULTILINE)
        if sum(map(float, counts)) >= calls:
            return
        await asyncio.sleep(0.01)


_LONG_WORDS = "UPDATE cancellations SET panel_message = ?, status_word = ?, charge_first = '1.00', charge_last = '0.50'"
_ALL_ENDED = """
    UPDATE cancellations SET state = CASE id % 3 WHEN 0 THEN 'refused' WHEN 1 THEN 'partial' ELSE 'cancelled' END,
        due_at = NULL, ended_at = ?1 - id % 300 * 86400000, notified_at = ?1
"""
_HISTORY = 40_000
"""Orders."""
_FILES = 4
"""That their list takes."""


@asynccontextmanager
async def _history() -> AsyncGenerator[Watch]:
    """Watch a bot with a user whose orders have all ended, with the longest words that are kept of the panel's."""
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here:
            await here.bot.start()
            await here.bot.terminate()
            filled.fill(Path(folder), accounts=1, rows=_HISTORY)
            with closing(sqlite3.connect(Path(folder) / "ledger.sqlite3")) as ledger:
                now = ledger.execute("SELECT MAX(changed_at) FROM accounts").fetchone()[0]
                ledger.execute(_LONG_WORDS, (",=é" * 100, ";-1" * 100))
                ledger.execute(_ALL_ENDED, (now,))
                ledger.commit()
            await start(here)
            async with watching(here) as watch:
                yield watch


@attack("whole history of 40,000 orders as CSV", before="loop still for 190 ms a page", bound="loop 50 ms, +40 MB")
async def export() -> Outcome:
    """A list that takes several files, of cells that each hold a hundred formulas."""
    async with _history() as watch:
        discord = watch.here.discord
        asked = await discord.slash("history", by=filled.FIRST, days=365)
        await discord.until(lambda: bool(asked.text))
        with watch.asking("a press"):
            await discord.press(asked, "np:list:history:*")
            last = f"part-{_FILES}-"
            await discord.until(lambda: any(last in str(sent.body) for sent in discord.messages.values()))
        return await watch.outcome(patience=60)


@attack("history of 40,000 orders, every filter", before="55 ms of the loop", bound=_BOUND)
async def filters() -> Outcome:
    """What is counted anew each time."""
    async with _history() as watch:
        discord = watch.here.discord
        for state in (None, State.CANCELLED, State.REFUSED, State.EXPIRED):
            for days in (1, 30, 365):
                with watch.asking(f"{state} of {days} days"):
                    wanted = {"outcome": str(state)} if state else {}
                    asked = await discord.slash("history", by=filled.FIRST, days=days, **wanted)
                    await discord.until(lambda asked=asked: bool(asked.text))
        return await watch.outcome(_SHORT)
