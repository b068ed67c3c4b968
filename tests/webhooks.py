"""What the tests of webhooks share: a bot that is open to them, and somebody who calls."""

import re
from typing import Any

from aiohttp.test_utils import TestClient

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from tests.cogs.test_queued import LONG
from tests.world import World, buttons_of, shown

URL = "https://bot.example"
OPEN = {"http_port": 8080, "public_url": URL, "watch_min_interval": 36_000, "watch_max_interval": 72_000}
"""Settings. Looks of the bot's own are hours apart, so that those which calls lead to can be counted.

Nothing listens on that port: tests serve for themselves, on a free one.
"""
Web = TestClient[Any, Any]


async def new_address(user: Any) -> str:
    """Have an address made by hand; return its path."""
    card = await user.slash("webhook")
    await user.click(card.response, label="Just give me an address" if "No webhook" in shown(card) else "New address")
    return path_in(shown(card))


async def register(user: Any) -> Any:
    """Have the bot register an address; return the card."""
    card = await user.slash("webhook")
    label = "Register one for me" if "No webhook" in shown(card) else "Register a new address"
    await user.click(card.response, label=label)
    assert "I ask NotPanel, with your default key" in shown(card)
    await user.click(card.response, label="Register")
    return card


def rows(here: World) -> list[tuple[Any, ...]]:
    """Return the webhooks as the ledger has them."""
    return here.sql("SELECT * FROM webhooks")


def path_in(text: str) -> str:
    """Return the path of the address that a card shows."""
    found = re.search(rf"```\n{re.escape(URL)}(/hooks/\S+)\n```", text)
    assert found
    return found[1]


async def watch(here: World, user: Any, *orders: str, upstream: Upstream = LONG, key: str = "") -> None:
    """Have orders queued at the provider, and looked at, so that the next look is far away."""
    for order in orders:
        here.order(order, OrderStatus.IN_PROGRESS, upstream=upstream, **({"key": key} if key else {}))
    card = await user.slash("cancel", orders=" ".join(orders))
    for label in buttons_of(card):
        if label.startswith("Cancel"):
            await user.click(card.response, label=label)
    await here.settle()
    await here.wait(90, step=10)


async def work(here: World) -> None:
    """Let the bot read what was called, and do what is due now."""
    await here.app.services.webhooks.step()
    await here.settle()


def checks(here: World) -> int:
    """Return how many status calls have reached the panel."""
    return sum(call.action == "status" for call in here.panel.calls)
