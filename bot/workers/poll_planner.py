"""How often each account is checked: the square-root rule over all that is open, learned from each check.

Nothing here is stored. After a start everything is checked when the ledger says, and planned anew as that happens.
"""

import math
from collections.abc import Container, Iterable, Sequence
from datetime import timedelta
from random import Random

from bot.domain.hazard import PRIOR, fit
from bot.domain.polling import WatchIntervals, next_check, stretch, urgency

_GROWN = 1.1
"""A tenth more groups, or as much fewer, and the plan no longer fits."""


class PollPlanner:
    """Knows how urgent each account is, and hence the pause that keeps all of them together inside the budget."""

    def __init__(self, intervals: WatchIntervals, calls_per_second: float, random: Random) -> None:
        self.intervals = intervals
        self._rate = calls_per_second
        self._random = random
        self._hazard = PRIOR
        self._accounts: dict[int, tuple[float, int]] = {}
        self._groups = 0
        self._planned_groups = 0
        self._stretch = 0.0

    def learn(self, lives: Iterable[float]) -> None:
        """Take over how many seconds the cancels lived that ended last."""
        self._hazard = fit(lives)

    def pause(self, account_id: int, ages: Sequence[timedelta], groups: int) -> timedelta:
        """Return when to check again the orders of these ages, which are one of an account's groups of a hundred."""
        urgent = urgency(ages, self._hazard)
        self.forget(account_id)
        self._accounts[account_id] = (urgent, groups)
        self._groups += groups
        if not self._planned_groups / _GROWN <= self._groups <= self._planned_groups * _GROWN:
            self.plan()
        return next_check(min(ages), urgent, self._stretch, self._longest(), self.intervals, self._random)

    def forget(self, account_id: int) -> None:
        """Count an account no longer: nothing of it is open."""
        _, groups = self._accounts.pop(account_id, (0.0, 0))
        self._groups -= groups

    def keep(self, account_ids: Container[int]) -> None:
        """Forget all other accounts: their keys are gone, or what they had open has ended without a check."""
        for account_id in [known for known in self._accounts if known not in account_ids]:
            self.forget(account_id)

    def plan(self) -> None:
        """Weigh all accounts against each other anew."""
        urgencies = [urgent for urgent, groups in self._accounts.values() for _ in range(groups)]
        self._planned_groups = self._groups
        self._stretch = stretch(urgencies, self._rate, self.intervals.shortest, self._longest())

    def _longest(self) -> timedelta:
        """Return the longest pause: as set, or longer where the budget needs it."""
        return max(self.intervals.longest, timedelta(seconds=2 * self._groups / self._rate))


def groups_of(orders: int, most: int) -> int:
    """Return how many calls the orders take."""
    return math.ceil(orders / most)
