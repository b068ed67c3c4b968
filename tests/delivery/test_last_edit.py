"""The last edit of a card: it says that it is the last, and no older one that arrives late takes its place."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from discord.webhook.async_ import AsyncWebhookAdapter

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from tests.world import World, messages, shown

RUNNING = OrderStatus.IN_PROGRESS
NO_LONGER = "No longer updating: see `/queued`."

pytestmark = pytest.mark.usefixtures("env")


async def test_an_open_card_says_in_its_last_edit_that_it_is_the_last(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(timedelta(hours=9)))
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(13 * 60)
    assert NO_LONGER not in shown(card)
    await here.wait(3 * 60)
    assert f"updated <t:{int(here.clock.now.timestamp()) - 119}:R>\n-# {NO_LONGER}" in shown(card)
    last = shown(card)
    await here.wait(10 * 3600, step=600)
    assert shown(card) == last
    assert "Cancelled: `ord_A`" in messages(ann)[-1]


async def test_a_card_in_a_dm_lives_longer_and_says_so_too(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(timedelta(hours=9)))
    await ann.send_dm("cancel ord_A")
    await here.wait(53 * 60, step=10)
    assert NO_LONGER not in messages(ann)[0]
    await here.wait(3 * 60)
    assert NO_LONGER in messages(ann)[0]
    assert here.sql("SELECT card_until, card_due_at FROM requests") == [(0, None)]


async def test_it_outlives_a_restart_and_an_edit_that_fails(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(timedelta(hours=9)))
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(13 * 60)
    await here.restart()
    here.env.inject_error("PATCH", "/webhooks/*", status=500, code=0)
    await here.wait(3 * 60)
    assert NO_LONGER in shown(card)


async def test_a_card_on_which_all_has_ended_is_left_alone(here: World, ann: Any) -> None:
    here.order("ord_A")
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(60)
    ended = shown(card)
    assert "1 cancelled" in ended
    assert "updated" not in ended
    await here.wait(20 * 60)
    assert shown(card) == ended


async def test_what_ends_after_the_last_edit_is_told_at_once_and_once(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(timedelta(minutes=14, seconds=10)))
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(16 * 60)
    assert NO_LONGER in shown(card)
    assert len(messages(ann)) == 1
    assert "Cancelled: `ord_A`" in messages(ann)[0]


async def test_an_edit_of_a_card_that_arrives_late_does_not_stay(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for order, seconds in {"ord_A": 100, "ord_B": 90_000}.items():
        here.order(order, RUNNING, upstream=Upstream(timedelta(seconds=seconds)))
    card = await ann.slash("cancel", orders="ord_A ord_B")
    await here.settle()
    send, edits = AsyncWebhookAdapter.edit_webhook_message, list[Callable[[], Awaitable[Any]]]()

    async def lose_second(adapter: AsyncWebhookAdapter, *which: Any, **what: Any) -> Any:
        edits.append(lambda: send(adapter, *which, **what))
        if len(edits) == 2:
            raise TimeoutError
        return await edits[-1]()

    monkeypatch.setattr(AsyncWebhookAdapter, "edit_webhook_message", lose_second)
    await here.app.services.card_updater.show(1)
    while len(edits) < 2:
        await here.wait(5)
    await here.wait(40, step=5)
    assert "1 cancelled" in shown(card)
    await edits[0]()
    assert "1 cancelled" not in shown(card)
    await here.wait(60, step=5)
    assert "1 cancelled" in shown(card)
    await here.wait(300, step=5)
    assert here.sql("SELECT card_due_at FROM requests") == [(None,)]
