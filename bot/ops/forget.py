"""Erases what is stored about a person who has asked the operator for it, as /forget-me does."""

from collections.abc import Callable

from bot.domain.clock import utc_now
from bot.ledger import Ledger
from bot.services.erasing import Erasing, Erasure, StoredView
from bot.settings import Settings


async def forget(settings: Settings, user_id: int, agreed: Callable[[StoredView], bool]) -> Erasure | None:
    """Erase a user where there is anything and `agreed` says yes to it, and return how far; None: nothing was done.

    Raise LedgerError.
    """
    async with Ledger.open(settings.database, alone=True) as ledger:
        erasing = Erasing(ledger, utc_now)
        view = await erasing.stored(user_id)
        if view is None or not agreed(view):
            return None
        return await erasing.erase(user_id, wholly=True)
