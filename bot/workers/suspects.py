"""Which orders may have spoilt a status check that named them, so that one bad order does not hold up the others.

A panel can fail at a whole batch because of one order in it (5xx, HTML, no answer). Asking is harmless, so what has
failed twice in a row is asked about in halves until the culprit stands alone. Nothing here is stored: after a start it
is learned again.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.ledger import Cancellation
from bot.panel import MAX_BATCH
from bot.workers.budget import Ticket

_SPLIT_AT = 2
"""Failures in a row of the calls that name an order."""


@dataclass(slots=True)
class _Suspect:
    """How often in a row the calls that named an order failed, and how many orders its next call may name."""

    since: int
    """The number of the call that was begun last when it failed first."""
    failures: int = 0
    most: int = MAX_BATCH
    is_culprit: bool = False
    """It failed alone, while others of its account were answered."""

    @property
    def is_split(self) -> bool:
        return self.most < MAX_BATCH


class Suspects:
    """Chooses the orders that a status check names together."""

    def __init__(self) -> None:
        self._suspects: defaultdict[int, dict[int, _Suspect]] = defaultdict(dict)
        self._answered: dict[int, int] = {}
        """The number of each account's call that was begun last among those answered."""

    def choose(self, account_id: int, rows: Sequence[Cancellation]) -> Sequence[Cancellation]:
        """Return the first of an account's due orders, and those that may be named in the same call."""
        suspects = self._suspects.get(account_id)
        if not suspects or not rows:
            return rows
        first, chosen, most = suspects.get(rows[0].id), list[Cancellation](), MAX_BATCH
        for row in rows:
            suspect = suspects.get(row.id)
            if bool(suspect and suspect.is_split) != bool(first and first.is_split):
                continue
            limit = min(most, suspect.most) if suspect else most
            if len(chosen) < limit:
                chosen.append(row)
                most = limit
        return chosen

    def failed(self, account_id: int, rows: Sequence[Cancellation], call: Ticket, *, at_once: bool = False) -> int:
        """Note that a call failed and return how often in a row that was; `at_once`: surely because of an order."""
        suspects, answered = self._suspects[account_id], self._answered.get(account_id, 0)
        for row in rows:
            suspect = suspects.setdefault(row.id, _Suspect(call.count.begun))
            suspect.failures += 1
            if suspect.most == 1 and answered > suspect.since:
                suspect.is_culprit = True
            if at_once or suspect.failures >= _SPLIT_AT:
                suspect.most = max(len(rows) // 2, 1)
        return min(suspects[row.id].failures for row in rows)

    def is_culprit(self, account_id: int, rows: Sequence[Cancellation]) -> bool:
        """Tell whether a call failed because of its only order: others of the account were answered meanwhile."""
        suspect = self._suspects[account_id].get(rows[0].id)
        return len(rows) == 1 and suspect is not None and suspect.is_culprit

    def answered(self, account_id: int, rows: Iterable[Cancellation], call: Ticket) -> None:
        """Note that a call was answered. Where it named suspects, the next may name twice as many of them again.

        After an outage it would take long to ask about everything alone. That others are answered speaks for no
        suspect: there is no outage.
        """
        suspects = self._suspects.get(account_id)
        if suspects is None:
            return
        cleared = [row for row in rows if suspects.pop(row.id, None)]
        if not suspects:
            del self._suspects[account_id]
            self._answered.pop(account_id, None)
            return
        self._answered[account_id] = max(self._answered.get(account_id, 0), call.number)
        for suspect in suspects.values() if cleared else ():
            if not suspect.is_culprit:
                suspect.most = min(suspect.most * 2, MAX_BATCH)


class RefusedTogether:
    """How many orders a cancel call may name, after the panel has refused whole calls for the sake of an order.

    What was refused together is sent again in halves, until the order that is at fault stands alone. Other calls, which
    were under way beside it or come in between, say nothing of its orders.
    """

    def __init__(self) -> None:
        self._refused: defaultdict[int, list[tuple[int, set[int]]]] = defaultdict(list)
        """Of each account: how many of which orders may be named together, in the order in which they go again."""

    def most(self, account_id: int) -> int:
        """Return how many orders an account's next call may name."""
        return next((min(most, len(orders)) for most, orders in self._refused[account_id]), MAX_BATCH)

    def refused(self, account_id: int, rows: Sequence[Cancellation]) -> None:
        """Note that a call was refused as a whole."""
        self._refused[account_id].append((max(len(rows) // 2, 1), {row.id for row in rows}))

    def taken(self, account_id: int, rows: Sequence[Cancellation]) -> None:
        """Note which orders a call names. What was refused goes first: where none of it does, it was withdrawn."""
        named, refused = {row.id for row in rows}, self._refused[account_id]
        if refused and refused[0][1].isdisjoint(named):
            del refused[0]
        for _, orders in refused:
            orders -= named
        self._refused[account_id] = [group for group in refused if group[1]]
