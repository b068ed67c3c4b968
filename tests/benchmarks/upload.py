"""A file of 100,000 order IDs: how soon it is asked about, begun and stopped, and what memory and the event loop pay.

The panel answers after 100 ms and does not count calls. The clock runs from the command (the press) until the card says
what it should: the question with its count, the first hundred as sent, the rest as not sent.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.lag import lag_rows, span
from tests.benchmarks.sides import UNLIMITED, add_orders, ask_for_list, memory, prepare, unlimited_panel
from tests.benchmarks.table import Row, megabytes, seconds, show, tell, versus, within
from tests.wire.stage import Stage, stage
from tests.wire.stand_in import Interaction

LATENCY = 0.1  # seconds
IDLE_FOR = 3.0  # seconds


async def measure(orders: int = 100_000) -> list[Row]:
    """Upload a list, confirm it, stop it; return the lines of the table."""
    tell(f"a file of {orders:,} orders")
    with TemporaryDirectory() as folder:
        lag = Path(folder) / "lag"
        async with stage(Path(folder), unlimited_panel(LATENCY)) as here:
            here.bot.settings = UNLIMITED
            await prepare(here)
            named = add_orders(here.panel, "file", orders)
            await here.bot.start(WIRE_LAG=str(lag))
            await asyncio.sleep(1)
            with span() as rest:
                await asyncio.sleep(IDLE_FOR)
            before = memory(here.bot)
            with span() as work:
                question, asked = await _timed(ask_for_list(here, named))
                since = time.monotonic()
                card = await here.discord.press(question, "np:confirm:*")
                await here.discord.until(lambda: "checking" in card.text)
                begun = time.monotonic() - since
                card, stopped = await _timed(_stop(here, card))
            peak = memory(here.bot, "VmHWM")
            await here.bot.terminate()
        what = f"a file of {orders:,} orders"
        return [
            Row(f"{what}: until the question", seconds(asked)),
            Row(f"{what}: until the first are sent", seconds(begun)),
            Row(f"{what}: until the rest is stopped", seconds(stopped)),
            within(f"{what}: memory at its highest", peak, 150e6, megabytes),
            versus("  against before", peak, before, "before", megabytes),
            *lag_rows("in that time", lag, work, rest),
        ]


async def _stop(here: Stage, card: Interaction) -> Interaction:
    stopped = await here.discord.press(card, "np:stop:*")
    await here.discord.until(lambda: " not sent" in stopped.text and "not sent yet" not in stopped.text)
    return stopped


async def _timed(work: Awaitable[Interaction]) -> tuple[Interaction, float]:
    since = time.monotonic()
    return await work, time.monotonic() - since


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--orders", type=int, default=100_000)
    show(asyncio.run(measure(parser.parse_args().orders)))
