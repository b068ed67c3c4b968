"""10,000 users with open orders, at NotPanel's limits: acknowledgements, the event loop's lag, and memory.

The ledger has a million rows (filled.py): each user has an open order, every tenth 91, some of which are yet to be
sent. Far more falls due than 300 calls a minute can do, so that the bot has work all the time; it goes on for longer
than two of the panel's minutes. Meanwhile a command comes four times a second, each of another user: most are
answered from the ledger, every eighth cancels an order. The acknowledgement's time runs in the stand-in, as in
answers.py.
"""

import argparse
import asyncio
import time
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks import filled, scale
from tests.benchmarks.lag import lag_rows, span
from tests.benchmarks.sides import limited_panel, memory, prepare
from tests.benchmarks.table import Row, megabytes, p99, seconds, show, tell, versus, whole, within
from tests.wire.stage import Stage, stage

USERS = 10_000
ROWS = 100 * USERS
LATENCY = 1.0  # seconds
PAUSE = 0.25  # seconds
STRIDE = 7
"""From one user who gives a command to the next, so that users with one open order and with many have their turn."""
COMMANDS = ("queued", "history", "queued", "key show", "queued", "history", "queued", "cancel")
IP_LIMIT = 300
"""Calls a minute."""


async def measure(users: int = USERS, seconds_of_work: float = 130) -> list[Row]:
    """Work for so many users and so long; return the lines of the table."""
    rows = ROWS // USERS * users
    with TemporaryDirectory() as folder:
        panel = limited_panel(LATENCY)
        async with stage(Path(folder), panel) as here:
            here.bot.settings = {}
            await prepare(here)
            rest = await scale.at_rest(here)
            tell(f"a ledger of {users:,} users is filled")
            filled.fill(here.bot.folder, users, rows)
            scale.fill_panel(here)
            tell(f"work for {users:,} users for {seconds_of_work:.0f} s")
            await here.bot.start(WIRE_LAG=str(scale.lag_file(here)))
            panel.calls.clear()
            with span() as work:
                delays = await _commands(here, users, seconds_of_work)
            held, peak = memory(here.bot), memory(here.bot, "VmHWM")
            await here.bot.terminate()
            minutes = (work.until - work.since) / 60
            what = f"{users:,} users with open orders"
            return [
                versus(f"{what}: acknowledgement, p99", p99(delays), median(delays), "median", seconds),
                versus("  the longest", max(delays), median(delays), "median", seconds),
                *lag_rows("in that time", scale.lag_file(here), work, rest),
                within("  memory", held, 150e6, megabytes),
                within("  memory at its highest", peak, 150e6, megabytes),
                Row("  calls a minute", whole(len(panel.calls) / minutes), f"{IP_LIMIT}  allowed"),
                within("  calls answered with 429", panel.refused, 0, whole),
            ]


async def _commands(here: Stage, users: int, seconds_of_work: float) -> list[float]:
    """Give commands of one user after another; return how many seconds each took to be acknowledged."""
    end, delays = time.monotonic() + seconds_of_work, list[float]()
    for number in count():
        if time.monotonic() > end:
            break
        user, name = filled.FIRST + number * STRIDE % users, COMMANDS[number % len(COMMANDS)]
        options = {"orders": f"ord_command{number}"} if name == "cancel" else {}
        here.panel.add_order(filled.key_of(user), f"ord_command{number}")
        asked = await here.discord.slash(name, by=user, **options)
        assert asked.answered_at
        delays.append(asked.answered_at - asked.at)
        await asyncio.sleep(PAUSE)
    return delays


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--seconds", type=float, default=130)
    given = parser.parse_args()
    show(asyncio.run(measure(given.users, given.seconds)))
