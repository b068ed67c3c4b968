"""What a user does with what is on record about them: see what it is, and have it erased. No Discord in here."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.store import Ledger, LedgerUnwritable, Stored

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredView:
    """What erasing would take away: all that there is of a user, and how many of the orders are open."""

    stored: Stored
    has_key: bool
    count_open: int


class Records:
    """The use cases around what the ledger remembers of a user."""

    def __init__(self, ledger: Ledger, *, wake: Callable[[], None]) -> None:
        self._ledger = ledger
        self._wake = wake

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
