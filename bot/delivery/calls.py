"""How long a call to Discord may take, for card updates and notifications alike."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")

_SEND_TIMEOUT = 15  # seconds; discord.py's own calls may hang for 300 s holding the route's lock
HELD = timedelta(seconds=_SEND_TIMEOUT + 5)
"""How long a card or notice is left to the process that sends it. If that process died, another takes over then."""
IDLE = timedelta(minutes=1)


async def in_time(call: Awaitable[T]) -> T:
    """Bound a call to Discord; running out of time leaves it open whether it arrived."""
    async with asyncio.timeout(_SEND_TIMEOUT):
        return await call
