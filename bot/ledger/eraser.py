"""Deleting all that the ledger holds of one user: hidden at once, deleted a little at a time."""

from collections.abc import Iterable

from bot.ledger.queries import QUERIES
from bot.ledger.transaction import Transaction

_PIECE = 100
"""Orders, or rows of another kind, that are deleted in one transaction: others wait for it as long as for a commit."""


class Eraser(Transaction):
    """What deletes rows for good; part of what can be done within one transaction."""

    async def begin_erasure(self, user_id: int) -> bool:
        """Destroy a user's secrets, stop all that is owed to them, and hide the rest; False where nothing is left."""
        await QUERIES.erase_webhook(self._db, user_id=user_id)
        await QUERIES.erase_preferences(self._db, user_id=user_id)
        await QUERIES.erase_kept(self._db, user_id=user_id)
        await QUERIES.erase_keys(self._db, user_id=user_id, now=self._now_ms)
        await QUERIES.erase_cards(self._db, user_id=user_id, now=self._now_ms)
        await QUERIES.hold_notices(self._db, user_id=user_id)
        await QUERIES.begin_erasure(self._db, user_id=user_id, now=self._now_ms)
        return await self.is_being_erased(user_id)

    async def erase_piece(self, user_id: int) -> bool:
        """Delete some of what is left of a user who is being erased; False once that was all."""
        found = QUERIES.cancellations_to_erase(self._db, user_id=user_id, most=_PIECE)
        if await self._delete_orders([row["id"] async for row in found]):
            return True
        for query in (
            QUERIES.erase_request_orders,
            QUERIES.erase_requests,
            QUERIES.erase_notice_items,
            QUERIES.erase_notices,
        ):
            if await query(self._db, user_id=user_id, most=_PIECE):
                return True
        await QUERIES.erase_accounts(self._db, user_id=user_id)
        await QUERIES.end_erasure(self._db, user_id=user_id)
        return False

    async def _delete_orders(self, ids: Iterable[int]) -> bool:
        """Delete orders with all that hangs on them; False where there are none."""
        numbers = [{"id": id} for id in ids]
        if numbers:
            for query in (
                QUERIES.erase_transitions,
                QUERIES.erase_items,
                QUERIES.erase_named_orders,
                QUERIES.erase_cancellations,
            ):
                await query(self._db, numbers)
        return bool(numbers)
