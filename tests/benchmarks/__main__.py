"""Measures most, and prints one table: `make bench`. Every part can be run alone by its name.

Of the lists only the most telling are here; the schedule, and what takes longer, is measured by its name alone.
"""

import argparse
import asyncio
import os
import platform
import sqlite3

from tests.benchmarks import answers, beside, ledger, lists, start, upload
from tests.benchmarks.table import Row, show


async def measure() -> list[Row]:
    """Return all lines of the table."""
    return [
        *await start.measure(),
        *await answers.measure(),
        *await lists.measure(lists.TELLING),
        *await beside.measure([1]),
        *await upload.measure(),
        *await ledger.measure(),
    ]


async def measure_quickly() -> list[Row]:
    """Return all lines of the table, from too few measurements to be believed."""
    return [
        *await start.measure(rounds=2),
        *await answers.measure(rounds=30, orders=1_000),
        *await lists.measure(lists.QUICK),
        *await beside.measure([0.1]),
        *await upload.measure(orders=10_000),
        *await ledger.measure(steps=40, starts=1, work=5),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in a minute, to see whether it works")
    measuring = measure_quickly() if parser.parse_args().quick else measure()
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores", flush=True)
    show(asyncio.run(measuring))


if __name__ == "__main__":
    main()
