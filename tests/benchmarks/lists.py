"""Long lists, attached to /cancel and confirmed: 1,000 and 10,000 orders at 100 ms, 1 s and 3 s a call.

All orders are pending, so that the panel refunds them at once. The clock runs from Confirm until the ledger has the
last order as accepted (sent), the last one as ended (known), and until the card says so (shown). A list that has a
preview is confirmed when its preview is complete.

Each is set against the least that the limits allow (bounds.py), and against call after call: the same bound for one
call at a time, which was all that this bot did up to 0.1.0. A call takes as long there as httpx alone needs at the same
panel without its latency, in the mean of some calls for a hundred orders, and the latency.
"""

import argparse
import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import httpx

from bot.demo.serve import serve
from bot.panel import MAX_BATCH
from tests.benchmarks.bounds import all_known, all_sent
from tests.benchmarks.lag import Span, lag_rows, span
from tests.benchmarks.sides import (
    KEY_LIMIT,
    UNLIMITED,
    QuickPanel,
    add_orders,
    ask_for_list,
    cpu_seconds,
    limited_panel,
    prepare,
    seconds_without_cpu,
    unlimited_panel,
)
from tests.benchmarks.table import Row, plain, seconds, show, tell, versus, whole, within
from tests.wire.stage import KEY, Stage, stage

AT_ONCE = 8
"""Calls with one key: PANEL_CONCURRENCY as it comes."""
OF_THE_LIMITS = 1.15
"""The most that a list should take, against the least that the limits allow."""
SAMPLE = 20


@dataclass(frozen=True)
class Case:
    """What is measured: so many orders at so many seconds a call.

    `sent` and `known`: the most that they should take against call after call.
    """

    orders: int
    latency: float
    a_minute: int | None = None
    sent: float | None = None
    known: float | None = None

    def __str__(self) -> str:
        limits = f"{self.a_minute} calls a minute" if self.a_minute else "no limits"
        return f"{self.orders:,} orders, {short(self.latency)} a call, {limits}"

    def panel(self) -> QuickPanel:
        """Return a panel like that."""
        return limited_panel(self.latency) if self.a_minute else unlimited_panel(self.latency)


ALL = [
    Case(orders, latency, a_minute, *((0.2, 0.3) if (orders, latency) == (1_000, 1) else ()))
    for a_minute in (None, KEY_LIMIT)
    for orders in (1_000, 10_000)
    for latency in (0.1, 1, 3)
]
TELLING = [case for case in ALL if (case.orders, case.latency) in ((10_000, 0.1), (10_000, 1), (1_000, 1))]
QUICK = [Case(1_000, 0.1), Case(1_000, 0.1, KEY_LIMIT)]


@dataclass(frozen=True)
class Run:
    """What became of one list.

    `call` is how long a call takes, `bot` and `bench` are seconds of CPU, `without_cpu` are seconds in which the bot
    was kept from going on by the machine's other processes.
    """

    case: Case
    call: float
    sent: float
    known: float
    shown: float
    resolved: int
    calls: int
    panel: QuickPanel
    bot: float
    bench: float
    without_cpu: float

    def rows(self) -> list[Row]:
        """Return the lines of the table."""
        case, orders, calls = self.case, self.case.orders, self.calls / self.resolved * MAX_BATCH
        sent, known = (bound(orders, self.call, AT_ONCE, case.a_minute) for bound in (all_sent, all_known))
        sent_in_turn, known_in_turn = (bound(orders, self.call, 1, case.a_minute) for bound in (all_sent, all_known))
        return [
            versus(f"{case}: all sent", self.sent, sent, "the limits alone", seconds, OF_THE_LIMITS),
            versus("  against call after call", self.sent, sent_in_turn, "computed", seconds, case.sent),
            versus("  all outcomes known", self.known, known, "the limits alone", seconds, OF_THE_LIMITS),
            versus("  against call after call", self.known, known_in_turn, "computed", seconds, case.known),
            versus("  all shown on the card", self.shown, known, "the limits alone", seconds),
            versus("  calls for 100 orders resolved", calls, 2, "calls", plain, aim=1.05),
            within("  calls answered with 429", self.panel.refused, 0, whole),
            within("  most calls at once with the key", self.panel.most_at_once[KEY], AT_ONCE, whole),
            Row("  the bot waited for a processor", seconds(self.without_cpu)),
            Row("  CPU for each call", seconds(self.bot / self.calls), f"{seconds(self.bench / self.calls)}  bench"),
        ]


async def measure(cases: Iterable[Case] = ALL) -> list[Row]:
    """Cancel a list for each case, by a process and at a panel of its own; return the lines of the table."""
    rows, call = list[Row](), await _one_call()
    for case in cases:
        tell(str(case))
        with TemporaryDirectory() as folder:
            async with stage(Path(folder)) as here:
                await prepare(here)  # at another panel: connecting the key costs a call
            panel, lag = case.panel(), Path(folder) / "lag"
            async with stage(Path(folder), panel) as here:
                here.bot.settings = {} if case.a_minute else UNLIMITED
                await here.bot.start(WIRE_LAG=str(lag))
                done, work = await _run(here, panel, case, case.latency + call)
                await here.bot.terminate()
            rows += [*done.rows(), *lag_rows("in that time", lag, work)]
    return rows


async def _run(here: Stage, panel: QuickPanel, case: Case, call: float) -> tuple[Run, Span]:
    """Cancel a list with a bot that is ready."""
    question = await ask_for_list(here, add_orders(panel, "list", case.orders))
    panel.calls.clear()
    bot, bench, without = cpu_seconds(here.bot), time.process_time(), seconds_without_cpu(here.bot)
    with span() as work:
        clock = time.time()
        card = await here.discord.press(question, "np:confirm:*")
        await here.discord.until(lambda: f"{case.orders:,} cancelled" in card.text, seconds=900)
    bot, bench = cpu_seconds(here.bot) - bot, time.process_time() - bench
    without = seconds_without_cpu(here.bot) - without
    ((sent,),) = here.ledger("SELECT MAX(at) FROM transitions WHERE to_state = 'accepted'")
    ((known, resolved),) = here.ledger("SELECT MAX(ended_at), COUNT(ended_at) FROM cancellations")
    calls = sum(one.key == KEY for one in panel.calls)
    took = (sent / 1000 - clock, known / 1000 - clock, work.until - work.since)
    return Run(case, call, *took, resolved, calls, panel, bot, bench, without), work


async def _one_call() -> float:
    """Return how many seconds a call for a hundred orders takes at a panel without latency."""
    panel, times = unlimited_panel(0), list[float]()
    panel.add_key(KEY)
    async with serve(panel) as url, httpx.AsyncClient() as http:
        for number in range(SAMPLE):
            orders = ",".join(add_orders(panel, f"{number}x", MAX_BATCH))
            since = time.perf_counter()
            await http.post(url, data={"key": KEY, "action": "cancel", "orders": orders})
            times.append(time.perf_counter() - since)
    return fmean(times)


def short(latency: float) -> str:
    """Write how long a call takes."""
    return f"{latency * 1000:.0f} ms" if latency < 1 else f"{latency:.0f} s"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="only see whether it works")
    since = time.monotonic()
    show(asyncio.run(measure(QUICK if parser.parse_args().quick else ALL)))
    tell(f"{time.monotonic() - since:.0f} s in all")
