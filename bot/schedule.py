"""When to look, retry and give up (pure; every duration is a timedelta)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

OVERDUE_AFTER = timedelta(hours=72)
"""NotPanel's upper bound for an upstream cancel; past it the user is told once and looks get rarer."""
EXPIRES_AFTER = timedelta(days=30)
DRAFT_LIVES = timedelta(minutes=15)
"""How long Confirm and Keep may be pressed: as long as an interaction's token lives."""

_LOOKS_PER_AGE = 10
_OVERDUE_FACTOR = 4
_RESENDS = (timedelta(), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
_RETRY_FIRST = timedelta(seconds=2)
_RETRY_MAX = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class WatchIntervals:
    """The shortest and the longest pause between two looks at one order."""

    shortest: timedelta
    longest: timedelta


def next_look(age: timedelta, intervals: WatchIntervals) -> timedelta:
    """Return how long to wait before looking again at an order asked to cancel `age` ago.

    A tenth of the age: what is fresh ends soon or late, what is old seldom ends within the minute, so
    an outcome is found at most a tenth of its waiting time late for about log(age) looks.
    """
    pause = min(max(age / _LOOKS_PER_AGE, intervals.shortest), intervals.longest)
    return pause * _OVERDUE_FACTOR if age > OVERDUE_AFTER else pause


def farthest(intervals: WatchIntervals) -> timedelta:
    """Return how far ahead anything is ever planned; what is due later was planned by another clock."""
    return max(intervals.longest * _OVERDUE_FACTOR, timedelta(hours=1))


def resend_after(doubts: int) -> timedelta:
    """Return how long after a cancel call without a clear answer the next may go out, `doubts` such calls so far.

    The first at once, since a look has just shown the order running; then rarer, so that a panel which fails at
    cancelling alone is not out of tries before it is well again.
    """
    return _RESENDS[min(max(doubts, 1), len(_RESENDS)) - 1]


def retry_after(failures: int, random: Random) -> timedelta:
    """Return the pause after the n-th failure in a row: doubling, capped, jittered by a quarter."""
    doubled = _RETRY_FIRST * 2 ** min(max(failures - 1, 0), 16)
    return min(doubled, _RETRY_MAX) * random.uniform(0.75, 1.25)


def earlier(one: datetime | None, other: datetime) -> datetime:
    """Return the earlier of two times, the first of which may be absent."""
    return other if one is None else min(one, other)


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two times, either of which may be absent."""
    known = [time for time in (one, other) if time is not None]
    return max(known, default=None)
