"""The ledger's rows as Python sees them: frozen, with aware UTC times instead of milliseconds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from bot.states import State, as_told


class AccountState(StrEnum):
    """Whether an account's key may be used."""

    ACTIVE = "active"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class Trouble(StrEnum):
    """Why an active account makes no progress at the moment; shown on its cards."""

    UNAVAILABLE = "unavailable"
    UNINTELLIGIBLE = "unintelligible"
    RATE_LIMITED = "rate_limited"
    TURNED_AWAY = "turned_away"


class RequestState(StrEnum):
    """How far one `/cancel` has come: waiting for Confirm, under way, or given up before anything was sent."""

    ASKING = "asking"
    GOING = "going"
    KEPT = "kept"
    LAPSED = "lapsed"


class NoticeState(StrEnum):
    """Where one direct message stands in the outbox."""

    GATHERING = "gathering"
    SENDING = "sending"
    DELIVERED = "delivered"
    KEPT = "kept"


class NoticeKind(StrEnum):
    """What one line of a notice reports."""

    ENDED = "ended"
    OVERDUE = "overdue"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


def to_ms(time: datetime) -> int:
    """Return a time as the ledger stores it."""
    return round(time.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """Return a stored time as an aware UTC datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _is_time(column: str) -> bool:
    return column.endswith(("_at", "_until"))


def _names(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


class _Row:
    """Builds a dataclass from a database row: columns named *_at or *_until are times, others as converted."""

    _convert: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Return the row as this class; columns it has no field for are left out."""
        values: dict[str, Any] = {}
        for field in fields(cls):  # pyright: ignore[reportArgumentType]  # every subclass is a dataclass
            value = row[field.name]
            if value is not None and _is_time(field.name):
                value = from_ms(value)
            elif field.name in cls._convert:
                value = cls._convert[field.name](value)
            values[field.name] = value
        return cls(**values)


def _trouble(value: str | None) -> Trouble | None:
    return None if value is None else Trouble(value)


@dataclass(frozen=True, slots=True)
class Account(_Row):
    """One Discord user's NotPanel account; `key_sealed` only the vault can open."""

    _convert: ClassVar[Mapping[str, Any]] = {"state": AccountState, "trouble": _trouble}

    id: int
    user_id: int
    key_sealed: bytes | None
    state: AccountState
    trouble: Trouble | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Due(_Row):
    """When there is something to do for an account: anything at all, and something that its user waits for."""

    id: int
    user_id: int
    urgent_at: datetime | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Request(_Row):
    """One `/cancel`: what was asked, and where its card is."""

    _convert: ClassVar[Mapping[str, Any]] = {"state": RequestState, "asked": _names, "ignored": _names}

    id: int
    account_id: int
    user_id: int
    state: RequestState
    asked: tuple[str, ...]
    ignored: tuple[str, ...]
    repeats: int
    channel_id: int
    guild_id: int | None
    message_id: int | None
    token_sealed: bytes | None
    card_until: datetime
    card_failures: int
    revision: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Cancellation(_Row):
    """One order being cancelled, or how that ended; money is the panel's own text."""

    _convert: ClassVar[Mapping[str, Any]] = {"state": State, "other_key": bool}

    id: int
    request_id: int
    account_id: int
    order_id: str
    state: State
    attempts: int
    doubts: int
    words: str | None
    status_word: str | None
    remains: str | None
    charge_first: str | None
    charge_last: str | None
    currency: str | None
    created_at: datetime
    changed_at: datetime
    sent_at: datetime | None
    queued_at: datetime | None
    ended_at: datetime | None
    other_key: bool

    @property
    def told_as(self) -> State:
        """The state that may be shown for it."""
        return as_told(self.state, self.doubts)


@dataclass(frozen=True, slots=True)
class Notice(_Row):
    """One direct message in the outbox; its nonce was fixed before the first attempt."""

    _convert: ClassVar[Mapping[str, Any]] = {"state": NoticeState}

    id: int
    user_id: int
    nonce: str
    state: NoticeState
    attempts: int
    created_at: datetime
    first_attempt_at: datetime | None

    @property
    def reference(self) -> str:
        """What a message shows of its nonce, to be recognised by."""
        return f"ref {self.nonce[:10]}"


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """One line of a notice; without a cancellation it is about the account itself."""

    kind: NoticeKind
    cancellation: Cancellation | None
