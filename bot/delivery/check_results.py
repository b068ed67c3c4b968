"""Edits the cards of *Check now* once it is known what came of the check.

It is kept in memory alone: a check takes seconds, and a card whose process ended meanwhile has its button still.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cards.language import current_language, use_language
from bot.cards.layout import CardView
from bot.cards.queued import checked_card
from bot.delivery.calls import IDLE, in_time
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.domain.clock import Clock
from bot.domain.errors import UserError
from bot.domain.languages import Language
from bot.ledger import Ledger, LedgerError, Work
from bot.services.records import Records
from bot.workers.tasks import WakeEvent, repeat

log = logging.getLogger(__name__)

WAITED_FOR = timedelta(seconds=30)
"""Where the panel's limits stretch a check, the card then says how far it has come."""
_LOOK_AGAIN = timedelta(seconds=2)
"""Another process may be the one that checks, and does not tell this one."""
_MOST = 1_000
"""Cards that are waited for at once; the oldest beyond that stay as they are."""

Show = Callable[[CardView], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A card that says that a check is under way: of which accounts, since when; and how to edit it."""

    user_id: int
    account_ids: Sequence[int]
    asked_at: datetime
    show: Show
    language: Language


class CheckResults:
    """Waits for checks that users have asked for, and shows each what came of theirs."""

    def __init__(self, ledger: Ledger, records: Records, clock: Clock) -> None:
        self.bell = WakeEvent()
        ledger.when_due(Work.CHECKS, self.bell.ring)
        self._records = records
        self._clock = clock
        self._waiting: dict[int, _Waiting] = {}
        """By the card's message."""

    def follow(self, message_id: int, user_id: int, account_ids: Sequence[int], asked_at: datetime, show: Show) -> None:
        """Show on a user's card what came of a check, once it is over, or how far it is in a while."""
        self.forget(message_id)
        if len(self._waiting) >= _MOST:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[message_id] = _Waiting(user_id, account_ids, asked_at, show, current_language())
        self.bell.ring()

    def forget(self, message_id: int) -> None:
        """Leave a card alone that shows something else by now."""
        self._waiting.pop(message_id, None)

    async def run(self, stop: asyncio.Event) -> None:
        """Show results until `stop`."""
        await repeat(self.show_due, self.bell, self._clock, stop)

    async def show_due(self) -> datetime:
        """Edit every card whose check is over; return when to look again."""
        over = [id for id, one in [*self._waiting.items()] if await self._is_over(one)]
        shown = [self._waiting.pop(id) for id in over if id in self._waiting]
        await asyncio.gather(*map(self._show, shown))
        return self._clock() + (_LOOK_AGAIN if self._waiting else IDLE)

    async def _is_over(self, one: _Waiting) -> bool:
        now = self._clock()
        if now < one.asked_at or now >= one.asked_at + WAITED_FOR:
            return True
        return not await self._records.is_being_checked(one.account_ids, one.asked_at)

    async def _show(self, one: _Waiting) -> None:
        try:
            view = await self._records.checked(one.user_id, one.account_ids, one.asked_at)
            with use_language(one.language):
                shown = checked_card(view)
            await in_time(one.show(shown))
        except (*DELIVERY_ERRORS, LedgerError, UserError) as error:
            log.info("what came of a check could not be shown: %s", error)
