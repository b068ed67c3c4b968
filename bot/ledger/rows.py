"""What the ledger's tables hold, as Python sees it: a class for each kind of row (row.py reads them).

Those of notices and settings are in notice_rows.py.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import TypeAdapter

from bot.domain.accounts import AccountState
from bot.domain.order_ids import Junk
from bot.domain.order_status import OrderStatus
from bot.domain.polling import resend_after
from bot.domain.reasons import Reason
from bot.domain.refunds import Refund, came_back
from bot.domain.states import State, as_shown
from bot.ledger.row import Row


class RequestState(StrEnum):
    """How far one `/cancel` has come: waiting for Confirm, under way, or given up before anything was sent."""

    AWAITING_CONFIRMATION = "asking"
    ACTIVE = "going"
    DECLINED = "kept"
    EXPIRED = "lapsed"


def junk_json(junk: Junk) -> str:
    """Return what was no order as the ledger stores it."""
    return json.dumps({"tokens": junk.tokens, "counts": junk.counts} if any(junk.counts) else [])


def _junk(text: str) -> Junk:
    """Read it. 0.1.0 stored all tokens in a list, later versions plain words too, and counted them with the rest."""
    stored: list[str] | dict[str, Any] = json.loads(text)
    if isinstance(stored, list):
        return Junk.of(stored)
    if "first" in stored:
        return Junk.of(stored["first"], (*stored["counts"][:2], 0))
    return Junk.of(stored["tokens"], stored["counts"])


class PreviewState(StrEnum):
    """How far a preview has come; of one that was stopped its state is the Reason."""

    ASKING = "asking"
    DONE = "done"
    UNDECIDED = "undecided"
    """Nothing is asked: the user has not said yet whether it is cancelling that they want."""
    REFILL = "refill"
    """Nothing is asked: the question is whether to refill the orders."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What the panel said of a request's orders before it was confirmed; `asked` of `wanted` were asked about so far.

    `statuses` counts those with a status, `refused` those with an error in its place; of the others it said nothing
    that can be read. `strange_words` and `refusals` are the panel's first messages about the unknown and the refused.
    """

    wanted: int
    asked: int = 0
    state: PreviewState | Reason = PreviewState.ASKING
    statuses: Mapping[OrderStatus, int] = field(default_factory=dict[OrderStatus, int])
    refused: int = 0
    strange_words: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    process: int = 0
    """The process that asks, among those that share a ledger."""

    def to_json(self) -> str:
        """Return it as the ledger stores it."""
        return _PREVIEW.dump_json(self).decode()


_PREVIEW = TypeAdapter(Preview)


@dataclass(frozen=True, slots=True)
class Account(Row):
    """One NotPanel account of a Discord user, known by the name of its key; `key_sealed` only the vault can open.

    `is_default`: commands without a key use it. A user with keys has exactly one default.
    """

    conversions: ClassVar[Mapping[str, Any]] = {"state": AccountState, "trouble": Reason, "is_default": bool}

    id: int
    user_id: int
    name: str
    folded: str
    is_default: bool
    key_sealed: bytes | None
    state: AccountState
    trouble: Reason | None
    changed_at: datetime
    checks_asked_at: datetime | None
    key_version: int = 1
    """How many keys, by their fingerprints, have followed each other."""
    panel_account: int | None = None
    pruned_until: datetime | None = None
    """When the last of those orders ended that have been deleted for their age or number."""
    key_stored_at: datetime | None = None
    key_fingerprint: bytes | None = None

    @property
    def panel(self) -> int:
        """What keys share that are known to be of one panel account: the least id of theirs."""
        return self.panel_account or self.id

    @property
    def is_paused(self) -> bool:
        """Tell whether the panel does not take its key, so that nothing is sent or checked with it."""
        return self.state in (AccountState.REJECTED, AccountState.SUSPENDED)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """An account's key as it is stored: for nobody to read but the vault, and compared with others by fingerprint."""

    account_id: int
    sealed: bytes
    stored_at: datetime
    fingerprint: bytes


Keyring = tuple[Account, ...]
"""All accounts of one user, the default first; those whose key was removed are among them."""


def folded(name: str) -> str:
    """Return what tells one key's name from another's: neither capitals nor ways to write a letter do."""
    return unicodedata.normalize("NFKC", name).casefold()


