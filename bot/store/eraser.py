"""Deleting all that the ledger holds of one user."""

from bot.store.named import QUERIES
from bot.store.reader import Reader

_CHILDREN_FIRST = (
    QUERIES.erase_webhook,
    QUERIES.erase_notice_items,
    QUERIES.erase_notices,
    QUERIES.erase_transitions,
    QUERIES.erase_request_orders,
    QUERIES.erase_cancellations,
    QUERIES.erase_requests,
    QUERIES.erase_preferences,
    QUERIES.erase_accounts,
)


class Eraser(Reader):
    """What deletes rows for good; part of what can be done within one transaction."""

    async def erase(self, user_id: int) -> None:
        """Delete every row of a user, and nothing of anybody else."""
        for query in _CHILDREN_FIRST:
            await query(self._db, user_id=user_id)
