"""How long a call to Discord may take, and the loop of all that sends or edits messages."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

import discord

from bot.domain.clock import Clock
from bot.domain.polling import earlier, later
from bot.ledger import Ledger, Work
from bot.workers.tasks import WakeEvent, repeat

T = TypeVar("T")

_SEND_TIMEOUT = 15  # seconds; discord.py's own calls may hang for 300 s holding the route's lock
HELD = timedelta(seconds=_SEND_TIMEOUT + 5)
"""How long a card or notice is left to the process that sends it. If that process died, another takes over then."""
MAY_STILL_ARRIVE = timedelta(minutes=1)
"""How long an unanswered call may still take effect, after a later one."""
IDLE = timedelta(minutes=1)
AT_ONCE = 5
BATCH_PAUSE = timedelta(seconds=1)
"""After each batch of messages: there is no published limit for DMs, but many at once get a bot flagged."""


async def in_time(call: Awaitable[T]) -> T:
    """Bound a call to Discord; running out of time leaves it open whether it arrived."""
    async with asyncio.timeout(_SEND_TIMEOUT):
        return await call


class DeliveryLoop(ABC):
    """Delivers what is due, a batch at a time; it may pause between two."""

    longest_pause = BATCH_PAUSE

    def __init__(self, client: discord.Client, ledger: Ledger, work: Work, clock: Clock) -> None:
        self.bell = WakeEvent()
        ledger.when_due(work, self.bell.ring)
        self._client = client
        self._ledger = ledger
        self._clock = clock
        self._random = Random()
        self._not_before: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`; beside the others, which must not wait for a call that hangs."""
        await repeat(self.deliver_due, self.bell, self._clock, stop)

    async def deliver_due(self) -> datetime:
        """Deliver one batch of what is due; return when the next may be."""
        now = self._clock()
        if self._not_before and now < self._not_before <= now + self.longest_pause:
            return self._not_before
        self._not_before = None  # over, or of another clock
        if pause := await self._deliver_batch(now):
            self._not_before = later(self._not_before, now + pause)
        due = await self._next_due(now)
        return earlier(due and later(due, self._not_before), now + IDLE)

    @abstractmethod
    async def _deliver_batch(self, now: datetime) -> timedelta | None:
        """Deliver some of what is due; return how long to pause then, None for not at all."""

    @abstractmethod
    async def _next_due(self, now: datetime) -> datetime | None: ...
