"""Being forgotten: what there is of a user is hidden at once, and erased a little at a time. No Discord in here."""

import asyncio
import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from time import monotonic

from bot.domain.clock import Clock
from bot.ledger import Ledger, LedgerUnwritable, Stored
from bot.services.keyring import with_keys
from bot.workers.tasks import WakeEvent

log = logging.getLogger(__name__)

_ERASE_WITHIN = 5
"""Seconds for which whoever has everything erased waits for the end of it; the rest goes on beside all else."""
_ERASURES_EVERY = timedelta(minutes=1)
_BETWEEN_PIECES = 0.01
"""Seconds that others have the ledger to themselves between two pieces of an erasure."""


@dataclass(frozen=True, slots=True)
class StoredView:
    """What erasing would take away: all that there is of a user, and how many of the orders are open."""

    stored: Stored
    keys: int
    count_open: int


class Erasure(StrEnum):
    """How far all there was of a user is gone: everywhere, but for traces in unused parts of files, or not yet."""

    WHOLLY = "wholly"
    TRACES = "traces"
    UNDER_WAY = "under way"


class Erasing:
    """The use case behind /forget-me, and the loop that goes on with it."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._erasing: set[int] = set()
        """Users whose press of the button is being served: another press costs nothing."""
        self.bell = WakeEvent()

    async def stored(self, user_id: int) -> StoredView | None:
        """Return what there is of a user; None where there is nothing."""
        read = self._ledger.read
        keys, stored = await read.accounts_of(user_id), await read.stored(user_id)
        if not keys and not stored.preferences and not stored.kept_orders:
            return None
        count_open = sum([await read.count_open(one.id) for one in keys])
        return StoredView(stored, len(with_keys(keys)), count_open)

    async def is_being_erased(self, user_id: int) -> bool:
        """Tell whether something is left of a user who has had everything erased."""
        return await self._ledger.read.is_being_erased(user_id)

    async def erase(self, user_id: int, *, wholly: bool = False) -> Erasure:
        """Erase all there is of a user: their keys at once, the rest for some seconds at most, or `wholly`.

        What is left is hidden from everybody, and goes while `run` does. What is under way at the panel for them goes
        on there; its answer finds nothing to be written to.
        """
        async with self._ledger.write() as tx:
            more = await tx.begin_erasure(user_id)
        if not more:  # whoever has settings alone costs no rewriting
            await self._ledger.forget_deleted()
            return Erasure.TRACES
        if user_id in self._erasing:
            return Erasure.UNDER_WAY
        self._erasing.add(user_id)
        try:
            return await self._erase_for_a_while(user_id, math.inf if wholly else _ERASE_WITHIN)
        finally:
            self._erasing.discard(user_id)

    async def _erase_for_a_while(self, user_id: int, within: float) -> Erasure:
        began = monotonic()
        while await self._erase_piece(user_id):
            if monotonic() > began + within:
                self.bell.ring()
                return Erasure.UNDER_WAY
        return await self._forget_files()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, erase what is left of users whose erasure took too long to wait for, or was broken off."""
        while not stop.is_set():
            self.bell.reset()
            while not stop.is_set() and (user_id := await self._ledger.read.next_erasure()):
                if not await self._erase_piece(user_id):
                    await self._forget_files()
                self.bell.turned()
            await self.bell.wait(self._clock() + _ERASURES_EVERY, self._clock, (), stop)

    async def _erase_piece(self, user_id: int) -> bool:
        async with self._ledger.write() as tx:
            more = await tx.erase_piece(user_id)
        await asyncio.sleep(_BETWEEN_PIECES)
        return more

    async def _forget_files(self) -> Erasure:
        try:
            return Erasure.WHOLLY if await self._ledger.rewrite() else Erasure.TRACES
        except LedgerUnwritable:
            log.exception("rows were erased, but the ledger's file could not be rewritten")
            return Erasure.TRACES
