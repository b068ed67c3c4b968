"""Whether what is tried for accounts comes to anything: a loop that turns says nothing of that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.clock import Clock
from bot.workers.budget import Ticket

_TRIED_LATELY = timedelta(minutes=10)
"""Something that fails is tried again sooner; after that nothing is due any more, or the panel's limits forbid it."""


class Progress:
    """Since when every try has failed. What the panel's limits, a key or another process forbid is no try."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: datetime | None = None
        self._last: datetime | None = None

    def failed(self) -> None:
        """Note that a try has come to nothing."""
        if not self._is_lately(now := self._clock()):
            self._since = now
        self._last = now

    def succeeded(self) -> None:
        """Note that one has come to something, whose ever it was."""
        self._since = self._last = None

    @property
    def failing_for(self) -> timedelta:
        """For how long all has failed that was tried; nothing where something came of it, or nothing is tried."""
        now = self._clock()
        return now - self._since if self._since and self._is_lately(now) else timedelta()

    def _is_lately(self, now: datetime) -> bool:
        return self._last is not None and self._last <= now < self._last + _TRIED_LATELY


@dataclass(slots=True)
class _Streak:
    failures: int
    last: Ticket
    until: int
    """The number of the call that was begun last when the last failure was counted."""

    def covers(self, ticket: Ticket) -> bool:
        return ticket.count is self.last.count and ticket.number <= self.until


class Streaks:
    """How often in a row each account's calls have failed. What was under way together fails once."""

    def __init__(self) -> None:
        self._streaks: dict[int, _Streak] = {}

    def goes_on(self, account_id: int) -> bool:
        """Tell whether an account's last calls have failed."""
        return account_id in self._streaks

    def failed(self, account_id: int, ticket: Ticket) -> tuple[int, bool]:
        """Count a call that failed; return how many have in a row, and whether this one was counted."""
        streak = self._streaks.get(account_id)
        if streak and streak.covers(ticket):
            return streak.failures, False
        failures = streak.failures + 1 if streak else 1
        self._streaks[account_id] = _Streak(failures, ticket, ticket.count.begun)
        return failures, True

    def succeeded(self, account_id: int, ticket: Ticket, *, proves: bool = True) -> bool:
        """Note a call that was answered; tell whether it has ended a row of failures.

        `proves`: also where it was begun before the last of them, and may be an answer from better times.
        """
        streak = self._streaks.get(account_id)
        if streak is None or (not proves and streak.covers(ticket)):
            return False
        del self._streaks[account_id]
        return True
