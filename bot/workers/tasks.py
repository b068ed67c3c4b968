"""Waiting and supervising, for the loops that run beside the Discord client."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from time import monotonic
from typing import Any, TypeVar

from bot.domain.clock import Clock
from bot.domain.polling import retry_after
from bot.ledger import LedgerError

log = logging.getLogger(__name__)

T = TypeVar("T")

_LONG_RUN = 600
"""Seconds after which a loop's next fault counts as its first."""


LEDGER_PAUSE = timedelta(seconds=5)
"""Between two tries while the ledger fails: it is the bot's own, so asking costs nobody anything, and what the panel
does meanwhile is for somebody to pay."""


class Stopped(Exception):
    """The process is to end, so what was begun has been broken off."""


class WakeEvent:
    """Wakes a loop before its next appointment."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.turned_at = monotonic()
        """When its loop last got through a turn, by the machine's monotonic clock: one that hangs falls silent, and so
        does one that breaks off each time."""
        self.begun_at = self.turned_at
        """When its loop last began a turn: one that breaks off begins again, one that hangs does not."""

    def ring(self) -> None:
        """Wake the loop: there may be something to do."""
        self._rung.set()

    @property
    def is_rung(self) -> bool:
        """Whether the loop is to wake, or was woken and has not asked for work yet."""
        return self._rung.is_set()

    def reset(self) -> None:
        """Forget past rings at the beginning of a turn; to be called before asking for work, so that none is missed."""
        self._rung.clear()
        self.begun_at = monotonic()

    def turned(self) -> None:
        """Note that the loop has got through what it had to do, or a part of it."""
        self.turned_at = monotonic()

    async def wait(
        self, until: datetime | None, clock: Clock, tasks: Iterable[asyncio.Task[Any]], stop: asyncio.Event
    ) -> None:
        """Wait after a turn for a ring, a time, the end of any task or the stop, whichever comes first."""
        self.turned()
        bells = [asyncio.create_task(self._rung.wait()), asyncio.create_task(stop.wait())]
        seconds = None if until is None else max((until - clock()).total_seconds(), 0)
        try:
            await asyncio.wait([*bells, *tasks], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for bell in bells:
                bell.cancel()


async def repeat(work: Callable[[], Awaitable[datetime]], bell: WakeEvent, clock: Clock, stop: asyncio.Event) -> None:
    """Do until `stop` what is due, each time the loop is woken or the time comes that `work` has returned."""
    while not stop.is_set():
        bell.reset()
        await bell.wait(await work(), clock, (), stop)


def pause_after(error: Exception, failures: int, random: Random) -> timedelta:
    """Return the pause after a fault, the n-th in a row."""
    return LEDGER_PAUSE if isinstance(error, LedgerError) else retry_after(failures, random)


async def supervise(run: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
    """Run a loop until `stop`; where it breaks, log it and begin again after a growing pause."""
    failures = 0
    while not stop.is_set():
        began = monotonic()
        try:
            await run(stop)
        except Exception as error:
            failures = failures + 1 if monotonic() - began < _LONG_RUN else 1
            log.exception("%s broke off; beginning again", run)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_after(error, failures, Random()).total_seconds())


async def unless_stopped(work: Coroutine[Any, Any, T], stop: asyncio.Event) -> T:
    """Do something that may take long, and break it off at `stop`; raise Stopped then, whatever became of it."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        task.cancel()
        await asyncio.wait([task])
    if task.cancelled() or (stop.is_set() and task.exception()):
        raise Stopped
    return task.result()
