"""The second key, and what these tests look at."""

from datetime import timedelta
from typing import Any

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from tests.world import World, buttons_of

SHOP = "np-shop-key-9876543210"
"""Another key of Ann's; its orders are known under it alone."""
LONG = Upstream(timedelta(days=2))
RUNNING, DONE = OrderStatus.IN_PROGRESS, OrderStatus.COMPLETED


def calls(here: World, action: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the key and the orders of every call of a kind that reached the panel."""
    return [(call.key, call.orders) for call in here.panel.calls if call.action == action]


def labels(result: Any) -> list[str]:
    """Return the labels of an answer's buttons that try another key."""
    return [label for label in buttons_of(result) if label.startswith("Try ")]


async def names(user: Any, command: str, option: str, text: str, **filled: str) -> list[str]:
    """Return what is offered while an option is being typed."""
    return [choice["value"] for choice in await user.autocomplete(command, option, text, **filled)]
