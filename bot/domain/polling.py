"""When to check, retry and give up (pure; every duration is a timedelta).

Checking. Orders are asked about in groups, at most a hundred in one call. A group whose orders end at the rate L
(the sum of their hazards) and that is checked every T is found out T / 2 late on average, so that all groups
together cost sum(L T / 2) of delay a second, for sum(1 / T) calls a second. Under a budget of B calls a second
Lagrange's condition is L / 2 = m / T² for every group, hence T = k / sqrt(L) with one k for all: the square-root
rule of crawl scheduling. The budget then sets k = sum(sqrt(L)) / B, and the least delay there is,
sum(sqrt(L))² / 2B a second. `stretch` finds k where some groups are held at the shortest or the longest pause.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from bot.domain.hazard import Hazard

OVERDUE_AFTER = timedelta(hours=72)
"""NotPanel's upper bound for an upstream cancel; past it the user is notified once and checks get rarer."""
EXPIRES_AFTER = timedelta(days=30)
DRAFT_LIVES = timedelta(minutes=15)
"""How long Confirm and Keep may be pressed: as long as an interaction's token lives."""

MANY_TRIES = 5
LONG_TRIED = timedelta(minutes=3)
"""A delivery that has failed so often, and for so long, may be at fault itself."""

_CHECKS_PER_AGE = 50
_OVERDUE_FACTOR = 4
_JITTER = 0.1
_BISECTIONS = 30
_RESENDS = (timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
_CHECKS_BEFORE_RESEND = 2
_RECHECK = timedelta(seconds=10)
_RESENT_TOGETHER = 10
_RETRY_FIRST = timedelta(seconds=2)
_RETRY_MAX = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class WatchIntervals:
    """The shortest and the longest pause between two status checks of one order."""

    shortest: timedelta
    longest: timedelta


def urgency(ages: Iterable[timedelta], hazard: Hazard) -> float:
    """Return sqrt(L) of a group of orders: how often it deserves to be checked, compared with others."""
    return math.sqrt(sum(hazard.at(max(age.total_seconds(), 0.0)) for age in ages))


def stretch(urgencies: Collection[float], calls_per_second: float, shortest: timedelta, longest: timedelta) -> float:
    """Return k, by which all groups together keep to a budget; 0 where the shortest pause for all does."""
    low, high = shortest.total_seconds(), longest.total_seconds()
    if len(urgencies) / low <= calls_per_second:
        return 0.0
    ordered = sorted(urgencies)
    sums = [0.0, *accumulate(ordered)]
    too_small, enough = 0.0, high * ordered[-1]
    for _ in range(_BISECTIONS):
        k = (too_small + enough) / 2
        longer, shorter = bisect_left(ordered, k / high), bisect_right(ordered, k / low)
        calls = longer / high + (sums[shorter] - sums[longer]) / k + (len(ordered) - shorter) / low
        too_small, enough = (k, enough) if calls > calls_per_second else (too_small, k)
    return enough


def next_check(
    age: timedelta, urgent: float, k: float, longest: timedelta, intervals: WatchIntervals, random: Random
) -> timedelta:
    """Return how long to wait before checking again a group whose youngest order is of that age.

    Where the budget would allow more, nothing is found later than a fiftieth of the time that it has taken; what is
    overdue is checked less often still. Jittered, so that no two groups march in step.
    """
    pause = max(timedelta(seconds=k / urgent), age / _CHECKS_PER_AGE, intervals.shortest)
    pause = min(pause, longest) * random.uniform(1 - _JITTER, 1 + _JITTER)
    return pause * _OVERDUE_FACTOR if age > OVERDUE_AFTER else pause


def farthest(intervals: WatchIntervals) -> timedelta:
    """Return how far ahead anything is ever planned; what is due later was planned by another clock."""
    return max(intervals.longest * _OVERDUE_FACTOR, timedelta(hours=1))


def resend_after(ambiguous_attempts: int) -> timedelta:
    """Return the pause after an ambiguous cancel call; `ambiguous_attempts`: how many there were.

    The panel may carry out a call whose answer was lost after the status check that follows. Each pause is longer, so
    that a panel which fails at cancelling alone is not out of tries before it is well again.
    """
    return _RESENDS[min(max(ambiguous_attempts, 1), len(_RESENDS)) - 1]


def may_resend(now: datetime, resend_at: datetime | None, running_checks: int) -> bool:
    """Tell whether an order may be sent again that this status check, and some before it, have shown running.

    `resend_at`: not before then, None for at once; `running_checks`: how many before this one, since the last call.
    """
    return running_checks + 1 >= _CHECKS_BEFORE_RESEND and (resend_at is None or resend_at <= now)


def check_before_resend(now: datetime, resend_at: datetime | None) -> datetime:
    """Return when to check next an order that waits to be sent again."""
    return max(now + _RECHECK, resend_at or now)


def resent_together(ambiguous_attempts: int, waiting: int) -> int:
    """Return how many of the orders that wait to be sent again go into one call.

    One of them may be why the panel failed at all: half of them at most, then each alone.
    """
    return 1 if ambiguous_attempts > 1 else min(_RESENT_TOGETHER, -(-waiting // 2))


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
