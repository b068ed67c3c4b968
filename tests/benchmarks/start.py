"""From nothing to READY, and what an idle process holds: this bot against the bare one, in turn.

Both are started by `python -m` with all bytecode in place, this bot on a folder that it has been started on before: its
commands are registered and its ledger is made. The time runs from just before the process is made until the stand-in
has got its IDENTIFY.
"""

import argparse
import asyncio
import time
from statistics import median

from tests.benchmarks.sides import Sides, memory, sides
from tests.benchmarks.table import Row, megabytes, seconds, show, tell, versus, within
from tests.wire.process import BotProcess

IDLE_FOR = 3.0  # seconds


async def start_up(bot: BotProcess) -> float:
    """Start a bot and return how many seconds it took."""
    since = time.monotonic()
    await bot.start()
    return time.monotonic() - since


async def measure(rounds: int = 11) -> list[Row]:
    """Start both so many times; return the lines of the table."""
    tell(f"{2 * rounds} cold starts")
    async with sides() as both:
        ours, bare = await _starts(both, rounds)
        tell("memory of an idle process")
        for bot in (both.here.bot, both.bare):
            await bot.start()
        await asyncio.sleep(IDLE_FOR)
        idle, idle_bare = memory(both.here.bot), memory(both.bare)
    return [
        versus("cold start to READY, median", median(ours), median(bare), "bare bot", seconds, aim=1.6),
        within("memory, idle", idle, 80e6, megabytes),
        versus("  against the bare bot", idle, idle_bare, "bare bot", megabytes),
    ]


async def _starts(both: Sides, rounds: int) -> tuple[list[float], list[float]]:
    times: dict[str, list[float]] = {both.here.bot.module: [], both.bare.module: []}
    for number in range(rounds + 1):
        for bot in both.in_turn(number):
            took = await start_up(bot)
            await bot.terminate()
            if number:  # the first round warms caches
                times[bot.module].append(took)
    return times[both.here.bot.module], times[both.bare.module]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=11)
    show(asyncio.run(measure(parser.parse_args().rounds)))
