"""A single /cancel beside a list of 10,000 orders: how long it waits for its first call to the panel.

The panel does not count calls: where a key's minute is used up, nothing with this key can go. The list is Ann's. She
and Bob, who has a key of his own, each cancel one order after another meanwhile, the next a while after the last is
shown as cancelled, so that a command comes at any moment between two calls. The time runs in the process of the
stand-ins, from just before INTERACTION_CREATE is sent: until the command is acknowledged, until the first call that
names the order arrives at the panel, alone or among others of the list, and until the order is shown as cancelled,
which takes two calls.
"""

import argparse
import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.lists import short
from tests.benchmarks.sides import UNLIMITED, QuickPanel, add_orders, ask_for_list, prepare, unlimited_panel
from tests.benchmarks.table import Row, seconds, show, tell, versus, within
from tests.wire.objects import ANN, BOB
from tests.wire.stage import KEY, Stage, stage

LATENCIES = (0.1, 1, 3)
ORDERS = 10_000
BOBS_KEY = f"{KEY}-bob"
LONGEST_WAIT = 1.0  # seconds


@dataclass(frozen=True)
class Given:
    """One command: seconds until it was acknowledged, its call arrived, and its order was shown as cancelled."""

    acknowledged: float
    arrived: float
    shown: float


async def measure(latencies: Iterable[float] = LATENCIES) -> list[Row]:
    """Give single commands beside a list for each latency of the panel; return the lines of the table."""
    rows: list[Row] = []
    for latency in latencies:
        tell(f"commands beside a list of {ORDERS:,} orders, {short(latency)} a call")
        with TemporaryDirectory() as folder:
            panel = unlimited_panel(0)
            async with stage(Path(folder), panel) as here:
                rows += await _beside_list(here, panel, latency)
    return rows


async def _beside_list(here: Stage, panel: QuickPanel, latency: float) -> list[Row]:
    here.bot.settings = UNLIMITED
    await prepare(here)
    panel.add_key(BOBS_KEY)
    await here.bot.start(WIRE_PATIENT="1")
    connected = await here.discord.submit(await here.discord.slash("key set", by=BOB), BOBS_KEY)
    await here.discord.until(lambda: "Connected" in connected.text)
    question = await ask_for_list(here, add_orders(panel, "list", ORDERS))
    panel.latency = latency
    card = await here.discord.press(question, "np:confirm:*")

    def goes_on() -> bool:
        return f"{ORDERS:,} cancelled" not in card.text

    anns, bobs = await asyncio.gather(
        _commands(here, panel, ANN, KEY, goes_on), _commands(here, panel, BOB, BOBS_KEY, goes_on)
    )
    what = f"/cancel beside {ORDERS:,} orders, {short(latency)} a call"
    acknowledged = [one.acknowledged for one in [*anns, *bobs]]
    return [
        *_rows(f"{what}, the same key", anns, latency),
        *_rows("  another user's key", bobs, latency),
        versus("  acknowledged, longest", max(acknowledged), median(acknowledged), "median", seconds),
    ]


async def _commands(here: Stage, panel: QuickPanel, by: int, key: str, goes_on: Callable[[], bool]) -> list[Given]:
    """Cancel one order after another while a list is being sent and checked."""
    given, random = list[Given](), Random(by)
    while goes_on():
        order = f"ord_by{by}x{len(given)}"
        panel.add_order(key, order)
        asked = await here.discord.slash("cancel", by=by, orders=order)
        await here.discord.until(lambda asked=asked: "1 cancelled" in asked.text, seconds=300)
        assert asked.answered_at
        shown = time.monotonic()
        given.append(Given(*(at - asked.at for at in (asked.answered_at, panel.arrived_at[order], shown))))
        await asyncio.sleep(random.uniform(0, panel.latency))
    return given


def _rows(what: str, given: list[Given], latency: float) -> list[Row]:
    waits, shown = [one.arrived for one in given], [one.shown for one in given]
    return [
        Row(f"{what}: first call, median of {len(given)}", seconds(median(waits))),
        within("  the longest", max(waits), LONGEST_WAIT, seconds),
        versus("  shown as cancelled, median", median(shown), 2 * latency, "two calls", seconds),
        versus("  the longest", max(shown), 2 * latency, "two calls", seconds),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="only see whether it works")
    show(asyncio.run(measure(LATENCIES[:1] if parser.parse_args().quick else LATENCIES)))
