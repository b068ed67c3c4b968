"""What is counted of the calls to the panel against one limit: those of the last minute, and those under way (pure)."""

from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from math import inf

from bot.domain.polling import later

_MINUTE = timedelta(minutes=1)
WINDOW = _MINUTE + timedelta(seconds=2)
"""A call that was slow on its way may reach the panel in the same minute as one sent so much later."""
_SAME_RESET = timedelta(seconds=2)
"""Two times that headers give for the end of one minute, in whole seconds and by clocks that are not quite alike."""
_LATEST_ANSWER = timedelta(minutes=2)
"""An answer that names a minute which ended longer ago does not come late: the panel's clock was set."""


class CallKind(IntEnum):
    """What a call is for; the smaller goes first.

    For COMMAND somebody waits at the screen, PREVIEW is asked beside a question, SEND is what the ledger says is to be
    sent, and WATCH everything else.
    """

    COMMAND = 0
    PREVIEW = 1
    SEND = 2
    WATCH = 3


@dataclass(slots=True)
class Quota:
    """What the panel's headers have last said is left, and the calls that this may not count yet.

    Answers to calls that were under way together come in any order. The least that was heard for a minute is as of the
    call that the panel counted last among those answered; whatever it has counted since is still under way, or ended
    without such a header.
    """

    under_way: int = 0
    remaining: int = 0
    reset: datetime | None = None
    unheard: int = 0
    """Calls that ended without saying what was left after them."""
    refused_until: datetime | None = None

    def hear(self, remaining: int | None, reset: datetime | None, now: datetime) -> None:
        """Take over what a call's end says; `remaining`: None where it says nothing."""
        if remaining is None or reset is None:
            self.unheard += 1
        elif self.reset and abs(reset - self.reset) <= _SAME_RESET:
            self.remaining = min(self.remaining, remaining)
        elif not self.reset or not timedelta() < self.reset - reset < _LATEST_ANSWER:  # else it is of a minute before
            self.remaining, self.reset, self.unheard = remaining, reset, 0
        if self.reset and now < self.reset and self.remaining <= self.unheard:
            self.refuse(self.reset)

    def room(self, now: datetime) -> float:
        """Return how many more calls may begin now; without end where nobody has said."""
        if self.reset is None or now >= self.reset:
            return inf
        return self.remaining - self.under_way - self.unheard

    def blocked_until(self, now: datetime) -> datetime | None:
        """Return until when the panel takes no call, or None where it does."""
        return self.refused_until if self.refused_until and self.refused_until > now else None

    def refuse(self, until: datetime | None) -> None:
        """Take no call until then, or until a later time that was set before."""
        self.refused_until = later(self.refused_until, until)

    def follow_clock(self, now: datetime) -> None:
        """Go on after the machine's clock was set back."""
        self.refused_until = self.refused_until and min(self.refused_until, now + _MINUTE)
        self.reset = self.reset and min(self.reset, now + _MINUTE)


@dataclass(slots=True)
class CallCount:
    """Calls of the last minute against one limit, and a time before which the panel wants none."""

    limit: int
    share: float
    spent: deque[datetime] = field(default_factory=deque[datetime])
    sent: deque[datetime] = field(default_factory=deque[datetime])
    """What the scheduler has sent, for watching or not."""
    watched: deque[datetime] = field(default_factory=deque[datetime])
    refused_until: datetime | None = None

    def follow_clock(self, now: datetime) -> None:
        """Count what a clock that was set back has put into the future as of now."""
        self.spent = deque(min(time, now) for time in self.spent)
        self.sent = deque(min(time, now) for time in self.sent)
        self.watched = deque(min(time, now) for time in self.watched)
        if self.refused_until:
            self.refused_until = min(self.refused_until, now + _MINUTE)

    def absorb(self, other: "CallCount") -> None:
        """Count what was counted elsewhere as well; what both have counted is the same call."""
        self.spent = _union(self.spent, other.spent)
        self.sent = _union(self.sent, other.sent)
        self.watched = _union(self.watched, other.watched)
        self.refused_until = later(self.refused_until, other.refused_until)

    @property
    def most_watched(self) -> int:
        """How many calls a minute may be for watching."""
        return max(int(self.limit * self.share), 1)

    def blocked_until(self, now: datetime, kind: CallKind, before: int = 0) -> datetime | None:
        """Return when this layer takes the next call of a kind, behind `before` others; None when it takes one now."""
        free = now + WINDOW if before >= self.limit else full(self.spent, self.limit - before, now)
        until = later(free, self.refused_until)
        if kind is CallKind.WATCH:
            until = later(until, full(self.watched, self.most_watched, now))
        return until if until and until > now else None

    def earliest(self, now: datetime, calls: int) -> datetime:
        """Return when the last of `calls` more calls can be made, if nobody else makes any."""
        rounds, more = divmod(calls - 1, self.limit)
        full(self.spent, self.limit, now)
        before = len(self.spent) + more - self.limit
        free = self.spent[before] + WINDOW if before >= 0 else now
        return max(free, self.refused_until or now) + rounds * WINDOW

    def remaining(self, now: datetime) -> int:
        """Return how many calls this layer takes now."""
        if self.refused_until and self.refused_until > now:
            return 0
        full(self.spent, self.limit, now)
        return max(self.limit - len(self.spent), 0)

    def spend(self, now: datetime, kind: CallKind) -> None:
        """Count a call."""
        self.spent.append(now)
        if kind >= CallKind.SEND:
            self.sent.append(now)
        if kind is CallKind.WATCH:
            self.watched.append(now)

    def refund(self, kind: CallKind, spent_at: datetime) -> None:
        """Count a call less, unless it was spent so long ago that it counts no more."""
        for times in (self.spent, self.sent, self.watched)[: 1 + (kind >= CallKind.SEND) + (kind is CallKind.WATCH)]:
            with suppress(ValueError):
                times.remove(spent_at)

    def refuse(self, until: datetime) -> None:
        """Take no call until then, or until a later time that was set before."""
        self.refused_until = later(self.refused_until, until)


def _union(one: Iterable[datetime], other: Iterable[datetime]) -> deque[datetime]:
    return deque(sorted((Counter(one) | Counter(other)).elements()))


def full(times: deque[datetime], limit: int, now: datetime) -> datetime | None:
    """Forget what is over; return when the next call may come, where as many were made as are allowed."""
    while times and times[0] <= now - WINDOW:
        times.popleft()
    return times[-limit] + WINDOW if len(times) >= limit else None
