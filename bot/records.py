"""What a user does with what is on record about them: how orders ended, and erasing it all. No Discord in here."""

import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock
from bot.states import State
from bot.store import Groups, Ledger, LedgerUnwritable, Listed, Past, Stored

log = logging.getLogger(__name__)

MOST_DAYS = 365
"""How far back a history goes."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class HistoryView:
    """How a user's orders ended in the last days, in one way or in any; and how many have not."""

    days: int
    outcome: State | None
    groups: Groups
    count_open: int


@dataclass(frozen=True, slots=True)
class StoredView:
    """What erasing would take away: all that there is of a user, and how many of the orders are open."""

    stored: Stored
    has_key: bool
    count_open: int


class Records:
    """The use cases around what the ledger remembers of a user."""

    def __init__(self, ledger: Ledger, clock: Clock, *, wake: Callable[[], None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._wake = wake

    async def history(self, user_id: int, outcome: State | None, days: int) -> HistoryView:
        """Return how a user's orders ended in the last days; a key is not needed for that."""
        read, past = self._ledger.read, self._past(outcome, days)
        account = await read.account_of(user_id)
        if account is None:
            return HistoryView(days, outcome, {}, 0)
        groups = await read.history_groups(account.id, past)
        return HistoryView(days, outcome, groups, await read.count_open(account.id))

    async def history_rows(self, user_id: int, outcome: State | None, days: int) -> AsyncGenerator[list[Listed]]:
        """Yield all of a user's history, page by page, the newest first."""
        read, past = self._ledger.read, self._past(outcome, days)
        account, after = await read.account_of(user_id), -1
        while account and (page := await read.page_of_history(account.id, past, after, _PAGE)):
            yield page
            after = page[-1].cursor

    def _past(self, outcome: State | None, days: int) -> Past:
        return Past(self._clock() - timedelta(days=min(days, MOST_DAYS)), outcome)

    async def stored(self, user_id: int) -> StoredView | None:
        """Return what there is of a user; None where there is nothing."""
        read = self._ledger.read
        account = await read.account_of(user_id)
        if account is None:
            return None
        return StoredView(await read.stored(user_id), account.key_sealed is not None, await read.count_open(account.id))

    async def erase(self, user_id: int) -> bool:
        """Erase all there is of a user; False where traces may be left in the file, for want of space on the disk.

        What is under way at the panel for them goes on there; its answer finds nothing to be written to.
        """
        async with self._ledger.write() as tx:
            await tx.erase(user_id)
        self._wake()
        try:
            await self._ledger.rewrite()
        except LedgerUnwritable:
            log.exception("rows were erased, but the ledger's file could not be rewritten")
            return False
        return True
