"""What is shown of many orders at once: groups on a card or in a message, and the lines of a long list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from bot.domain.states import State
from bot.ledger.rows import Cancellation, Keyring, Request

MOST_SHOWN = 120
"""More orders of one group than a card has room for."""


@dataclass(frozen=True, slots=True)
class Group:
    """The orders of a list that are shown in the same state: how many, and the first of them.

    `came_back`: of more than are read, how much has in each currency, as far as that is proven.
    """

    count: int
    first: tuple[Cancellation, ...]
    came_back: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])


Groups = Mapping[State, Group]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the request has come that a notice is about: all its orders, whatever message told of them.

    `waiting` of them are not started. `is_over`: none is open. `is_followed`: a newer message about it has been sent.
    `is_left`: what is to come is told elsewhere, be it in a newer message or not. `follows`: it was written about
    before, so that this message has something to say without lines of its own.
    """

    request: Request
    groups: Groups
    waiting: int
    is_over: bool
    is_followed: bool
    is_left: bool
    follows: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a notice says: whose key is needed again, what is open for too long, and what has ended.

    `accounts`: all of its user. `last_line`: the last line of the notice that this takes into account.
    """

    pauses: Keyring
    overdue: Groups
    ended: Groups
    accounts: Keyring
    last_line: int = 0
    progress: Progress | None = None

    def __bool__(self) -> bool:
        """Tell whether there is anything to say."""
        return bool(self.pauses or self.overdue or self.ended or (self.progress and self.progress.follows))


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
