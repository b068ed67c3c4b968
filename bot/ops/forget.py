"""Erases what is stored about a person who has asked the operator for it, as /forget-me does."""

from collections.abc import Callable

from bot.domain.clock import utc_now
from bot.ledger import Ledger
from bot.services.erasing import Erasing, Erasure, StoredView
from bot.settings import Settings


async def forget(
    settings: Settings, user_id: int, agreed: Callable[[StoredView], bool], goes_on: Callable[[], object]
) -> Erasure | None:
    """Erase a user where there is anything and `agreed` says yes to it, and return how far; None: nothing was done.

    Where that was begun before and broken off, `goes_on` is told in the place of `agreed`. Raise LedgerError.
    """
    async with Ledger.open(settings.database, alone=True) as ledger:
        erasing = Erasing(ledger, utc_now)
        if await erasing.is_being_erased(user_id):
            goes_on()
        else:
            view = await erasing.stored(user_id)
            if view is None or not agreed(view):
                return None
        return await erasing.erase(user_id, wholly=True)
