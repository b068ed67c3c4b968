"""A ledger of years: the bot's own housekeeping deletes four fifths of it while a user gives commands.

It is filled (filled.py), and in PostgreSQL moved there by the bot. Then the bot runs on it with the KEEP_DAYS that
leave so many orders. Its pause between two steps is cut to a tenth, and that at the end of a minute's steps left
out: it works ten times as hard as it ever does, and an hour of its work is over in minutes.
"""

import argparse
import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks import filled
from tests.benchmarks.lag import lags, span
from tests.benchmarks.start import start_up
from tests.benchmarks.table import Row, megabytes, p99, seconds, show, tell, within
from tests.postgres import programs, running
from tests.story import ROOT
from tests.wire.process import SETTINGS
from tests.wire.stage import KEY, Stage, stage

_EACH = 100_000
"""Orders of an account, one every half an hour."""
_A_DAY = 48
_PAUSE = 0.005
_COMMANDS_EVERY = 2.0
_USED = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)
_QUIET = 8.0
"""Seconds without a step after which there is nothing left to delete."""


@dataclass
class _Meanwhile:
    """What a user saw while orders were deleted, in seconds."""

    acknowledged: list[float] = field(default_factory=list[float])
    cancelled: list[float] = field(default_factory=list[float])
    histories: list[float] = field(default_factory=list[float])


async def measure(engine: str, orders: int, keep: int) -> list[Row]:
    """Fill a ledger, have it pruned; return the lines of the table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        async with stage(folder) as here:
            here.bot.settings = {**SETTINGS, "KEEP_DAYS": str(_EACH * keep // orders // _A_DAY)}
            await here.bot.start()
            await here.connect()
            await here.bot.terminate()
            tell(f"a ledger of {orders:,} ended orders is filled")
            _fill(folder, orders)
            size, count = _in_file(folder)
            if engine == "postgresql":
                binaries = programs()
                assert binaries, "PostgreSQL is not installed here"
                server = stack.enter_context(running(binaries))
                url = server.create(migrated=False)
                tell("it is moved to PostgreSQL")
                _move(here, url)
                here.bot.settings = {**here.bot.settings, "DATABASE_URL": url}
                size = lambda: server.sql(url, "SELECT pg_database_size(current_database())")[0][0]  # noqa: E731
                count = lambda: server.sql(url, "SELECT COUNT(*) FROM cancellations")[0][0]  # noqa: E731
            return await _prune(here, engine, size, count)


async def _prune(here: Stage, engine: str, size: Callable[[], int], count: Callable[[], int]) -> list[Row]:
    before, orders, meanwhile = size(), count(), _Meanwhile()
    steps, lag = here.bot.folder / "steps", here.bot.folder / "lag"
    tell(f"{orders:,} orders are pruned")
    began = time.monotonic()
    await here.bot.start(WIRE_PRUNE=str(steps), WIRE_PRUNE_PAUSE=str(_PAUSE), WIRE_LAG=str(lag), WIRE_PATIENT="1")
    started = time.monotonic() - began
    with span() as work:
        last = await _work(here, meanwhile, steps)
    left = count()
    await here.bot.terminate()
    start_after = await start_up(here.bot)
    await here.bot.terminate()
    took = [float(line.split()[1]) for line in steps.read_text().splitlines()]
    return [
        Row(f"{engine}: {orders:,} orders, pruned to {left:,}", f"{last - began:,.0f} s, {len(took):,} steps"),
        within("  longest step", max(took), 0.25, seconds),
        within("  steps, 99th percentile", p99(took), 0.05, seconds),
        Row("  steps, median", seconds(median(took))),
        within("  /cancel until it is cancelled, longest", max(meanwhile.cancelled), 2, seconds),
        Row("  the same, median", seconds(median(meanwhile.cancelled))),
        within("  acknowledgement, longest", max(meanwhile.acknowledged), 1, seconds),
        within("  /history, longest", max(meanwhile.histories), 1, seconds),
        within("  event loop's lag, 99th percentile", p99(lags(lag, work)), 0.02, seconds),
        Row("  size (SQLite: of it in use), before and after", f"{megabytes(before)}, {megabytes(size())}"),
        Row("  start to READY, before and after", f"{seconds(started)}, {seconds(start_after)}"),
    ]


async def _work(here: Stage, meanwhile: _Meanwhile, steps: Path) -> float:
    """Give commands until nothing is deleted any more; return when the last step was."""
    last, number = time.monotonic(), 0
    while time.monotonic() < last + _QUIET:
        since, order = time.monotonic(), f"ord_beside{number}"
        here.panel.add_order(KEY, order)
        asked = await here.cancel(order)
        meanwhile.acknowledged.append((asked.answered_at or since) - asked.at)
        await here.discord.until(lambda card=asked: "1 cancelled" in card.text, 120)
        meanwhile.cancelled.append(time.monotonic() - since)
        if number % 5 == 0:
            owner, since = filled.FIRST + number % 10, time.monotonic()
            past = await here.discord.slash("history", by=owner)
            await here.discord.until(lambda card=past: bool(card.text), 120)
            meanwhile.histories.append(time.monotonic() - since)
        await asyncio.sleep(_COMMANDS_EVERY)
        number += 1
        last = max(last, _last_step(steps))
    return last


def _last_step(steps: Path) -> float:
    """Return when the last step was that has been noted."""
    if not steps.exists():
        return 0
    lines = steps.read_bytes()[-200:].decode().split("\n")[-2:-1]
    return float(lines[0].split()[0]) if lines else 0


def _fill(folder: Path, orders: int) -> None:
    """Fill it with orders that have ended, and whose steps have been deleted as they are after a week."""
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as ledger:
        ((begin,),) = ledger.execute("SELECT sql FROM sqlite_master WHERE name = 'cancellations_begin'")
        ledger.execute("DROP TRIGGER cancellations_begin")
    filled.fill(folder, accounts=max(orders // _EACH, 1), rows=orders)
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as ledger:
        ledger.execute(begin)
        ledger.execute(
            "UPDATE cancellations SET state = 'cancelled', due_at = NULL, "
            "ended_at = created_at, notified_at = created_at WHERE ended_at IS NULL"
        )
        ledger.execute("DELETE FROM transitions")
        ledger.commit()


def _in_file(folder: Path) -> tuple[Callable[[], int], Callable[[], int]]:
    """Return how to find out how much of a ledger's file is in use, and how many orders are in it."""
    path = folder / "ledger.sqlite3"

    def used() -> int:
        with closing(sqlite3.connect(path)) as ledger:
            return ledger.execute(_USED).fetchone()[0]

    def count() -> int:
        with closing(sqlite3.connect(path)) as ledger:
            return ledger.execute("SELECT COUNT(*) FROM cancellations").fetchone()[0]

    return used, count


def _move(here: Stage, url: str) -> None:
    env = {**os.environ, **here.bot.environment(), "MOVE_TO": url}
    subprocess.run([sys.executable, "-m", "bot", "move"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--orders", type=int, default=5_000_000)
    parser.add_argument("--keep", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    wanted = parser.parse_args()
    show(asyncio.run(measure(wanted.engine, wanted.orders, wanted.keep)))
