"""How often one user is written to: 150 orders of one request that end evenly over an hour or a day, in virtual time.

A whole bot with its panel and Discord simulated (tests/world.py). `shown`: the longest time from an order's end, as the
bot learned of it, until it stood in the message; `pushed`: from the first bad news until the next message after it.
"""

import argparse
import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ledger.row import from_ms
from tests.ledgers import InFile
from tests.world import START, World, text_of, world

ORDERS = 150
_AFTER = timedelta(minutes=20)
"""How long after the command the first order ends: its card can be edited no longer."""


@dataclass(frozen=True)
class Figures:
    """What one story has come to."""

    messages: int
    edits: int
    first: timedelta
    shown: timedelta
    bad_shown: timedelta
    bad_pushed: timedelta
    end: timedelta
    lost: int
    doubled: int


async def measure(here: World, user: Any, span: timedelta, bad_every: int, step: float) -> Figures:
    """Have orders of one request end evenly over a time, every so many of them badly (0: none)."""
    for number in range(ORDERS):
        bad = bad_every > 0 and number % bad_every == 0
        life = _AFTER + span * number / (ORDERS - 1)
        ends = Upstream(life, ends_as="completed" if bad else "canceled")
        here.order(f"ord_{number:03}", OrderStatus.IN_PROGRESS, upstream=ends)
    await user.slash("cancel", orders=" ".join(f"ord_{number:03}" for number in range(ORDERS)))
    await here.settle()
    begun, before = len(here.env.http_requests), len(user.dm_channel.history())
    await here.wait((_AFTER + span + timedelta(minutes=30)).total_seconds(), step=step)
    edits = [request.method for request in here.env.http_requests[begun:]].count("PATCH")
    return _figures(here, user.dm_channel.history()[before:], edits)


def _figures(here: World, sent: list[Any], edits: int) -> Figures:
    rows = here.sql("SELECT state, ended_at, notified_at FROM cancellations ORDER BY ended_at")
    told = [(str(state), from_ms(ended), from_ms(notified)) for state, ended, notified in rows if notified]
    dates: list[datetime] = [message.created_at for message in sent]
    texts = [text_of([part.to_dict() for part in message.components]) for message in sent]
    bad = [one for one in told if one[0] != "cancelled"]
    lines = here.sql("SELECT COUNT(*), COUNT(DISTINCT cancellation_id) FROM notice_items")[0]
    nothing = timedelta()
    return Figures(
        messages=len(sent),
        edits=edits,
        first=dates[0] - told[0][1],
        shown=max(notified - ended for _, ended, notified in told),
        bad_shown=max((notified - ended for _, ended, notified in bad), default=nothing),
        bad_pushed=next((at - bad[0][1] for at in dates if at >= bad[0][1]), nothing) if bad else nothing,
        end=dates[-1] - told[-1][1],
        lost=ORDERS - len(told),
        doubled=lines[0] - lines[1] + sum(sum(f"ord_{n:03}" in text for text in texts) > 1 for n in range(ORDERS)),
    )


_NAMES = "150 outcomes over, bad, messages, edits, first, shown, bad shown, pushed, end, lost, twice"
HEADS = tuple(_NAMES.split(", "))
SPANS = (timedelta(hours=1), timedelta(hours=24))
KINDS = {"none": 0, "one in ten": 10, "all": 1}


async def run(span: timedelta, bad_every: int, step: float = 5) -> Figures:
    """Measure one story in a world of its own."""
    with TemporaryDirectory() as folder:
        below = InFile(Path(folder) / "ledger.sqlite3")
        async with world(Path(folder), below, begin=START, confirm_above=ORDERS) as here:
            user = here.env.create_user("ann")
            await here.connect(user)
            return await measure(here, user, span, bad_every, step)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=float, default=5, help="seconds of virtual time between two looks of the bot")
    options = parser.parse_args()
    lines: list[tuple[str, ...]] = [HEADS]
    for span in SPANS:
        for name, bad_every in KINDS.items():
            found = asyncio.run(run(span, bad_every, options.step))
            times = (found.first, found.shown, found.bad_shown, found.bad_pushed, found.end)
            counts = (str(found.messages), str(found.edits), *(f"{at.total_seconds():.0f} s" for at in times))
            lines.append((f"{span}", name, *counts, str(found.lost), str(found.doubled)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))


if __name__ == "__main__":
    main()
