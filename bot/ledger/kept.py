"""Orders that are kept to be asked about again: named without a usable key, or by a question that nobody answered."""

import json
from collections.abc import Sequence
from datetime import timedelta

from bot.ledger.queries import QUERIES
from bot.ledger.row import to_ms
from bot.ledger.rows import KeptOrders, OrderAction
from bot.ledger.transaction import Transaction

MOST_KEPT = 10_000
"""Orders that are kept of one user until a key is connected: anybody can name some, which must not fill the disk."""
_MOST_LAPSED = 100_000
"""Orders of one user's unanswered questions together, the newest first: as many as one question names at most."""
KEPT_FOR = timedelta(days=1)


class Kept(Transaction):
    """What is kept for a user, who need not have a key; part of what can be done within one transaction."""

    async def keep_orders(
        self, user_id: int, action: OrderAction, orders: Sequence[str], key_name: str = ""
    ) -> Sequence[str]:
        """Keep orders for when a key is connected, with those for the same; return all that are kept for that.

        Nothing is kept where it would be too much of one user, or while they are being erased.
        """
        if await self.is_being_erased(user_id):
            return ()
        before = await self.kept_orders(user_id, self.now - KEPT_FOR)
        same = [kept for kept in before if (kept.action, kept.key_name) == (action, key_name)]
        others = sum(len(kept.orders) for kept in before if kept not in same)
        orders = tuple(dict.fromkeys((*(order for kept in same for order in kept.orders), *orders)))
        if not orders or others + len(orders) > MOST_KEPT:
            return ()
        which = {"user_id": user_id, "action": action, "key_name": key_name}
        await QUERIES.keep_orders(self._db, **which, orders=json.dumps(orders), now=self._now_ms)
        return orders

    async def drop_kept(self, kept: KeptOrders) -> None:
        """Forget what was kept: it has been asked about."""
        which = {"user_id": kept.user_id, "action": kept.action, "key_name": kept.key_name}
        await QUERIES.drop_kept(self._db, **which, created_at=to_ms(kept.created_at))

    async def bound_lapsed(self, user_id: int) -> None:
        """Forget the orders of a user's oldest unanswered questions, where they are too many together."""
        count = 0
        for row in [row async for row in QUERIES.lapsed_of_user(self._db, user_id=user_id)]:
            count += row["orders"]
            if count > _MOST_LAPSED:
                await self.forget_question(row["id"])

    async def forget_question(self, request_id: int) -> None:
        """Forget the orders of a question that nobody answered."""
        if await QUERIES.close_question(self._db, id=request_id):
            await QUERIES.forget_orders(self._db, id=request_id)

    async def prune_kept(self) -> None:
        """Forget what has been kept for long enough."""
        before = to_ms(self.now - KEPT_FOR)
        await QUERIES.prune_kept(self._db, before=before)
        for row in [row async for row in QUERIES.lapsed_before(self._db, before=before)]:
            await self.forget_question(row["id"])
