"""Which accounts have something to do and when, without asking the ledger about all of them at each turn.

With thousands of accounts at work that question takes long (tests/benchmarks/size.py), and a turn raises it often. What
is made due by others is heard of (`Ledger.when_due`); it is asked anew only of an account that had a turn.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from bot.ledger import Due, Ledger

_MOST = 256
_FEW = 64
"""So many that are due are left of the first ones, and the next are asked for."""


class DueAccounts:
    """The accounts that are due first, as the ledger last said."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[int, Due] = {}
        self._changed: set[int] = set()
        self._is_behind = True
        self._until: datetime | None = None
        """From when on others may be due that are not known; None: never."""
        self._is_cut = False
        """Whether there are more of them in the ledger."""
        self._is_more_urgent = False
        """Whether there may be more in the ledger that are urgent."""

    def forget(self) -> None:
        """Ask about all of them next time: something was made due, or the clock was set."""
        self._is_behind = True

    def had_turn(self, account_id: int) -> None:
        """Ask about one of them next time."""
        self._changed.add(account_id)

    def has_had_turn(self, account_id: int) -> bool:
        """Tell whether an account had a turn while they were read, so that what is known of it may be over."""
        return account_id in self._changed

    async def read(self, now: datetime) -> Collection[Due]:
        """Return those that are due first; of what falls due later all that falls due soonest."""
        changed, self._changed = self._changed, set()
        due_now = sum(
            _is_urgent(one, now) if self._is_more_urgent else one.due_at <= now for one in self._known.values()
        )
        ask_all = self._is_behind or (self._is_cut and due_now < _FEW) or (self._until and self._until <= now)
        self._is_behind = False
        try:
            if ask_all:
                await self._read_all(now)
            if not ask_all or self._is_cut:
                await self._read_some(changed, now)
        except BaseException:
            self._is_behind = True
            raise
        return self._known.values()

    async def _read_all(self, now: datetime) -> None:
        found = await self._ledger.read.accounts_due(now, _MOST)
        self._is_cut = len(found) == _MOST
        self._is_more_urgent = self._is_cut and _is_urgent(found[-1], now)
        # What will be urgent goes before all that is due now, and falls out of so many of them.
        later = sorted((one.urgent_at, one.id) for one in self._known.values() if one.urgent_at and one.urgent_at > now)
        kept = {account_id: self._known[account_id] for _, account_id in later[:_MOST]} if self._is_cut else {}
        self._known = kept | {one.id: one for one in found}
        self._until = found[-1].due_at if self._is_cut and found[-1].due_at > now else None

    async def _read_some(self, account_ids: Iterable[int], now: datetime) -> None:
        for account_id in account_ids:
            self._known.pop(account_id, None)
            self._known |= {one.id: one for one in await self._ledger.read.accounts_due(now, only=account_id)}


def _is_urgent(due: Due, now: datetime) -> bool:
    return due.urgent_at is not None and due.urgent_at <= now
