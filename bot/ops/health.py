"""Whether the bot gets its work done: what `/healthz` and `/readyz` answer, and what operators are shown."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Generic, TypeVar

from bot.domain.clock import Clock
from bot.ledger import Availability, Ledger, Space, Standing
from bot.ops.metrics import Metrics
from bot.workers.budget import Budget
from bot.workers.scheduler import Scheduler
from bot.workers.tasks import WakeEvent

_READ_EVERY = timedelta(seconds=5)
_STALLED_AFTER = 300
"""Seconds. A loop turns once a minute, or after a time-out of Discord or the panel: it never takes this long."""
_HANGING_AFTER = 900
"""Seconds after which that is no slow answer and no passing fault, and the process is ended (bot/ops/watchdog.py)."""
_FAILING_AFTER = timedelta(minutes=5)
"""What fails is tried again within that time, so it has failed several times."""
_LEDGER_PATIENCE = 5
"""Seconds for which the ledger may keep somebody waiting who only asks whether it is there."""

T = TypeVar("T")


class _Question(Generic[T]):
    """Something to be read of the ledger, once at a time however many ask; they wait for some seconds at most."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._reading: asyncio.Future[T] | None = None

    async def ask(self) -> T:
        """Return the answer; raise what reading raises, or TimeoutError.

        Nothing is broken off: a PostgreSQL server that hangs would be waited for until it has heard of that.
        """
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read())
            self._reading.add_done_callback(lambda read: read.cancelled() or read.exception())  # nobody may be left
        async with asyncio.timeout(_LEDGER_PATIENCE):
            return await asyncio.shield(self._reading)


class Health:
    """Reads how this process and the ledger stand; `connected` tells whether the gateway to Discord is open."""

    def __init__(
        self,
        metrics: Metrics,
        ledger: Ledger,
        budget: Budget,
        clock: Clock,
        *,
        loops: Mapping[str, WakeEvent],
        connected: Callable[[], bool],
        scheduler: Scheduler,
        files_waiting: Callable[[], int],
    ) -> None:
        self.metrics = metrics
        self.budget = budget
        self.clock = clock
        self.connected = connected
        self.scheduler = scheduler
        self.files_waiting = files_waiting
        self._ledger = ledger
        self._loops = loops
        self._alive = _Question(lambda: ledger.read.fact("alive"))
        self._whole = _Question(self._read_standing)
        self._standing: tuple[datetime, Standing] | None = None
        self.space: Space | None = None
        """What the ledger took of its disk when it was last read."""

    @property
    def availability(self) -> Availability:
        """Whether the ledger can be written, as far as this process has seen."""
        return self._ledger.availability

    @property
    def engine(self) -> str:
        """What the ledger stands on."""
        return "postgresql" if self._ledger.is_shared else "sqlite"

    async def standing(self) -> Standing | None:
        """Return what the ledger holds, read at most once in some seconds however many ask; None: it is unreadable."""
        now = self.clock()
        if self._standing and self._standing[0] <= now < self._standing[0] + _READ_EVERY:
            return self._standing[1]
        try:
            return await self._whole.ask()
        except Exception:
            return None  # what the process has counted is worth the more then

    async def _read_standing(self) -> Standing:
        now = self.clock()
        standing, self.space = await self._ledger.read.standing(), await self._ledger.space()
        self._standing = now, standing
        return standing

    def silent_loops(self) -> dict[str, float]:
        """Return for how many seconds each loop has got through no turn."""
        now = monotonic()
        return {name: now - bell.turned_at for name, bell in self._loops.items()}

    def hanging(self) -> list[str]:
        """Return what has not gone on for so long that only a new process helps, while the ledger can be written.

        That is no loop which breaks off and begins again: a new process would break off as well.
        """
        now = monotonic()
        still = {f"{name} loop": now - max(bell.begun_at, bell.turned_at) for name, bell in self._loops.items()}
        still["work on an account"] = self.scheduler.hanging_for.total_seconds()
        return [what for what, seconds in still.items() if min(seconds, self.availability.well_for) > _HANGING_AFTER]

    async def faults(self) -> list[str]:
        """Return why work that is due, and that the panel's limits allow, is not done. Discord is no reason."""
        faults = [f"{name} stalled" for name, silent in self.silent_loops().items() if silent > _STALLED_AFTER]
        if (failing := self.scheduler.failing_for) > _FAILING_AFTER:
            minutes = failing // timedelta(minutes=1)
            faults.append(f"nothing has been sent or checked for {minutes} minutes, though something is due")
        if (hanging := self.scheduler.hanging_for) > _FAILING_AFTER:
            faults.append(f"work on an account has not ended for {hanging // timedelta(minutes=1)} minutes")
        try:
            await self._alive.ask()
        except Exception as error:
            faults.insert(0, f"ledger unreadable ({type(error).__name__})")
        else:
            if error := self.availability.error:
                faults.insert(0, f"ledger cannot be written ({type(error).__name__})")
        return faults
