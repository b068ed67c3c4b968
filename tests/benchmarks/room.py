"""How many bytes of ledger an order takes that the real bot has cancelled, and what takes them, its steps deleted.

Forty-nine short requests come to one of a thousand orders, about as many orders in the short as in the long ones.
"""

import argparse
import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.sides import UNLIMITED, unlimited_panel
from tests.benchmarks.table import Row, plain, show, tell, within
from tests.wire.process import SETTINGS
from tests.wire.stage import KEY, Stage, stage

_SHORT, _LONG = 20, 1_000
_MOST = 278
"""Bytes: half of what 0.1.0 took."""
_BY_NAME = "SELECT name, SUM(pgsize) AS size FROM dbstat GROUP BY name ORDER BY size DESC LIMIT 14"
_USED = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)


async def measure(orders: int, length: int) -> list[Row]:
    """Have about so many orders cancelled; return the lines of the table."""
    with TemporaryDirectory() as folder:
        async with stage(Path(folder), unlimited_panel(0.001)) as here:
            here.bot.settings = {**SETTINGS, **UNLIMITED}
            await here.bot.start(WIRE_PATIENT="1")
            await here.connect()
            rounds = max(orders // (49 * _SHORT + _LONG), 1)
            tell(f"{rounds * (49 * _SHORT + _LONG):,} orders are cancelled")
            number = 0
            for count in (*([_SHORT] * 49), _LONG) * rounds:
                await _cancel(here, [f"ord_{one:0{length - 4}}" for one in range(number, number + count)])
                number += count
            await here.all_notified(1_200)
            await here.bot.terminate()
        return _rows(Path(folder) / "ledger.sqlite3", number)


async def _cancel(here: Stage, orders: list[str]) -> None:
    for order in orders:
        here.panel.add_order(KEY, order)
    asked = await here.discord.slash("cancel", file="\n".join(orders).encode())
    await here.discord.until(lambda: bool(asked.text))


def _rows(path: Path, orders: int) -> list[Row]:
    with closing(sqlite3.connect(path, isolation_level=None)) as ledger:
        ((whole,),) = ledger.execute(_USED)
        ledger.execute("DELETE FROM transitions")  # as the housekeeping does after a week
        ((used,),) = ledger.execute(_USED)
        parts = ledger.execute(_BY_NAME).fetchall()
    return [
        Row("bytes an order, with its steps", plain(whole / orders)),
        within("bytes an order, its steps deleted", used / orders, _MOST, plain),
        *(Row(f"  {name}", f"{size / orders:.1f}") for name, size in parts),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--orders", type=int, default=40_000)
    parser.add_argument("--length", type=int, default=30, help="characters of an order ID")
    wanted = parser.parse_args()
    show(asyncio.run(measure(wanted.orders, wanted.length)))
