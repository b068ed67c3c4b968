"""This bot's process on a ledger of a million rows (filled.py), with the limits and settings as they come.

Its start against that on the ledger as it was before it was filled. Then it works for more than a minute, so that what
the limits allow at once and what they hold back are both in it: it sends what waits, looks at what falls due, and a
user gives a command every two seconds.
"""

import asyncio
import time
from itertools import count
from pathlib import Path
from statistics import median

from tests.benchmarks import filled
from tests.benchmarks.lag import Span, lag_rows, span
from tests.benchmarks.sides import memory
from tests.benchmarks.start import start_up
from tests.benchmarks.table import Row, megabytes, seconds, tell, versus, within
from tests.wire.stage import KEY, Stage

PAUSE = 2.0
IDLE_FOR = 3.0


async def start_ups(here: Stage, rounds: int) -> list[float]:
    """Start and end this bot so many times; return how many seconds each start took."""
    times: list[float] = []
    for _ in range(rounds + 1):
        times.append(await start_up(here.bot))
        await here.bot.terminate()
    return times[1:]  # the first one warms caches


async def at_rest(here: Stage) -> Span:
    """Start this bot and let it idle; return when that was."""
    await here.bot.start(WIRE_LAG=str(lag_file(here)))
    await asyncio.sleep(1)
    with span() as rest:
        await asyncio.sleep(IDLE_FOR)
    await here.bot.terminate()
    return rest


def lag_file(here: Stage) -> Path:
    """Return where the event loop's lag is noted."""
    return here.bot.folder / "lag"


async def measure(here: Stage, before: list[float], rest: Span, seconds_of_work: float) -> list[Row]:
    """Start and work on the ledger now that it is filled; return the lines of the table."""
    fill_panel(here)
    tell(f"starts on {filled.ROWS:,} rows")
    starts = await start_ups(here, len(before))
    tell(f"work on {filled.ROWS:,} rows for {seconds_of_work:.0f} s")
    await here.bot.start(WIRE_LAG=str(lag_file(here)), WIRE_PATIENT="1")
    with span() as work:
        await _work(here, seconds_of_work)
    held = memory(here.bot)
    await here.bot.terminate()
    rows = f"{filled.ROWS:,} rows"
    return [
        versus(f"start to READY on {rows}, median", median(starts), median(before), "empty ledger", seconds),
        within(f"memory, working on {rows}", held, 150e6, megabytes),
        *lag_rows(f"working on {rows}", lag_file(here), work, rest),
    ]


def fill_panel(here: Stage) -> None:
    """Put what is open in the ledger into the panel's books."""
    for account, order in here.ledger("SELECT account_id, order_id FROM cancellations WHERE ended_at IS NULL"):
        here.panel.add_key(filled.key_of(account))
        here.panel.add_order(filled.key_of(account), order, status="in_progress")


async def _work(here: Stage, seconds_of_work: float) -> None:
    end = time.monotonic() + seconds_of_work
    for number in count():
        if time.monotonic() > end:
            return
        order = f"ord_command{number}"
        here.panel.add_order(KEY, order)
        await here.discord.slash("cancel", orders=order)
        await asyncio.sleep(PAUSE)
