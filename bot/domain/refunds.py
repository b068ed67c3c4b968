"""What proves that money came back for an order (pure).

That an order was cancelled does not prove it: NotPanel documents a refund for orders that were still pending when they
were sent, and one that its provider stopped may be refunded in full, in part or not at all.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from bot.domain.order_status import OrderStatus

PENDING_PROVES = timedelta(minutes=5)
"""An order last seen pending that long ago may since have gone to a provider, and been stopped there."""
_PLAIN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?", re.ASCII)


class Refund(StrEnum):
    """What proves a refund, as the ledger stores it; the first that holds, since only a charge says how much."""

    CHARGE = "charge"
    """The order's charge has fallen."""
    WORD = "word"
    """The panel's status word is *refunded*."""
    PENDING = "pending"
    """The order was pending when it was last seen before it was sent, and cancelled when it was next seen."""


def changed(first: str | None, last: str | None) -> Decimal | None:
    """Return by how much a charge has changed between two readings in one currency; None where that is not known."""
    if first is None or last is None or not (_PLAIN.fullmatch(first) and _PLAIN.fullmatch(last)):
        return None
    return Decimal(last) - Decimal(first)


def came_back(first: str | None, last: str | None) -> Decimal | None:
    """Return by how much a charge has fallen between two readings in one currency; None where that is not proven."""
    by = changed(first, last)
    return -by if by is not None and by < 0 else None


def add_up(amounts: Iterable[tuple[str | None, Decimal | None]]) -> dict[str, Decimal]:
    """Return the sum in each currency of the amounts that are known; "" where the panel named none."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        if amount is not None:
            sums[currency or ""] = sums.get(currency or "", Decimal(0)) + amount
    return sums


def proof(
    status: OrderStatus, charge_first: str | None, charge_last: str | None, pending_for: timedelta | None
) -> Refund | None:
    """Return what proves that money came back for an order that ended with that status, if anything does.

    `pending_for`: how long before this status the order was seen pending, if that was the last status before it was
    sent and no other was seen since.
    """
    if came_back(charge_first, charge_last) is not None:
        return Refund.CHARGE
    if status is OrderStatus.REFUNDED:
        return Refund.WORD
    was_pending = pending_for is not None and pending_for <= PENDING_PROVES
    return Refund.PENDING if was_pending and status is OrderStatus.CANCELLED else None
