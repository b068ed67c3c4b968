"""What is offered while somebody types: their own orders, each with how it stands."""

from collections.abc import Sequence

from discord import app_commands

from bot.cards.language import _
from bot.cards.words import WORDINGS
from bot.ledger import Cancellation, folded

MOST_CHOICES = 25
_MOST_CHARACTERS = 100


def order_choices(typed: str, orders: Sequence[Cancellation]) -> list[app_commands.Choice[str]]:
    """Offer each order behind what has been typed already, so that several can be picked in turn."""
    found = ((typed + order.order_id, _(WORDINGS[order.shown_as].short, count=1)) for order in orders)
    fitting = [(value, short) for value, short in found if len(value) <= _MOST_CHARACTERS]
    return [app_commands.Choice(name=_name(value, short), value=value) for value, short in fitting[:MOST_CHOICES]]


def key_choices(names: Sequence[str], part: str) -> list[app_commands.Choice[str]]:
    """Offer the keys with that in their name."""
    found = [name for name in names if folded(part) in folded(name)]
    return [app_commands.Choice(name=name, value=name) for name in found[:MOST_CHOICES]]


def _name(value: str, short: str) -> str:
    """Begin with the value: some clients let people type on behind the name of what they have picked."""
    name = f"{value} · {short}"
    return name if len(name) <= _MOST_CHARACTERS else value
