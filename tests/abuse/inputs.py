"""Files and texts made to cost much: how long the event loop stands still, what memory they take, who waits."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.abuse import Outcome, attack
from tests.benchmarks.lag import lags, span
from tests.benchmarks.sides import memory
from tests.wire.stage import Stage, stage

_SIZE = 10_000_000
_LONGEST_LAG = 0.05  # seconds
_MOST_MEMORY = 40e6  # bytes
_OTHER = 10**17
_OTHERS_KEY = "np-wire-key-of-another-0123456789"
_HARD = {
    "no separator": b"a." * (_SIZE // 2),
    "Latin-1": b"\xe9a." * (_SIZE // 3),
    "zero-width spaces": "\u200b".encode() * (_SIZE // 3),
    "not UTF-8": b"\xff" * _SIZE,
    "an endless cell": b'order,link\n"' + b"x" * (_SIZE - 20),
    "quotation marks": b'"' * _SIZE,
    "empty lines": b"\n" * _SIZE,
    "zeros": b"\0" * _SIZE,
    "UTF-16": ("a." * (_SIZE // 4)).encode("utf-16"),
    "rows of another length": b"order,a\n" + b"1\n" * (_SIZE // 2 - 4),
    "long rows": b"order,a\n" + (b"1," * 49_000 + b"\n") * 100,
}
_SLOW = _HARD["empty lines"]
_TEXTS = ("[", "`a", "``a`", "**a", "~~", "[a](http://(", "\\", "a.", "1.", "\u200b", "\ufffd", "é.", "ord_A**", "'")


@asynccontextmanager
async def _at_work(connected: bool = True) -> AsyncGenerator[tuple[Stage, Path]]:
    """Start a bot whose event loop is watched."""
    with TemporaryDirectory() as folder:
        lag = Path(folder) / "lag"
        async with stage(Path(folder)) as here:
            await here.bot.start(WIRE_LAG=str(lag), WIRE_PATIENT="1")
            if connected:
                await here.connect()
            await asyncio.sleep(0.5)
            yield here, lag


async def _cost(here: Stage, lag: Path, before: int, waited: list[float], work: float) -> Outcome:
    """Tell the longest lag, the memory added and the longest answer."""
    with span() as during:
        during.since -= work
    added = memory(here.bot, "VmHWM") - before
    await here.bot.terminate()
    longest = max(lags(lag, during), default=0.0)
    figures = f"loop {longest * 1000:.0f} ms, memory +{added / 1e6:.0f} MB, answers within {max(waited):.1f} s"
    return Outcome(figures, held=longest <= _LONGEST_LAG and added <= _MOST_MEMORY and max(waited) <= 7)


@attack(
    "hard files of 10 MB, one after another",
    before="loop still for 4.9 s, memory +618 MB",
    bound="loop 50 ms, +40 MB, answered within 7 s",
    slow=True,
)
async def files() -> Outcome:
    """Every kind of file that once cost much."""
    async with _at_work() as (here, lag):
        before, began, waited = memory(here.bot), time.monotonic(), list[float]()
        for content in _HARD.values():
            since = time.monotonic()
            asked = await here.discord.slash("cancel", file=content)
            await here.discord.until(lambda asked=asked: bool(asked.text))
            waited.append(time.monotonic() - since)
        return await _cost(here, lag, before, waited, time.monotonic() - began)


@attack(
    "files of 10 MB by somebody without a key",
    before="each is fetched and read",
    bound="none is fetched",
)
async def without_a_key() -> Outcome:
    """Whoever has no key has no file read."""
    async with _at_work(connected=False) as (here, lag):
        before, began, waited = memory(here.bot), time.monotonic(), list[float]()
        for _ in range(5):
            since = time.monotonic()
            asked = await here.discord.slash("cancel", file=_SLOW)
            await here.discord.until(lambda asked=asked: bool(asked.text))
            waited.append(time.monotonic() - since)
            if "not connected" not in asked.text:
                return Outcome(asked.text, held=False)
        return await _cost(here, lag, before, waited, time.monotonic() - began)


@attack("6 slow files of one user", before="another's waits 307 s behind 18", bound="another's answer within 5 s")
async def in_turn() -> Outcome:
    """One user's files are read one at a time, so that there is a place left for another's."""
    async with _at_work() as (here, _):
        here.panel.add_key(_OTHERS_KEY)
        connected = await here.discord.submit(await here.discord.slash("key set", by=_OTHER), _OTHERS_KEY)
        await here.discord.until(lambda: "Connected" in connected.text)
        for _ in range(6):
            await here.discord.slash("cancel", file=_SLOW)
        since = time.monotonic()
        asked = await here.discord.slash("cancel", file=b"ord_A", by=_OTHER)
        await here.discord.until(lambda: bool(asked.text))
        waited = time.monotonic() - since
        return Outcome(f"another's answer after {waited:.1f} s", held=waited <= 5)


@attack(
    "texts of 6,000 characters without an end", before="not measured", bound="loop 50 ms, +40 MB, answered within 7 s"
)
async def texts() -> Outcome:
    """The text option, filled with what markup and lists are made of."""
    async with _at_work() as (here, lag):
        before, began, waited = memory(here.bot), time.monotonic(), list[float]()
        for part in _TEXTS:
            since = time.monotonic()
            asked = await here.discord.slash("cancel", orders=(part * 6_000)[:6_000])
            await here.discord.until(lambda asked=asked: bool(asked.text))
            waited.append(time.monotonic() - since)
        return await _cost(here, lag, before, waited, time.monotonic() - began)
