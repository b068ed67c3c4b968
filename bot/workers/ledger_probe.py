"""Finds out whether the ledger can be written: once a minute, and every few seconds while it cannot."""

import asyncio
import logging
from datetime import timedelta

from bot.domain.clock import Clock
from bot.ledger import Ledger, LedgerError
from bot.workers.tasks import LEDGER_PAUSE, WakeEvent

log = logging.getLogger(__name__)

_EVERY = timedelta(minutes=1)


class LedgerProbe:
    """Writes to the ledger where nobody else does, so that an outage is known before a user meets it, and its end."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.bell = WakeEvent()
        ledger.availability.began = self.bell.ring
        self._ledger = ledger
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Try until `stop`; at once where a transaction of somebody else's has failed."""
        while not stop.is_set():
            self.bell.reset()
            pause = await self.step()
            await self.bell.wait(self._clock() + pause, self._clock, (), stop)

    async def step(self) -> timedelta:
        """Try once; return the pause until the next try."""
        try:
            await self._ledger.prove_writable()
        except LedgerError as error:
            log.warning("the ledger cannot be written: %s", error)
            return LEDGER_PAUSE
        return _EVERY
