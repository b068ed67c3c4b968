"""How late the event loop was inside a bot's process, as tests/wire/child/sitecustomize.py notes it there."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.table import Row, p99, seconds, versus, within


@dataclass
class Span:
    """A time between two moments of the machine's steady clock."""

    since: float
    until: float = 0.0


@contextmanager
def span() -> Generator[Span]:
    """Note when something began and when it ended."""
    made = Span(time.monotonic())
    yield made
    made.until = time.monotonic()


def lags(path: Path, during: Span, *, own: bool = False) -> list[float]:
    """Return what was noted during a time; to be read after the process has ended.

    `own`: without what the machine's other processes add, of which a bound can say nothing.
    """
    noted = [tuple(map(float, line.split())) for line in path.read_text().splitlines()]
    return [bots_own if own else late for at, late, bots_own in noted if during.since <= at <= during.until]


def lag_rows(what: str, path: Path, work: Span, rest: Span | None = None) -> list[Row]:
    """Return the lines of the table; `rest`: the same process without work, for how noisy the machine is."""
    busy = lags(path, work)
    rows = [
        within(f"event loop's lag {what}, p99", p99(busy), 0.02, seconds),
        Row("  without what other processes add, p99", seconds(p99(lags(path, work, own=True)))),
    ]
    if rest:
        idle = lags(path, rest)
        rows += [
            versus("  against the same process at rest, p99", p99(busy), p99(idle), "at rest", seconds),
            versus("  the longest", max(busy), max(idle), "at rest", seconds),
        ]
    return rows
