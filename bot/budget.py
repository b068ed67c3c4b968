"""How many calls may still go to the panel: one budget for the IP address, one for each key."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.panel import Limits, RateLimited
from bot.schedule import later

_WINDOW = timedelta(minutes=1)
_DENIED_WITHOUT_RESET = timedelta(seconds=30)


@dataclass(slots=True)
class _Layer:
    """Calls of the last minute against one limit, and a time before which the panel wants none."""

    limit: int
    spent: deque[datetime] = field(default_factory=deque[datetime])
    closed_until: datetime | None = None

    def follow_clock(self, now: datetime) -> None:
        """Count what a clock that was set back has put into the future as of now."""
        self.spent = deque(min(time, now) for time in self.spent)
        if self.closed_until:
            self.closed_until = min(self.closed_until, now + _WINDOW)

    def closed(self, now: datetime) -> datetime | None:
        """Return until when this layer takes no call, or None when it takes one now."""
        while self.spent and self.spent[0] <= now - _WINDOW:
            self.spent.popleft()
        full_until = self.spent[-self.limit] + _WINDOW if len(self.spent) >= self.limit else None
        until = later(full_until, self.closed_until)
        return until if until and until > now else None


class Budget:
    """Counts calls a minute, and learns from the panel's headers and its 429s (NotPanel docs, rate limits)."""

    def __init__(self, clock: Clock, ip_limit: int, key_limit: int) -> None:
        self._clock = clock
        self._ip = _Layer(ip_limit)
        self._keys: defaultdict[int, _Layer] = defaultdict(lambda: _Layer(key_limit))

    def closed(self, user_id: int) -> datetime | None:
        """Return until when this user's key may not be used, or None when it may be used now."""
        now = self._clock()
        return later(self._ip.closed(now), self._keys[user_id].closed(now))

    def spend(self, user_id: int) -> None:
        """Count one call, or raise RateLimited where the panel would refuse it."""
        until = self.closed(user_id)
        if until:
            raise RateLimited(reset=until)
        now = self._clock()
        self._ip.spent.append(now)
        self._keys[user_id].spent.append(now)

    def follow_clock(self) -> None:
        """Go on after the machine's clock was set back."""
        for layer in (self._ip, *self._keys.values()):
            layer.follow_clock(self._clock())

    def learn(self, user_id: int, limits: Limits) -> None:
        """Close a key's budget when the panel says that nothing remains until a reset."""
        if limits.remaining == 0 and limits.reset:
            self._keys[user_id].closed_until = limits.reset

    def denied(self, user_id: int, error: RateLimited) -> None:
        """Close the layer that refused: all calls for `ip`, else only this key's."""
        layer = self._ip if error.layer == "ip" else self._keys[user_id]
        reset = error.reset or self._clock() + _DENIED_WITHOUT_RESET
        layer.closed_until = later(layer.closed_until, reset)
