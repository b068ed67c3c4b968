"""Work on a ledger of a million rows (filled.py), through bot.ledger and through sqlite3 alone; then scale.py on it.

Each step is what is done around one call (bot/workers/turns.py): claim,
read what is due, write down what came of it. On one copy of the ledger bot.ledger does it; the statements are written
down with their parameters, and done at once again on another copy by sqlite3 in a plain loop: the same statements, the
same parameters, pragmas and commits, in turn. Strict on the bot: the loop is given its parameters ready-made, makes no
objects of the rows, and needs one connection where the bot has one for reading and one for writing.
"""

import argparse
import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bot.domain.clock import utc_now
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Accepted, OrderReading
from bot.domain.states import after_cancel, after_status
from bot.ledger import Account, Cancellation, Ledger, Outcome
from bot.panel import MAX_BATCH
from bot.workers.turns import Answer, claimed, recorded
from tests.benchmarks import filled, scale
from tests.benchmarks.replay import bare_sqlite, play, recording
from tests.benchmarks.sides import limited_panel, prepare
from tests.benchmarks.table import Row, seconds, show, tell, versus
from tests.wire.stage import stage

LEDGER = "ledger.sqlite3"
LATENCY = 0.1  # seconds
WINDOW = timedelta(seconds=10)
PAUSE = timedelta(minutes=15)

RUNNING = OrderReading(OrderStatus.IN_PROGRESS, "in_progress", charge="0.50", remains="1000", currency="USD")
ENDED = OrderReading(OrderStatus.CANCELLED, "canceled", charge="0.00", remains="1000", currency="USD")


async def check(ledger: Ledger, account_id: int) -> int:
    """Ask about an account's orders: one has ended, the others run on; return how many they were."""
    now = utc_now() + PAUSE
    account = await _begin(ledger, account_id, now)
    rows = await ledger.read.due_checks(account_id, now, MAX_BATCH)
    await ledger.read.count_started(account_id)
    seen = [_seen(row, ENDED if number == 0 else RUNNING, now) for number, row in enumerate(rows)]
    await ledger.write_at_once(lambda tx: recorded(tx, account, Answer(seen)))
    return len(rows)


async def send(ledger: Ledger, account_id: int) -> int:
    """Send an account's orders, all of which are accepted; return how many they were."""
    now = utc_now() + PAUSE
    account = await _begin(ledger, account_id, now)
    taken = await ledger.write_at_once(lambda tx: claimed(tx, account, MAX_BATCH))
    outcomes = [Outcome(row, after_cancel(row.ambiguous_attempts, Accepted()), now) for row in taken.orders]
    await ledger.write_at_once(lambda tx: recorded(tx, account, Answer(outcomes)))
    return len(outcomes)


async def _begin(ledger: Ledger, account_id: int, now: datetime) -> Account:
    account = await ledger.read.account(account_id)
    assert account
    await ledger.read.fewest_to_send(account_id, now)
    return account


def _seen(row: Cancellation, reading: OrderReading, now: datetime) -> Outcome:
    return Outcome(row, after_status(row.state, row.ambiguous_attempts, reading), now + PAUSE, reading, checked=True)


async def compare(full: Path, steps: int) -> list[Row]:
    """Do every kind of step so many times on two copies of a ledger; return the lines of the table."""
    with TemporaryDirectory() as folder:
        ours, bare = Path(folder) / "ours", Path(folder) / "bare"
        for copy in (ours, bare):
            shutil.copyfile(full, copy)
        return [
            await _one(ours, bare, "91 orders looked at and recorded", check, filled.MANY_QUEUED[:steps]),
            await _one(ours, bare, "1 order looked at and recorded", check, filled.ONE_OPEN[:steps]),
            await _one(ours, bare, "91 orders claimed and recorded", send, filled.MANY_TO_SEND[:steps]),
        ]


async def _one(
    ours: Path, bare: Path, what: str, step: Callable[[Ledger, int], Awaitable[int]], accounts: Iterable[int]
) -> Row:
    tell(f"{what}, on {filled.ROWS:,} rows")
    times: list[tuple[float, float]] = []
    with bare_sqlite(bare) as connection, recording() as tape:
        async with Ledger.open(ours, clock=lambda: utc_now() + PAUSE, notify_window=WINDOW) as ledger:
            for account in accounts:
                tape.clear()
                since = time.perf_counter()
                orders = await step(ledger, account)
                between = time.perf_counter()
                play(tape, connection)
                times.append((between - since, time.perf_counter() - between))
                assert what.startswith(f"{orders} ")
    mine, its = zip(*times[len(times) // 10 :], strict=True)  # the first ones warm caches
    return versus(f"{what}, median", median(mine), median(its), "bare sqlite3", seconds, aim=1.5)


async def measure(steps: int = 400, starts: int = 5, work: float = 70) -> list[Row]:
    """Fill a ledger, compare and work on it; return the lines of the table."""
    with TemporaryDirectory() as folder:
        async with stage(Path(folder), limited_panel(LATENCY)) as here:
            here.bot.settings = {}
            await prepare(here)
            before, rest = await scale.start_ups(here, starts), await scale.at_rest(here)
            tell(f"a ledger of {filled.ROWS:,} rows is filled")
            filled.fill(here.bot.folder)
            return [*await compare(here.bot.folder / LEDGER, steps), *await scale.measure(here, before, rest, work)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=400, help="of each kind")
    show(asyncio.run(measure(parser.parse_args().steps)))
