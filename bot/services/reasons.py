"""What the panel's refusal of an order on record allows."""

from collections.abc import Collection

from bot.domain.reasons import Reason
from bot.domain.states import State
from bot.ledger import Cancellation
from bot.panel.phrases import plain_reason


def refusal_reason(order: Cancellation) -> Reason | None:
    """Return why the panel refused an order, None where it did not; releases before 0.2.0 stored its message alone."""
    if order.state is not State.REFUSED:
        return None
    return order.reason or plain_reason(order.panel_message or "")


def order_not_found(order: Cancellation | None) -> bool:
    """Tell whether the panel knows no such order under the key that was used."""
    return order is not None and refusal_reason(order) is Reason.NOT_FOUND


def all_not_found(messages: Collection[str]) -> bool:
    """Tell whether the panel's messages, of which there are some, all say that it knows no such order."""
    return {plain_reason(message) for message in messages} == {Reason.NOT_FOUND}


def may_be_refilled(order: Cancellation | None) -> bool:
    """Tell whether the panel has called an order completed or partial: it refills no others.

    "Already completed" it says of everything that has ended, so some of these it will refuse.
    """
    if order is None:
        return False
    return order.state in (State.COMPLETED, State.PARTIAL) or refusal_reason(order) is Reason.ALREADY_COMPLETED
