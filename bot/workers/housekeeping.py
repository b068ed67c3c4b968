"""Keeps the ledger from growing without end: a little is deleted at a time, and nobody has to wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from bot.domain.clock import Clock
from bot.ledger import Ledger, Writer
from bot.workers.tasks import WakeEvent

STEPS_FOR = timedelta(days=7)
"""How long the steps of an order are kept beside its outcome: evidence for a fault that is looked into soon."""
MOST_ENDED = 1_000_000
"""Ended orders that are kept of one user; the oldest go first. At ten thousand a day that is a hundred days."""
MOST_REQUESTS = 100_000
"""Requests of a user that are kept although all of their orders are another request's."""
_EVERY = timedelta(minutes=1)
_USERS = 50
"""Users who are looked at for a surplus in a minute: counting a million rows takes a twentieth of a second."""
_PIECES = 600
"""Pieces deleted in a minute: 60,000 orders."""
_BETWEEN_PIECES = 0.05
"""Seconds that others have the ledger to themselves between two pieces."""


class Housekeeping:
    """Deletes what is older than KEEP_DAYS, steps of orders sooner, and ledgers that were set aside after a month."""

    def __init__(self, ledger: Ledger, clock: Clock, keep: timedelta) -> None:
        self.bell = WakeEvent()
        self._ledger = ledger
        self._clock = clock
        self._keep = keep
        self._checked_at = 0
        """The user who was checked last for a surplus."""

    async def run(self, stop: asyncio.Event) -> None:
        """Once a minute until `stop`, delete what is too old by then."""
        while not stop.is_set():
            self.bell.reset()
            await self.step(stop.is_set)
            await self.bell.wait(self._clock() + _EVERY, self._clock, (), stop)

    async def step(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Delete what is too old now, as far as a minute's pieces go."""
        now = self._clock()
        left = await self._delete(_PIECES, stopped, lambda tx: tx.prune_steps(now - STEPS_FOR))
        left = await self._delete(left, stopped, lambda tx: tx.prune(now - self._keep))
        for user_id in await self._next_users():
            until = await self._ledger.read.surplus_before(user_id, MOST_ENDED)
            if until and left and not stopped():
                left = await self._delete(left, stopped, partial(Writer.prune_surplus, user_id=user_id, until=until))
            if left and await self._ledger.read.has_surplus_requests(user_id, MOST_REQUESTS):
                prune = partial(Writer.prune_surplus_requests, user_id=user_id, keep=MOST_REQUESTS)
                left = await self._delete(left, stopped, prune)
        await self._ledger.give_back()

    async def _delete(
        self, pieces: int, stopped: Callable[[], bool], delete: Callable[[Writer], Awaitable[bool]]
    ) -> int:
        """Delete at most `pieces` pieces; return how many were not used."""
        while pieces and not stopped():
            async with self._ledger.write() as tx:
                more = await delete(tx)
            if not more:
                break
            pieces -= 1
            self.bell.turned()
            await asyncio.sleep(_BETWEEN_PIECES)
        return pieces

    async def _next_users(self) -> list[int]:
        found = await self._ledger.read.users_behind(self._checked_at, _USERS)
        self._checked_at = found[-1] if len(found) == _USERS else 0
        return found
