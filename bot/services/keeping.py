"""Nothing typed is lost: orders that were named while no key could be used are kept until one can."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from bot.domain.clock import Clock
from bot.domain.errors import KeyPaused, NoUsableKey
from bot.domain.order_ids import Found
from bot.ledger import KEPT_FOR, Account, KeptOrders, Ledger, OrderAction, folded


class Keeping:
    """The use cases around orders that wait for a key; nothing is sent of them without another question."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    @asynccontextmanager
    async def keeping(self, user_id: int, action: OrderAction, found: Found) -> AsyncGenerator[None]:
        """Keep the orders where what is done here raises NoKey or KeyPaused, which then tells how many are kept."""
        try:
            yield
        except NoUsableKey as error:
            key_name = error.name if isinstance(error, KeyPaused) else ""
            if found.orders:
                async with self._ledger.write() as tx:
                    error.kept = len(await tx.keep_orders(user_id, action, found.orders, key_name))
            raise

    async def count(self, user_id: int) -> int:
        """Return how many orders are kept for a user until they connect a key."""
        kept = await self._ledger.read.kept_orders(user_id, self._clock() - KEPT_FOR)
        return len({order for one in kept for order in one.orders})

    async def kept_for(self, account: Account) -> Sequence[KeptOrders]:
        """Return what is kept for a user who has just connected this key, but for what is for another one."""
        kept = await self._ledger.read.kept_orders(account.user_id, self._clock() - KEPT_FOR)
        return [one for one in kept if folded(one.key_name) in ("", account.folded)]

    async def drop(self, kept: KeptOrders) -> None:
        """Forget what was kept: it has been asked about."""
        async with self._ledger.write() as tx:
            await tx.drop_kept(kept)
