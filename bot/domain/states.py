"""What can become of one order's cancellation, and what each answer of the panel makes of it (pure).

    requested ─► sending ─► accepted ─► cancelled           status says cancelled/refunded
      │  ▲  ▲         │           │  └──► queued ─► cancelled | partial | completed | failed
      │  │  │         │           └─ (status unreadable: stays accepted, asked again)
      │  │  │         ├─► refused            the panel's error about this order, kept word for word
      │  │  │         ├─► requested          the panel certainly did not get it (no connection, 429)
      │  │  │         └─► unknown            time-out, reset, 5xx, somebody else's answer, row missing from the reply
      │  │  │                 ├─ ask status ─► cancelled | partial | completed | failed
      │  │  │                 ├─ no such order ─► refused
      │  │  └─────────────────┴─ two checks show it running, two minutes after the call or later
      │  │                       (bot/domain/polling.py); MAX_AMBIGUOUS calls at most
      │  └── sending, when the call never left
      ├─► accepted, unknown  another user has sent it with the very same key: it stands as theirs does
      └─► withdrawn          never sent: stopped, the key removed, or thirty days over; may also begin as this

Anything sent and still open after thirty days ends as *expired*, and so does what a new key does not reach and what its
user no longer wants watched. An order that is running after an ambiguous call does not prove that the provider was
asked, so `unknown` never turns into `queued` by itself.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Accepted, CancelRow, OrderReading, RowError, StatusRow
from bot.domain.reasons import Reason

MAX_AMBIGUOUS = 5
"""How many ambiguous calls one order may cost before it is only watched, until its user asks again."""


CANCELLED_IN_0_1_0 = "refunded"
"""How release 0.1.0 spells the state CANCELLED, in buttons and commands that are still alive."""


class State(StrEnum):
    """The state of one cancellation, as the ledger stores it."""

    REQUESTED = "requested"
    SENDING = "sending"
    ACCEPTED = "accepted"
    QUEUED = "queued"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    PARTIAL = "partial"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @classmethod
    def _missing_(cls, value: object) -> "State | None":
        return cls.CANCELLED if value == CANCELLED_IN_0_1_0 else None

    @property
    def is_open(self) -> bool:
        """Tell whether this cancellation can still change."""
        return bool(TRANSITIONS[self])


_ENDINGS = frozenset({State.CANCELLED, State.PARTIAL, State.COMPLETED, State.FAILED})

TRANSITIONS: dict[State, frozenset[State]] = {
    State.REQUESTED: frozenset({State.SENDING, State.ACCEPTED, State.UNKNOWN, State.WITHDRAWN, State.EXPIRED}),
    State.SENDING: frozenset({State.ACCEPTED, State.REFUSED, State.UNKNOWN, State.REQUESTED}),
    State.ACCEPTED: _ENDINGS | {State.QUEUED, State.EXPIRED},
    State.QUEUED: _ENDINGS | {State.EXPIRED},
    State.UNKNOWN: _ENDINGS | {State.REQUESTED, State.REFUSED, State.EXPIRED},
    **{end: frozenset[State]() for end in (*_ENDINGS, State.REFUSED, State.EXPIRED, State.WITHDRAWN)},
}
"""Every legal step. The ledger keeps a history against which tests hold this table."""

_ENDED_AS = {
    OrderStatus.CANCELLED: State.CANCELLED,
    OrderStatus.REFUNDED: State.CANCELLED,
    OrderStatus.PARTIAL: State.PARTIAL,
    OrderStatus.COMPLETED: State.COMPLETED,
    OrderStatus.FAILED: State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """What one answer makes of one cancellation; `ambiguous_attempts` counts its ambiguous calls.

    `gives_up`: it is not sent again by itself.
    """

    state: State
    ambiguous_attempts: int
    panel_message: str | None = None
    reason: Reason | None = None
    gives_up: bool = False


def as_shown(state: State, ambiguous_attempts: int) -> State:
    """Return the state to show to a user: after an ambiguous call nothing is merely waiting to be sent."""
    return State.UNKNOWN if ambiguous_attempts and state in (State.REQUESTED, State.SENDING) else state


def after_cancel(ambiguous_attempts: int, row: CancelRow | None, *, same_key: bool = True) -> Transition:
    """Classify the panel's answer to a cancel; None is a row that the reply does not contain.

    A refusal is final, unless an earlier call may have done what this one was refused for.
    NotPanel says "cannot be cancelled (already completed)" for every final state, a cancelled order included, and
    something on the way may have delivered the call twice. So of any "already", and of what was refused after an
    ambiguous call, only `status` can tell how it stands; it is watched and not sent again. A fault ("Internal error",
    "Provider timeout") refuses nothing: the call was unclear for this order.
    """
    if isinstance(row, Accepted):
        return Transition(State.ACCEPTED, ambiguous_attempts)
    if row is None:
        return _unclear(ambiguous_attempts)
    if row.reason is Reason.FAULT:
        return _unclear(ambiguous_attempts, row.panel_message, row.reason)
    # These hold for every earlier call too, unless that went out with a key of perhaps another account.
    ruled_out = row.reason is Reason.CANCEL_UNSUPPORTED or (same_key and row.reason is Reason.NOT_FOUND)
    if row.reason in (Reason.ALREADY_COMPLETED, Reason.MAYBE_CANCELLED) or (ambiguous_attempts and not ruled_out):
        return Transition(State.UNKNOWN, ambiguous_attempts + 1, row.panel_message, row.reason, gives_up=True)
    return Transition(State.REFUSED, ambiguous_attempts, row.panel_message, row.reason)


def _unclear(ambiguous_attempts: int, panel_message: str | None = None, reason: Reason | None = None) -> Transition:
    gives_up = ambiguous_attempts + 1 >= MAX_AMBIGUOUS
    return Transition(State.UNKNOWN, ambiguous_attempts + 1, panel_message, reason, gives_up)


def after_lost_call(
    ambiguous_attempts: int, panel_message: str = "", reason: Reason | None = None, *, may_have_acted: bool
) -> Transition:
    """Classify a cancel call without a usable answer.

    `panel_message`: what the answer said instead, to be shown while nobody knows more.
    """
    if may_have_acted:
        return _unclear(ambiguous_attempts, panel_message or None, reason if panel_message else None)
    return Transition(State.REQUESTED, ambiguous_attempts)


def after_status(
    state: State, ambiguous_attempts: int, row: StatusRow | None, *, same_key: bool = True, may_resend: bool = True
) -> Transition:
    """Classify the answer of a status check; what cannot be read or is not known leaves all as it was.

    `same_key`: the order was sent with the key that asks. `may_resend`: should it run still, it may be sent again
    (`bot.domain.polling.may_resend`).
    """
    if isinstance(row, RowError) and row.reason is Reason.NOT_FOUND:
        return _not_found(state, ambiguous_attempts, row, same_key=same_key)
    if not isinstance(row, OrderReading) or row.status is OrderStatus.UNKNOWN:
        return Transition(state, ambiguous_attempts)
    if row.status.is_final:
        return Transition(_ENDED_AS[row.status], ambiguous_attempts)
    if state is State.ACCEPTED:
        return Transition(State.QUEUED, ambiguous_attempts)
    if state is State.UNKNOWN and may_resend:
        return Transition(State.REQUESTED, ambiguous_attempts)
    return Transition(state, ambiguous_attempts)


def _not_found(state: State, ambiguous_attempts: int, row: RowError, *, same_key: bool) -> Transition:
    """Classify an order that the panel does not find under the key that asks."""
    if not same_key:  # of another account: how it ends can never be seen
        return Transition(State.EXPIRED, ambiguous_attempts, row.panel_message, row.reason)
    if state is State.UNKNOWN:
        return Transition(State.REFUSED, ambiguous_attempts, row.panel_message, row.reason)
    return Transition(state, ambiguous_attempts)  # the panel has taken it before, so this cannot be the whole truth
