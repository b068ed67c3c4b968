"""Whether what is tried for accounts comes to anything: a loop that turns says nothing of that."""

from datetime import datetime, timedelta

from bot.domain.clock import Clock

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
