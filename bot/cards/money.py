"""Money as cards show it: by how much an order's charge has changed, and sums of that."""

from collections.abc import Mapping
from decimal import Decimal

from bot.cards.language import _, isolated
from bot.cards.text import amount
from bot.domain.refunds import changed
from bot.ledger import Cancellation

MINUS = "\u2212"
_SIGNS = {"+", MINUS}


def change(order: Cancellation) -> str:
    """Return by how much less, or more, the panel charges for an order than before, where both readings are known.

    Where a refund is proven and not how much of it: that there was one. Whether one reading alone is net of a refund
    is not known.
    """
    by = changed(order.charge_first, order.charge_last)
    if by:
        return isolated(f"{'+' if by > 0 else MINUS}{sums({order.currency or '': abs(by)})}")
    return _("refunded") if order.refund else ""


def each(by: str) -> str:
    """Return a change that several orders share as that of each of them."""
    return by if _SIGNS.isdisjoint(by) else _("{change} each", change=by)


def sums(amounts: Mapping[str, Decimal]) -> str:
    """Return amounts in several currencies, without exponents."""
    parts = (f"{value:f} {amount(currency)}" if currency else f"{value:f}" for currency, value in amounts.items())
    return isolated(" + ".join(parts))
