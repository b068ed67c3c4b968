"""What an input costs a bot: how long its event loop stands still, what memory is added, how long answers take."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.abuse import Outcome
from tests.benchmarks.lag import Span, lags, span
from tests.benchmarks.sides import memory
from tests.wire.stage import Stage, stage

LONGEST_LAG = 0.05  # seconds
MOST_MEMORY = 40e6  # bytes
_PATIENCE = 7  # seconds
_LOOKS_EVERY = 0.005  # seconds
_HEARD_LATER = 0.02
"""Seconds after an answer, in which a loop that stood still because of it says so."""


@dataclass
class Watch:
    """A bot whose event loop and memory are watched while it is asked one thing after another."""

    here: Stage
    lag: Path
    before: int
    readers: dict[int, int] = field(default_factory=dict[int, int])
    """The most memory that each process has held which the bot began, by its number."""
    asked: list[tuple[str, Span]] = field(default_factory=list[tuple[str, Span]])

    @contextmanager
    def asking(self, what: str) -> Generator[None]:
        """Note what is asked, from the question to the end of its answer."""
        with span() as during:
            yield
        during.until += _HEARD_LATER
        self.asked.append((what, during))

    async def outcome(self, longest_lag: float = LONGEST_LAG, patience: float = _PATIENCE) -> Outcome:
        """End the bot, and tell the longest lag, the most memory added and the longest answer."""
        assert self.asked
        own = memory(self.here.bot, "VmHWM") - self.before
        await self.here.bot.terminate()
        late, slowest = max((max(lags(self.lag, during, own=True), default=0.0), what) for what, during in self.asked)
        waited = max(during.until - during.since for _, during in self.asked)
        readers = max(self.readers.values(), default=0)
        memory_added = f"memory +{own / 1e6:.0f} MB{f', a reader of {readers / 1e6:.0f} MB' if readers else ''}"
        figures = f"loop {late * 1000:.0f} ms ({slowest}), {memory_added}, answers within {waited:.1f} s"
        return Outcome(figures, held=late <= longest_lag and max(own, readers) <= MOST_MEMORY and waited <= patience)

    async def watch_readers(self) -> None:
        """Look at the processes that the bot begins, again and again."""
        assert self.here.bot.process
        children = Path(f"/proc/{self.here.bot.process.pid}/task/{self.here.bot.process.pid}/children")
        while True:
            with suppress(OSError):
                for child in _readers_in(children):
                    with suppress(OSError, StopIteration):
                        self.readers[child] = max(self.readers.get(child, 0), _peak(child))
            await asyncio.sleep(_LOOKS_EVERY)


def _readers_in(children: Path) -> list[int]:
    """Return those of a process's children that read files, and are no copies of their parent any more."""
    return [
        int(child)
        for child in children.read_text().split()
        if b"bot.services.file_reader" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def _peak(process: int) -> int:
    """Return the most memory that a process has held, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024


@asynccontextmanager
async def watched(*, connected: bool = True, **settings: str) -> AsyncGenerator[Watch]:
    """Start a bot that is watched, with a user who may ask for as much as they like."""
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here:
            await start(here, **settings)
            if connected:
                await here.connect()
            async with watching(here) as watch:
                yield watch


async def start(here: Stage, **settings: str) -> None:
    """Start the process so that it can be watched."""
    await here.bot.start(WIRE_LAG=str(here.bot.folder / "lag"), WIRE_PATIENT="1", **settings)


@asynccontextmanager
async def watching(here: Stage) -> AsyncGenerator[Watch]:
    """Watch a process from now on."""
    await asyncio.sleep(0.5)
    watch = Watch(here, here.bot.folder / "lag", memory(here.bot))
    looking = asyncio.create_task(watch.watch_readers())
    try:
        yield watch
    finally:
        looking.cancel()
