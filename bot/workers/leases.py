"""Leases: which accounts this process works on, where several share a ledger. No Discord in here, and no SQL.

A process shows every few seconds that it lives. One that has not done so for fifteen counts as dead, by the database's
clock, and whoever finds something due in an account of its takes that over. Every transaction that claims orders or
writes outcomes finds out first whether the account is this process's still. A cancel call is begun only while this
process has shown lately that it lives, by its own clock: one that hung may have been taken for dead meanwhile. As every
call has a deadline, it is known when none of a dead process can be on its way: until then nobody takes an account in
which it was sending something (the times: bot/ledger/holder.py).
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable, Set
from contextlib import suppress
from time import monotonic

from bot.ledger import SURE_FOR, Held, LeaseLost, Ledger, LedgerError

log = logging.getLogger(__name__)

_EVERY = 4
"""Seconds between two signs of life."""
_FULL_FOR = 1
"""Seconds after which a process that has its fair share counts anew before it leaves an account to others."""
_ROOM = 1
"""Accounts above its fair share that a process may take: shares are counted every few seconds only."""


class Leases:
    """What this process may work on; on a ledger of its own that is everything."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._held: set[int] = set()
        self._busy: Counter[int] = Counter()
        """How many turns each account has."""
        self._fair_share: int | None = None
        self._seen_at = -math.inf
        self._living: frozenset[int] = frozenset()
        self._asking = asyncio.Lock()

    async def run(self, stop: asyncio.Event, others_left: Callable[[], None]) -> None:
        """Show until `stop` that this process lives.

        `others_left` is called when another process has died or ended: there may be work to take over.
        """
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY)
            before = self._living
            try:
                await self.heartbeat()
                if before - self._living:
                    others_left()
            except LedgerError as error:
                log.warning("other processes may take this one for dead: %s", error)

    async def heartbeat(self) -> None:
        """Show that this process lives; leave to others what is too much or idle, settle what the dead left behind."""
        if not self._ledger.is_shared:
            return
        began, before = monotonic(), set(self._held)
        async with self._ledger.write() as tx:
            held = await tx.heartbeat()
            left = _left(held, self._busy.keys())
            if left:
                await tx.release(left)
            await tx.recover_orphaned()
            await tx.interrupt_previews()
        self._held -= before - (held.accounts - left)
        self._fair_share, self._living, self._seen_at = held.fair_share, held.living, began
        if left:
            self._ledger.wake_others()

    @property
    def _is_full(self) -> bool:
        return self._fair_share is not None and len(self._held) >= self._fair_share + _ROOM

    async def take(self, account_id: int) -> bool:
        """Begin to work on an account, unless it is another process's; what was being sent there is unknown then.

        Until as many calls of `done` it is left to nobody else.
        """
        if not self._ledger.is_shared:
            return True
        self._busy[account_id] += 1
        async with self._asking:  # what one finds out serves all that wait
            if monotonic() - self._seen_at > (_FULL_FOR if self._is_full else _EVERY):
                await self.heartbeat()
        if account_id in self._held:
            return True
        # What another turn of this process has under way is not unknown: taken anew it would count as that.
        if self._is_full or self._busy[account_id] > 1:
            return False
        async with self._ledger.write() as tx:
            taken = await tx.take_account(account_id)
        if taken:
            self._held.add(account_id)
        return taken

    def done(self, account_id: int) -> None:
        """Note that what `take` has begun is over, whether it was this process's or not."""
        self._busy -= Counter({account_id: 1})

    @property
    def held(self) -> int | None:
        """How many accounts this process works on; None on a ledger of its own, where it is all of them."""
        return len(self._held) if self._ledger.is_shared else None

    def own(self, account_ids: set[int]) -> set[int]:
        """Return which of these accounts this process works on."""
        return account_ids & self._held if self._ledger.is_shared else account_ids

    def is_sure(self, account_id: int) -> bool:
        """Tell whether it is sure that nobody else can be working on an account of this process."""
        return not self._ledger.is_shared or (account_id in self._held and monotonic() - self._seen_at <= SURE_FOR)

    def require(self, account_id: int) -> None:
        """Raise LeaseLost unless that is sure."""
        if not self.is_sure(account_id):
            raise LeaseLost(f"(account {account_id})")

    def forget(self, account_id: int) -> None:
        """Take an account anew before anything else is done for it."""
        self._held.discard(account_id)


def _left(held: Held, busy: Set[int]) -> frozenset[int]:
    """Return which accounts to leave to others: those with nothing to do, and what is more than its fair share."""
    free, working = held.accounts - busy, held.accounts - held.idle
    surplus = 0 if held.fair_share is None else max(len(working) - held.fair_share - _ROOM, 0)
    return (free & held.idle) | set(sorted(free & working)[:surplus])
