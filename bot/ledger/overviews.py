"""What stands on record of a user as a whole, by request: what is open, how the rest ended, what came of a check."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from bot.domain.polling import OVERDUE_AFTER
from bot.domain.states import State, as_shown
from bot.ledger.lists import Past
from bot.ledger.named import Connection
from bot.ledger.queries import QUERIES
from bot.ledger.row import from_ms, money_in, to_ms, written


@dataclass(frozen=True, slots=True)
class RequestTally:
    """How many orders of one request stand where, of those that an overview is about: what is open, or what has ended.

    `orders`: how many it names; an order that several requests name counts with the first of them. `oldest_at`: since
    when the oldest is open; `overdue`: how many are open for too long; `checked_at`: when one was last checked.
    `unproven`: how many were cancelled of which nobody knows whether money came back. `given_up`: how many are sent
    again only if their user asks for that.
    """

    id: int
    account_id: int
    began_at: datetime
    orders: int
    states: Mapping[State, int]
    oldest_at: datetime
    overdue: int = 0
    checked_at: datetime | None = None
    unproven: int = 0
    given_up: int = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.states.values())

    @classmethod
    def read(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Return the rows about one request as this class."""
        request, states = rows[0], Counter[State]()
        for row in rows:
            states[as_shown(State(row["state"]), row["is_ambiguous"])] += row["count"]
        checked = [row["checked_at"] for row in rows if row["checked_at"] is not None]
        return cls(
            request["request_id"],
            request["account_id"],
            from_ms(request["began_at"]),
            request["orders"],
            dict(states),
            from_ms(min(row["oldest_at"] for row in rows)),
            sum(row["overdue"] for row in rows),
            from_ms(max(checked)) if checked else None,
            sum(row["unproven"] for row in rows),
            sum(row["given_up"] for row in rows),
        )


@dataclass(frozen=True, slots=True)
class Money:
    """By how much the charges of some orders have fallen, which proves that so much came back."""

    amount: Decimal
    currency: str | None
    orders: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of checking open orders: how many have ended, still wait, or are unclear; others were not checked."""

    ended: int
    waiting: int
    unclear: int
    unchecked: int

    @property
    def count(self) -> int:
        """How many orders were checked."""
        return self.ended + self.waiting + self.unclear


class Overviews:
    """What a Reader can be asked of a user's orders by request."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def open_by_request(self, account_ids: Iterable[int], now: datetime) -> list[RequestTally]:
        """Return what is open in some accounts by request, the oldest request first; what is not started with it."""
        found, before = list[Any](), to_ms(now - OVERDUE_AFTER)
        for id in account_ids:
            found += [row async for row in QUERIES.open_by_request(self._db, account_id=id, overdue_before=before)]
            found += [row async for row in QUERIES.unsent_by_request(self._db, account_id=id)]
        return _by_request(found)

    async def tally_of_history(self, account_ids: Iterable[int], past: Past) -> Counter[State]:
        """Count how orders of some accounts ended: by an index alone, however many there are."""
        counts = Counter[State]()
        for id in account_ids:
            async for row in QUERIES.tally_of_history(self._db, account_id=id, **_when(past)):
                counts[State(row["state"])] += row["count"]
        return counts

    async def history_by_request(self, account_ids: Iterable[int], past: Past) -> list[RequestTally]:
        """Return how orders of some accounts ended by request, the oldest request first."""
        found: list[Any] = []
        for id in account_ids:
            found += [row async for row in QUERIES.history_by_request(self._db, account_id=id, **_when(past))]
        return _by_request(found)

    async def money_of_history(self, account_ids: Iterable[int], past: Past) -> list[Money]:
        """Return how much has come back for orders of some accounts, by currency, as far as that is proven."""
        sums: defaultdict[str | None, Decimal] = defaultdict(Decimal)
        orders: Counter[str | None] = Counter()
        for id in account_ids:
            async for row in QUERIES.money_of_history(self._db, account_id=id, **_when(past)):
                sums[row["currency"]] += money_in(row)
                orders[row["currency"]] += row["count"]
        return [Money(written(sums[one]), one, orders[one]) for one in sorted(sums, key=str)]

    async def count_ended_again(self, account_ids: Iterable[int], past: Past) -> int:
        """Return how often an order is in some accounts' history that is there already: it was asked for again."""
        which = _when(past)
        return sum([await QUERIES.count_ended_again(self._db, account_id=id, **which) for id in account_ids])

    async def is_being_checked(self, account_id: int, since: datetime) -> bool:
        """Tell whether something of an account that was due for a check then has not been asked about."""
        return bool(await QUERIES.is_being_checked(self._db, account_id=account_id, since=to_ms(since)))

    async def checked_since(self, account_ids: Iterable[int], since: datetime) -> Checked:
        """Return what came of checking the orders of some accounts since then."""
        rows = [await QUERIES.checked_since(self._db, account_id=id, since=to_ms(since)) for id in account_ids]
        counts = [(row["ended"], row["waiting"], row["unclear"], row["unchecked"]) for row in rows if row]
        return Checked(*map(sum, zip(*counts, strict=True))) if counts else Checked(0, 0, 0, 0)


def _when(past: Past) -> dict[str, Any]:
    return {"since": to_ms(past.since), "outcome": past.outcome}


def _by_request(rows: Iterable[Any]) -> list[RequestTally]:
    """Put the rows about each request together, the oldest request first."""
    requests: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        requests[row["request_id"]].append(row)
    found = [RequestTally.read(each) for each in requests.values()]
    return sorted(found, key=lambda request: (request.began_at, request.id))
