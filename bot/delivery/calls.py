"""What card updates and notifications share: how long a call to Discord may take, and how their loops run."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.clock import Clock
from bot.workers.tasks import WakeEvent

T = TypeVar("T")

_SEND_TIMEOUT = 15  # seconds; discord.py's own calls may hang for 300 s holding the route's lock
HELD = timedelta(seconds=_SEND_TIMEOUT + 5)
"""For so long a card or a notice is left to whoever is sending it; should they have died, somebody else comes then."""
IDLE = timedelta(minutes=1)


async def in_time(call: Awaitable[T]) -> T:
    """Bound a call to Discord; running out of time leaves it open whether it arrived."""
    async with asyncio.timeout(_SEND_TIMEOUT):
        return await call


async def repeat(work: Callable[[], Awaitable[datetime]], bell: WakeEvent, clock: Clock, stop: asyncio.Event) -> None:
    """Do until `stop` what is due, each time the loop is woken or the next is due."""
    while not stop.is_set():
        bell.reset()
        await bell.wait(await work(), clock, (), stop)
