"""What a call to the panel made of one cancellation, and the row that says so (pure)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading
from bot.domain.refunds import proof
from bot.domain.states import State, Transition
from bot.ledger.row import to_ms
from bot.ledger.rows import Cancellation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to write about one cancellation: its transition, and the reading of its status that led to it.

    `failed`: a status check named it and learned nothing of it. `seen_at`: when the panel said that, which may be long
    before it can be written down; None: just now.
    """

    cancellation: Cancellation
    transition: Transition
    due_at: datetime
    reading: OrderReading | None = None
    checked: bool = False
    failed: bool = False
    seen_at: datetime | None = None

    @property
    def shows_running(self) -> bool:
        """Tell whether a status check has shown an order running of which it is unknown whether it was cancelled."""
        word = self.reading.status if self.reading else OrderStatus.UNKNOWN
        return self.cancellation.state is State.UNKNOWN and word is not OrderStatus.UNKNOWN and not word.is_final

    @property
    def changes_card(self) -> bool:
        """Tell whether a card that shows this order has to change."""
        before, after = self.cancellation, self.transition
        word = self.reading.word if self.reading else before.status_word
        return (before.state, before.panel_message, before.status_word) != (
            after.state,
            after.panel_message or before.panel_message,
            word,
        )


def outcome_row(outcome: Outcome, now: datetime) -> dict[str, Any]:
    state, reading = outcome.transition.state, outcome.reading
    charge_first, charge_last, currency = _charges(outcome.cancellation, reading)
    seen_at = outcome.seen_at or now
    was_pending, pending_at = outcome.cancellation.pending_at, _pending_at(outcome, seen_at)
    refund = None
    if reading and not state.is_open:
        refund = proof(reading.status, charge_first, charge_last, seen_at - was_pending if was_pending else None)
        pending_at = was_pending  # what the order was before it was sent stays on record
    return {
        "id": outcome.cancellation.id,
        "from_state": outcome.cancellation.state,
        "from_ambiguous": outcome.cancellation.ambiguous_attempts,
        "from_given_up": int(outcome.cancellation.given_up),
        "state": state,
        "ambiguous_attempts": outcome.transition.ambiguous_attempts,
        "given_up": int(outcome.cancellation.given_up or outcome.transition.gives_up),
        "running_checks": outcome.cancellation.running_checks + outcome.shows_running,
        "checked": int(outcome.checked),
        "failed": int(outcome.failed),
        "panel_message": outcome.transition.panel_message,
        "reason": outcome.transition.reason,
        "status_word": reading.word if reading else None,
        "remains": reading.remains if reading else None,
        "charge_first": charge_first,
        "charge_last": charge_last,
        "currency": currency,
        "pending_at": pending_at and to_ms(pending_at),
        "refund": refund,
        "now": to_ms(now),
        "due_at": to_ms(outcome.due_at) if state.is_open else None,
        "queued_at": to_ms(now) if state is State.QUEUED else None,
        "ended_at": None if state.is_open else to_ms(now),
    }


def _charges(order: Cancellation, reading: OrderReading | None) -> tuple[str | None, str | None, str | None]:
    """Return the first charge, the last and their currency: in another currency it begins anew."""
    if reading is None or reading.charge is None:
        return order.charge_first, order.charge_last, order.currency
    goes_on = order.charge_first is not None and order.currency == reading.currency
    return order.charge_first if goes_on else reading.charge, reading.charge, reading.currency


def _pending_at(outcome: Outcome, seen_at: datetime) -> datetime | None:
    """Return when the order was seen pending: by the last status before it is sent, or is sent again."""
    if outcome.reading is None:
        return outcome.cancellation.pending_at
    pending = outcome.reading.status is OrderStatus.PENDING
    return seen_at if pending and outcome.transition.state is State.REQUESTED else None
