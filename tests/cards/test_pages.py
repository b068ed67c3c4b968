"""Paging through a list: every order once, each as it stands. tests/test_isolation.py: for its owner alone."""

import re
from typing import Any

import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from tests.world import World, buttons_of, shown

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = [pytest.mark.usefixtures("env"), pytest.mark.settings(confirm_above=1_000)]


def ids(result: Any) -> list[str]:
    """Return the orders that an answer names."""
    return re.findall(r"`(ord_\w+)`", shown(result))


async def test_a_list_is_paged_through_forwards_and_back_over_a_restart(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{n:03}", RUNNING, upstream=Upstream()) for n in range(130)]
    card = await ann.slash("cancel", orders=" ".join(orders))
    await here.settle()
    page = await ann.click(card.response, label="Page through")
    assert "Orders 1 to 20" in shown(page)
    assert "⏳ `ord_000` queued · status `in_progress`" in shown(page)
    assert "Page before" not in buttons_of(page)
    found = ids(page)
    for _ in range(6):
        await here.restart()
        page = await ann.click(page.response, label="Next page")
        found += ids(page)
    assert found == orders
    assert "Orders 121 to 130" in shown(page)
    assert "Next page" not in buttons_of(page)
    assert ids(await ann.click(page.response, label="Page before")) == orders[100:120]


async def test_the_open_and_the_past_are_paged_through_too(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{n:03}", RUNNING, upstream=Upstream()) for n in range(130)]
    await ann.slash("cancel", orders=" ".join(orders))
    await here.settle()
    page = await ann.click((await ann.slash("queued")).response, label="Page through")
    assert ids(page) == orders[:20]
    await here.wait(100)
    page = await ann.click((await ann.slash("history", outcome="cancelled")).response, label="Page through")
    assert len(ids(page)) == 20
    page = await ann.click(page.response, label="Next page")
    assert "Orders 21 to 40" in shown(page)
    assert "✅" in shown(page)
