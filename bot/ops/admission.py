"""When many people want something at once, each gets a first answer before the work begins.

Discord takes a first answer for three seconds. discord.py opens a connection for each that is not answered yet and goes
on with the first commands meanwhile, so that of thousands in one instant most are answered too late.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

MOST_AT_WORK = 1_000
"""Commands and presses that have been acknowledged and are not done yet; more are turned away at once."""
_ANSWERS_AT_ONCE = 64
"""First answers on their way to Discord: each has a connection, which the next one takes over."""
_WORK_WAITS = 3
"""Seconds, at most, for which work lets first answers go before it."""


class Admission:
    """Lets first answers go before work, in the order of their questions, and refuses what is too much."""

    def __init__(self) -> None:
        self._on_their_way = asyncio.Semaphore(_ANSWERS_AT_ONCE)
        self._waiting = 0
        self._none_waits = asyncio.Event()
        self._none_waits.set()
        self._at_work: set[asyncio.Task[object]] = set()

    def admit(self) -> bool:
        """Count the current task as work until its end; False where there is enough of that."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._at_work) >= MOST_AT_WORK:
            return False
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        return True

    @asynccontextmanager
    async def answering(self) -> AsyncGenerator[None]:
        """Wait for a turn to send a first answer to Discord, and hold it meanwhile."""
        self._waiting += 1
        self._none_waits.clear()
        try:
            await self._on_their_way.acquire()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._none_waits.set()
        try:
            yield
        finally:
            self._on_their_way.release()

    async def after_answers(self) -> None:
        """Wait until no first answer waits for its turn, for some seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_WORK_WAITS):
                await self._none_waits.wait()
