"""What is shown of many orders at once: groups on a card or in a message, and the lines of a long list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bot.domain.states import State
from bot.ledger.rows import Cancellation, Keyring

MOST_SHOWN = 120
"""More orders of one group than a card has room for."""


@dataclass(frozen=True, slots=True)
class Group:
    """The orders of a list that are shown in the same state: how many, and the first of them."""

    count: int
    first: tuple[Cancellation, ...]


Groups = Mapping[State, Group]


@dataclass(frozen=True, slots=True)
class Report:
    """What a notice says: whose key is needed again, what is open for too long, and what has ended.

    `accounts`: all of its user.
    """

    pauses: Keyring
    overdue: Groups
    ended: Groups
    accounts: Keyring

    def __bool__(self) -> bool:
        """Tell whether there is anything to say."""
        return bool(self.pauses or self.overdue or self.ended)


class ListKind(StrEnum):
    """Whose orders a long list holds: those of a request, of a notice, or what is open or has ended for a user."""

    REQUEST = "request"
    NOTICE = "notice"
    OPEN = "open"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Past:
    """A part of a user's history: what ended since then, in one way or in any."""

    since: datetime
    outcome: State | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a long list: an order with what became of it, or one that is not started yet."""

    cursor: int
    account_id: int
    order_id: str
    cancellation: Cancellation | None

    @property
    def shown_as(self) -> State:
        """The state that may be shown for it."""
        return self.cancellation.shown_as if self.cancellation else State.REQUESTED

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Return the row as this class."""
        if row["waiting"] is not None:
            return cls(row["cursor"], row["list_account"], row["waiting"], None)
        taken = Cancellation.read(row)
        return cls(row["cursor"], taken.account_id, taken.order_id, taken)
