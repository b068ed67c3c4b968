"""A list of 10,000 orders, attached to /cancel and confirmed: time, calls, and the event loop's lag meanwhile.

All orders are pending, so that the panel refunds them at once. The clock runs from Confirm until the ledger has the
last order as accepted (sent), the last one as ended (known), and until the card says so (shown).

The bounds. A key's calls go one after another, 100 orders each, and every order takes two: a cancel, and a look that
proves what came of it. So n orders are sent after c = ceil(n / 100) calls and known after 2 c. Where the panel
allows m calls a minute, the first m go at once, one after another, and so do m more as every further minute begins:
k calls take floor((k - 1) / m) minutes, and the latency of the calls since the last minute began. With c = m = 100,
that is c latencies until all are sent (no limit is felt), and a minute and c latencies until all are known.

Against that stands one call an order, in sequence: the same formula with n calls in place of c. These calls are not
made; 20 of each kind are, by httpx alone at the same panel, which gives the latency of a call for a hundred orders
and of one for a single order.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import httpx

from bot.panel import MAX_BATCH
from tests.benchmarks.lag import lag_rows, span
from tests.benchmarks.sides import (
    KEY_LIMIT,
    UNLIMITED,
    add_orders,
    ask_for_list,
    limited_panel,
    prepare,
    unlimited_panel,
)
from tests.benchmarks.table import Row, plain, seconds, show, tell, versus
from tests.wire.stage import KEY, Stage, stage

LATENCY = 0.1  # seconds
SAMPLE = 20
IDLE_FOR = 5.0  # seconds


def least(calls: int, latency: float, a_minute: int | None) -> float:
    """Return how many seconds so many calls take at least, one after another."""
    minutes = (calls - 1) // a_minute if a_minute else 0
    return minutes * 60 + (calls - minutes * (a_minute or 0)) * latency


@dataclass(frozen=True)
class Run:
    """What became of one list."""

    orders: int
    a_minute: int | None
    batch: float
    single: float
    sent: float
    known: float
    shown: float
    resolved: int
    calls: int

    def rows(self) -> list[Row]:
        """Return the lines of the table."""
        limits = f"{self.a_minute} calls a minute" if self.a_minute else "no limits"
        groups = ceil(self.orders / MAX_BATCH)
        list_ = f"{self.orders:,} orders, {limits}"
        calls = self.calls / self.resolved * MAX_BATCH
        return [
            self._versus(f"{list_}: all sent", self.sent, groups, self.batch, aim=1.1),
            self._versus("  against one call an order, computed", self.sent, self.orders, self.single),
            self._versus(f"{list_}: all outcomes known", self.known, 2 * groups, self.batch, aim=1.1),
            self._versus("  against one call an order, computed", self.known, 2 * self.orders, self.single),
            self._versus(f"{list_}: all shown on the card", self.shown, 2 * groups, self.batch),
            versus(f"{list_}: calls for 100 orders resolved", calls, 2, "calls", plain, aim=1.05),
        ]

    def _versus(self, what: str, took: float, calls: int, latency: float, aim: float | None = None) -> Row:
        bound = least(calls, latency, self.a_minute)
        return versus(what, took, bound, f"{calls:,} calls in sequence", seconds, aim)


async def run(here: Stage, orders: int, a_minute: int | None) -> Run:
    """Cancel a list with a bot that is ready."""
    named = add_orders(here.panel, "list", orders)
    batch, single = await _one_call(here, MAX_BATCH), await _one_call(here, 1)
    question = await ask_for_list(here, named)
    since, clock = time.monotonic(), time.time()
    card = await here.discord.press(question, "np:confirm:*")
    await here.discord.until(lambda: f"{orders:,} cancelled" in card.text, seconds=600)
    shown = time.monotonic() - since
    ((sent,),) = here.ledger("SELECT MAX(at) FROM transitions WHERE to_state = 'accepted'")
    ((known, resolved),) = here.ledger("SELECT MAX(ended_at), COUNT(ended_at) FROM cancellations")
    calls = sum(call.key == KEY for call in here.panel.calls)
    return Run(orders, a_minute, batch, single, sent / 1000 - clock, known / 1000 - clock, shown, resolved, calls)


async def _one_call(here: Stage, orders: int) -> float:
    """Return how many seconds one call for so many others takes, with a key of its own."""
    key = f"{KEY}-{orders}"
    here.panel.add_key(key)
    async with httpx.AsyncClient() as http:
        times: list[float] = []
        for number in range(SAMPLE):
            form = {"key": key, "action": "cancel"}
            form["orders"] = ",".join(add_orders(here.panel, f"{orders}x{number}x", orders, key))
            since = time.perf_counter()
            await http.post(here.bot.panel_url, data=form)
            times.append(time.perf_counter() - since)
    return fmean(times)


async def without_limits(orders: int) -> list[Row]:
    """Cancel a list at a panel that does not count calls; return the lines of the table."""
    tell(f"{orders:,} orders without limits")
    with TemporaryDirectory() as folder:
        lag = Path(folder) / "lag"
        async with stage(Path(folder), unlimited_panel(LATENCY)) as here:
            here.bot.settings = UNLIMITED
            await prepare(here)
            here.panel.calls.clear()
            await here.bot.start(WIRE_LAG=str(lag))
            await asyncio.sleep(1)
            with span() as rest:
                await asyncio.sleep(IDLE_FOR)
            with span() as work:
                done = await run(here, orders, None)
            await here.bot.terminate()
        return [*done.rows(), *lag_rows(f"in that time ({orders:,} orders)", lag, work, rest)]


async def with_limits(orders: int) -> list[Row]:
    """Cancel a list at a panel with NotPanel's limits; return the lines of the table."""
    tell(f"{orders:,} orders within {KEY_LIMIT} calls a minute; takes some more than a minute")
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here:
            await prepare(here)  # at another panel: connecting the key costs a call
        async with stage(Path(folder), limited_panel(LATENCY)) as here:
            here.bot.settings = {}
            await here.bot.start()
            return (await run(here, orders, KEY_LIMIT)).rows()


async def measure(orders: int = 10_000) -> list[Row]:
    """Cancel a list without and with limits; return the lines of the table."""
    return [*await without_limits(orders), *await with_limits(orders)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--orders", type=int, default=10_000)
    show(asyncio.run(measure(parser.parse_args().orders)))
