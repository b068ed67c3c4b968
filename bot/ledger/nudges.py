"""Webhooks: whose address is whose, and the orders that a call has made due."""

from collections.abc import Iterable
from datetime import datetime

from bot.ledger.queries import QUERIES
from bot.ledger.row import to_ms
from bot.ledger.rows import Webhook
from bot.ledger.transaction import Transaction, Work


class Nudges(Transaction):
    """What webhooks change; part of what can be done within one transaction."""

    async def save_webhook(self, user_id: int, address_hash: bytes) -> bool:
        """Give a user this address in place of any other; False, and nothing done, where they have no key."""
        if not await QUERIES.has_key(self._db, user_id=user_id):  # removed or erased while the panel was asked
            return False
        await QUERIES.save_webhook(self._db, user_id=user_id, address_hash=address_hash, now=self._now_ms)
        return True

    async def erase_webhook(self, user_id: int) -> bool:
        """Delete a user's webhook; False where there is none."""
        return bool(await QUERIES.erase_webhook(self._db, user_id=user_id))

    async def webhook_arrived(self, webhook: Webhook, arrived_at: datetime) -> None:
        """Note when a webhook was last called, if it is still that address."""
        await QUERIES.webhook_arrived(
            self._db, user_id=webhook.user_id, address_hash=webhook.address_hash, arrived_at=to_ms(arrived_at)
        )

    async def hurry_orders(self, user_id: int, orders: Iterable[str]) -> int:
        """Make those of these orders that are open and the user's due for a status check; return how many changed."""
        changed = 0
        for order in orders:
            changed += await QUERIES.hurry_order(self._db, user_id=user_id, order_id=order, now=self._now_ms)
        self._make_due(Work.ORDERS, changed)
        return changed