@dataclass(frozen=True, slots=True)
class Due(Row):
    """When there is something to do for an account: anything at all, and something that its user waits for."""

    id: int
    panel_account: int
    key_fingerprint: bytes | None
    urgent_at: datetime | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Request(Row):
    """One `/cancel`: what was asked, and where its card is. `waiting` of its `orders` are not started."""

    conversions: ClassVar[Mapping[str, Any]] = {
        "state": RequestState,
        "ignored": _junk,
        "preview": _PREVIEW.validate_json,
    }

    id: int
    account_id: int
    user_id: int
    state: RequestState
    orders: int
    waiting: int
    ignored: Junk
    repeats: int
    channel_id: int
    guild_id: int | None
    message_id: int | None
    token_sealed: bytes | None
    card_until: datetime
    card_failures: int
    revision: int
    created_at: datetime
    began_at: datetime | None
    preview: Preview | None = None

    @property
    def asks_what_to_do(self) -> bool:
        """Tell whether its question is what to do with the orders, since no command came with them."""
        return self.preview is not None and self.preview.state is PreviewState.UNDECIDED

    @property
    def asks_to_refill(self) -> bool:
        """Tell whether its question is not about cancelling but about refills."""
        return self.preview is not None and self.preview.state is PreviewState.REFILL

    @property
    def lapses_to(self) -> RequestState:
        """How it ends where nobody answers: of what might have been cancelled a card says that it is too late."""
        return RequestState.DECLINED if self.asks_to_refill else RequestState.EXPIRED


@dataclass(frozen=True, slots=True)
class Cancellation(Row):
    """One order being cancelled, or how that ended; money is the panel's own text.

    `given_up`: it is not sent again by itself. `key_version`: which of its account's keys it was sent with, if it was.
    `pending_at`: when it was seen pending, where no other status was seen since, before it was sent.
    `resend_at`: its user has asked for one more try, not before then. `reason`: what its `panel_message` means;
    None where it comes from a release that did not say.
    """

    conversions: ClassVar[Mapping[str, Any]] = {"state": State, "given_up": bool, "refund": Refund, "reason": Reason}

    id: int
    request_id: int
    account_id: int
    order_id: str
    state: State
    ambiguous_attempts: int
    given_up: bool
    panel_message: str | None
    status_word: str | None
    remains: str | None
    charge_first: str | None
    charge_last: str | None
    currency: str | None
    created_at: datetime
    changed_at: datetime
    sent_at: datetime | None
    checked_at: datetime | None
    queued_at: datetime | None
    ended_at: datetime | None
    key_version: int
    pending_at: datetime | None = None
    refund: Refund | None = None
    running_checks: int = 0
    resend_at: datetime | None = None
    reason: Reason | None = None

    def resends_at(self, now: datetime) -> datetime | None:
        """Return when its cancel may be sent again at the earliest; None: at any time.

        A last call that lies ahead was made by another clock: it may have been made just now.
        """
        if self.sent_at is None:
            return None
        if self.sent_at > now:
            return now + resend_after(self.ambiguous_attempts)
        return self.resend_at or self.sent_at + resend_after(self.ambiguous_attempts)

    def sent_with(self, account: Account) -> bool:
        """Tell whether it was sent with the key that its account has now."""
        return self.key_version == account.key_version

    @property
    def shown_as(self) -> State:
        """The state that may be shown for it."""
        return as_shown(self.state, self.ambiguous_attempts)

    @property
    def is_only_watched(self) -> bool:
        """Tell whether it is sent again only if its user asks for that."""
        return self.given_up and self.state is State.UNKNOWN

    @property
    def came_back(self) -> Decimal | None:
        """How much of its charge came back, where that is what proves the refund."""
        return came_back(self.charge_first, self.charge_last) if self.refund is Refund.CHARGE else None


def _ids(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


class OrderAction(StrEnum):
    """What a user wants of orders."""

    CANCEL = "cancel"
    STATUS = "status"
    REFILL = "refill"


@dataclass(frozen=True, slots=True)
class KeptOrders(Row):
    """Orders that a user named for one command without a usable key; `key_name`: the key they are for, empty: any."""

    conversions: ClassVar[Mapping[str, Any]] = {
        "action": OrderAction,
        "orders": _ids,
    }

    user_id: int
    action: OrderAction
    key_name: str
    orders: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Stored(Row):
    """How much there is of a user: requests, the orders they name, messages, and whether they have chosen anything.

    `kept_orders`: whether orders are kept for when they connect a key.
    """

    requests: int
    orders: int
    messages: int
    preferences: int = 0
    kept_orders: int = 0


@dataclass(frozen=True, slots=True)
class Webhook(Row):
    """An address that the panel may call for a user; the address itself is not kept."""

    user_id: int
    address_hash: bytes
    created_at: datetime
    arrived_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing(Row):
    """How the ledger as a whole stands: how many rows wait where, and since when the oldest of them does."""

    waiting: int
    still_open: int
    requested: int
    sending: int
    queued: int
    unknown: int
    oldest_queued_at: datetime | None
    oldest_unknown_at: datetime | None
    outbox: int
    oldest_notice_at: datetime | None
    undelivered: int
    cards: int
    oldest_card_at: datetime | None
    oldest_due_at: datetime | None
    """When the status check is due that is due first, of accounts whose key may be used."""

    @property
    def accepted(self) -> int:
        """How many orders the panel has accepted and no status check has seen yet."""
        return self.still_open - self.requested - self.sending - self.queued - self.unknown
