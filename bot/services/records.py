"""What a user does with what is on record: look again, stop watching, look back, erase. No Discord in here."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic

from bot.domain.clock import Clock
from bot.domain.languages import Language
from bot.domain.states import State
from bot.ledger import Groups, Keyring, Ledger, LedgerUnwritable, Listed, Past, Preferences, Stored
from bot.services.keyring import in_use, usable, with_keys
from bot.services.keys import Accounts, OpenView
from bot.workers.tasks import WakeEvent

log = logging.getLogger(__name__)

MOST_DAYS = 365
"""How far back a history goes."""
LOOKS_PAUSE = timedelta(minutes=1)
"""How long after a user has had all looked at they may have it again."""
_PAGE = 100
_ERASE_WITHIN = 5
"""Seconds for which whoever has everything erased waits for the end of it; the rest goes on beside all else."""
_LOOK_FOR_ERASURES = timedelta(minutes=1)
_BETWEEN_PIECES = 0.01
"""Seconds that others have the ledger to themselves between two pieces of an erasure."""


@dataclass(frozen=True, slots=True)
class LooksView:
    """What is open, whether it has just been made due for a look, and when it can be again."""

    open: OpenView
    begun: bool
    again_at: datetime


@dataclass(frozen=True, slots=True)
class Stopped:
    """How many orders are no longer watched, were not sent, and are being sent at this moment, so that they stay."""

    not_watched: int
    not_sent: int
    under_way: int


@dataclass(frozen=True, slots=True)
class HistoryView:
    """How a user's orders ended in the last days, in one way or in any; and how many have not.

    `keys`: all accounts of the user; `since`: when their records begin, where older orders of that time were deleted.
    """

    days: int
    outcome: State | None
    groups: Groups
    count_open: int
    keys: Keyring
    since: datetime | None = None


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


class Records:
    """The use cases around what the ledger remembers of a user."""

    def __init__(
        self, ledger: Ledger, accounts: Accounts, clock: Clock, *, notify_window: timedelta, wake: Callable[[], None]
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._clock = clock
        self._window = notify_window
        self._wake = wake
        self._erasing: set[int] = set()
        """Users whose press of the button is being served: another press costs nothing."""
        self.bell = WakeEvent()

    async def look_now(self, user_id: int) -> LooksView:
        """Have the worker look at a user's open orders, as far as the limits allow, at most once a minute.

        Raise NoKey or KeyPaused.
        """
        now, asked_at, begun = self._clock(), list[datetime](), False
        async with self._ledger.write() as tx:
            for account in in_use(await tx.accounts_of(user_id)):
                begun = await tx.look_now(account.id, now, now - LOOKS_PAUSE) or begun
                asked_at.append(usable(await tx.account(account.id)).looks_asked_at or now)
        self._wake()
        return LooksView(await self._accounts.open_orders(user_id), begun, max(asked_at) + LOOKS_PAUSE)

    async def stop_watching(self, user_id: int) -> Stopped:
        """End all that is open for a user under any key, but for what is being sent; raise NoKey."""
        not_watched = not_sent = under_way = 0
        keys = await self._accounts.stored(user_id)
        async with self._ledger.write() as tx:
            for account in keys:
                watched, waiting = await tx.stop_watching(account.id, self._clock(), self._window)
                not_watched, not_sent = not_watched + watched, not_sent + waiting
                under_way += await tx.count_taken(account.id)
        self._wake()
        return Stopped(not_watched, not_sent, under_way)

    async def history(self, user_id: int, outcome: State | None, days: int) -> HistoryView:
        """Return how a user's orders ended in the last days; a key is not needed for that."""
        read, past = self._ledger.read, self._past(outcome, days)
        keys = await read.accounts_of(user_id)
        groups = await read.history_groups([one.id for one in keys], past)
        pruned = max((one.pruned_until for one in keys if one.pruned_until), default=past.since)
        since = pruned if pruned > past.since else None
        return HistoryView(days, outcome, groups, await self._count_open(keys), keys, since)

    async def history_rows(self, user_id: int, outcome: State | None, days: int) -> AsyncGenerator[list[Listed]]:
        """Yield all of a user's history, page by page, the newest first."""
        read, past = self._ledger.read, self._past(outcome, days)
        accounts, after = [one.id for one in await read.accounts_of(user_id)], -1
        while accounts and (page := await read.page_of_history(accounts, past, after, _PAGE)):
            yield page
            after = page[-1].cursor

    def _past(self, outcome: State | None, days: int) -> Past:
        return Past(self._clock() - timedelta(days=min(days, MOST_DAYS)), outcome)

    async def preferences(self, user_id: int) -> Preferences:
        """Return how a user wants to hear from the bot."""
        return await self._ledger.read.preferences(user_id)

    async def language_of(self, user_id: int) -> Language:
        """Return the language to write to a user in, where no client of theirs tells."""
        return await self._ledger.read.language_of(user_id)

    async def prefer(self, user_id: int, change: Callable[[Preferences], Preferences]) -> Preferences:
        """Change how a user wants to hear from the bot, and return how that is now; a key is not needed for it.

        News that were gathered for the end of a request, and no longer need be, go out in the next message.
        """
        async with self._ledger.write() as tx:
            wanted = change(await tx.preferences(user_id))
            await tx.save_preferences(user_id, wanted, self._clock(), self._window)
        self._wake()
        return wanted

    async def stored(self, user_id: int) -> StoredView | None:
        """Return what there is of a user; None where there is nothing."""
        read = self._ledger.read
        keys, stored = await read.accounts_of(user_id), await read.stored(user_id)
        if not keys and not stored.preferences:
            return None
        return StoredView(stored, len(with_keys(keys)), await self._count_open(keys))

    async def _count_open(self, keys: Keyring) -> int:
        return sum([await self._ledger.read.count_open(one.id) for one in keys])

    async def is_being_erased(self, user_id: int) -> bool:
        """Tell whether something is left of a user who has had everything erased."""
        return await self._ledger.read.is_being_erased(user_id)

    async def erase(self, user_id: int) -> Erasure:
        """Erase all there is of a user: their keys at once, the rest as far as that takes some seconds.

        What is left is hidden from everybody, and goes while `run` does. What is under way at the panel for them goes
        on there; its answer finds nothing to be written to.
        """
        async with self._ledger.write() as tx:
            more = await tx.begin_erasure(user_id, self._clock())
        self._wake()
        if not more:  # whoever has settings alone costs no rewriting
            await self._ledger.forget_deleted()
            return Erasure.TRACES
        if user_id in self._erasing:
            return Erasure.UNDER_WAY
        self._erasing.add(user_id)
        try:
            return await self._erase_for_a_while(user_id)
        finally:
            self._erasing.discard(user_id)

    async def _erase_for_a_while(self, user_id: int) -> Erasure:
        began = monotonic()
        while await self._erase_piece(user_id):
            if monotonic() > began + _ERASE_WITHIN:
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
            await self.bell.wait(self._clock() + _LOOK_FOR_ERASURES, self._clock, (), stop)

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
