"""What the operator is told: counted while the bot works, and read from the ledger when somebody asks.

Nothing here knows who does the asking (bot/http, cogs/admin.py), and no user is in it. A process counts for itself and
begins at nothing; what the ledger says is the same for all that share one.
"""

import asyncio
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from bot.domain.clock import Clock
from bot.domain.refunds import Refund
from bot.domain.states import State
from bot.ledger import Ledger, Standing
from bot.panel import Called
from bot.workers.budget import Budget
from bot.workers.tasks import WakeEvent

ACKNOWLEDGED_WITHIN = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)
"""Seconds; Discord takes a first answer for three."""
CALLED_WITHIN = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds; a call to the panel ends by its own time-outs."""
INVALID_WINDOW = timedelta(minutes=10)
"""Discord bars an address that sends 10,000 invalid requests (401, 403, 429) in that time."""
MOST_INVALID = 10_000
_READ_EVERY = timedelta(seconds=5)
_STALLED_AFTER = 300
"""Seconds. A loop turns once a minute, or after a time-out of Discord or the panel: it never takes this long."""
_FAILING_AFTER = timedelta(minutes=5)
"""What fails is tried again within that time, so it has failed several times."""
_LEDGER_PATIENCE = 5
"""Seconds for which the ledger may keep somebody waiting who only asks whether it is there."""


class Histogram:
    """How many durations were at most so long, and all of them together."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.total = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self._counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self._counts)

    def at_most(self) -> list[int]:
        """Return how many were within each bound, and how many there were at all."""
        sums, so_far = list[int](), 0
        for count in self._counts:
            so_far += count
            sums.append(so_far)
        return sums

    def within(self, share: float) -> float | None:
        """Return the least bound that so large a share keeps to; None where there is none, or nothing to go by."""
        if not self.count:
            return None
        return next(
            (bound for bound, sum in zip(self.bounds, self.at_most(), strict=False) if sum >= share * self.count), None
        )


class Figures:
    """Counts what this process does; whoever does it is handed the method that counts it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.started_at = clock()
        self.acknowledged = Histogram(ACKNOWLEDGED_WITHIN)
        self.not_acknowledged = 0
        self.turned_away = 0
        """Commands and presses that were told to come back, since there was too much to do."""
        self.panel_calls: Counter[tuple[str, str]] = Counter()
        self.panel_seconds = Histogram(CALLED_WITHIN)
        self.panel_answered_at: datetime | None = None
        """When a call to the panel last came to something."""
        self.keys_refused: Counter[str] = Counter()
        """By what a refusal means (bot/workers/key_doubts.py); "new": of a key that somebody wanted to connect."""
        self.ended: Counter[State] = Counter()
        self.refunds: Counter[Refund] = Counter()
        self.discord_requests: Counter[str] = Counter()
        self.webhook_calls: Counter[str] = Counter()
        self.nudged = 0
        self._invalid: deque[datetime] = deque(maxlen=MOST_INVALID)

    def panel_called(self, called: Called) -> None:
        """Count a call to the panel."""
        self.panel_calls[called.action, called.outcome] += 1
        self.panel_seconds.add(called.seconds)
        if called.outcome == "ok":
            self.panel_answered_at = self._clock()

    def key_refused(self, meaning: str) -> None:
        """Count a key that the panel has refused."""
        self.keys_refused[meaning] += 1

    def discord_answered(self, status: int, shared: bool) -> None:
        """Count a request that Discord has answered; `shared`: a 429 of a limit that is not this bot's own."""
        if status in (401, 403) or (status == 429 and not shared):
            self.discord_requests["invalid"] += 1
            self._invalid.append(self._clock())
        else:
            self.discord_requests["ok" if status < 400 else "failed"] += 1

    @property
    def invalid_of_late(self) -> int:
        """How many invalid requests there were in the time over which Discord counts them."""
        since = self._clock() - INVALID_WINDOW
        while self._invalid and self._invalid[0] <= since:
            self._invalid.popleft()
        return len(self._invalid)

    def record_ended(self, states: Iterable[State], refunds: Iterable[Refund]) -> None:
        """Count cancellations that have just ended by what the panel said, and refunds by what proves them."""
        self.ended.update(state for state in states if not state.is_open)
        self.refunds.update(refunds)


@dataclass(frozen=True, slots=True)
class Overview:
    """All figures as of one time. `standing` is None while the ledger cannot be read."""

    now: datetime
    figures: Figures
    standing: Standing | None
    remaining: Mapping[str, int]
    loops: Mapping[str, float]
    connected: bool
    slow_calls: int
    failing_for: timedelta
    files_waiting: int


class Work(Protocol):
    """What is done for accounts, as far as the operator is told of it (Worker)."""

    @property
    def slow_calls(self) -> int:
        """How many turns take long."""
        ...

    @property
    def failing_for(self) -> timedelta:
        """For how long nothing has come of anything that was due."""
        ...

    @property
    def hanging_for(self) -> timedelta:
        """For how long the oldest turn has been under way."""
        ...


class Operator:
    """What whoever runs the bot may ask of it."""

    def __init__(
        self,
        figures: Figures,
        ledger: Ledger,
        budget: Budget,
        clock: Clock,
        *,
        loops: Mapping[str, WakeEvent],
        connected: Callable[[], bool],
        work: Work,
        files_waiting: Callable[[], int],
    ) -> None:
        self._figures = figures
        self._ledger = ledger
        self._budget = budget
        self._clock = clock
        self._loops = loops
        self._connected = connected
        self._work = work
        self._files_waiting = files_waiting
        self._reading = asyncio.Lock()
        self._standing: tuple[datetime, Standing] | None = None

    @property
    def connected(self) -> bool:
        """Tell whether the gateway to Discord is open."""
        return self._connected()

    async def overview(self) -> Overview:
        """Return all figures; the ledger is read at most once in some seconds, however many ask."""
        try:
            standing = await self._read()
        except Exception:
            standing = None  # what the process has counted is worth the more then
        return Overview(
            self._clock(),
            self._figures,
            standing,
            self._budget.remaining(),
            self._silences(),
            self.connected,
            self._work.slow_calls,
            self._work.failing_for,
            self._files_waiting(),
        )

    async def _read(self) -> Standing:
        async with asyncio.timeout(_LEDGER_PATIENCE), self._reading:
            now = self._clock()
            if self._standing and self._standing[0] <= now < self._standing[0] + _READ_EVERY:
                return self._standing[1]
            standing = await self._ledger.read.standing()
            self._standing = now, standing
            return standing

    def _silences(self) -> dict[str, float]:
        """Return for how many seconds each loop has not begun a turn."""
        now = monotonic()
        return {name: now - bell.turned_at for name, bell in self._loops.items()}

    async def faults(self) -> list[str]:
        """Return why work that is due, and that the panel's limits allow, is not done. Discord is no reason."""
        stalled = [f"{name} stalled" for name, silent in self._silences().items() if silent > _STALLED_AFTER]
        if (failing := self._work.failing_for) > _FAILING_AFTER:
            minutes = failing // timedelta(minutes=1)
            stalled.append(f"nothing has been sent or checked for {minutes} minutes, though something is due")
        if (hanging := self._work.hanging_for) > _FAILING_AFTER:
            stalled.append(f"work on an account has not ended for {hanging // timedelta(minutes=1)} minutes")
        try:
            async with asyncio.timeout(_LEDGER_PATIENCE):
                await self._ledger.read.fact("alive")
        except Exception as error:
            return [f"ledger unreadable ({type(error).__name__})", *stalled]
        return stalled
