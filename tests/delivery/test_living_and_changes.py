"""Living messages when things change around them: settings, closed DMs, deleted messages, many small requests."""

from datetime import timedelta
from typing import Any

import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ledger import NotifyVia
from tests.delivery.test_living_messages import cancel
from tests.delivery.test_reach import prefer
from tests.world import KEY, World, choose, messages, text_of

pytestmark = pytest.mark.usefixtures("env")


def told(result: Any) -> str:
    """Return what an answer shows of updates that could not be delivered."""
    return "".join(text_of(update.components) for update in result.followups)


async def test_single_orders_that_end_together_are_one_message(here: World, ann: Any) -> None:
    for n in range(30):
        await cancel(here, ann, {f"ord_{n}": (300 - 2 * n, "canceled")})
        here.skip(2)
    await here.wait(600)
    found = messages(ann)
    assert len(found) <= 3
    assert "30 cancelled" in found[0]


async def test_whoever_wants_no_more_dms_is_told_where_they_chose_to_be(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (300, "completed"), "ord_C": (700, "canceled")})
    await here.wait(100)
    before = messages(ann)
    await prefer(here, ann, NotifyVia.OFF)
    await here.wait(500)
    (dm,) = messages(ann)
    assert "No longer updating" in dm
    assert "No longer updating" not in before[0]
    assert "`ord_B`" in told(await ann.slash("balance"))
    await here.wait(500)
    later = told(await ann.slash("balance"))
    assert "`ord_C`" in later
    assert "`ord_B`" not in later
    assert told(await ann.slash("balance")) == ""
    (dm,) = messages(ann)
    assert "All 3 orders are settled" in dm
    assert "`ord_B`" not in dm


async def test_dms_that_have_been_opened_again_are_used_for_what_ends_later(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (1800, "canceled"), "ord_C": (3000, "canceled")})
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await here.wait(200)
    assert messages(ann) == []
    await here.wait(3600, step=5)
    assert "`ord_B`" in messages(ann)[0]
    assert "`ord_C`" in "".join(messages(ann))
    undelivered = told(await ann.slash("balance"))
    assert "`ord_A`" in undelivered
    assert "can't DM you" not in undelivered


async def test_what_an_old_message_may_not_show_is_told_though_the_newer_one_is_gone(here: World, ann: Any) -> None:
    seconds = {"ord_A": 60, "ord_B": 4000, "ord_C": 4400, "ord_D": 90_000}
    await cancel(
        here, ann, {order: (at, "completed" if order == "ord_C" else "canceled") for order, at in seconds.items()}
    )
    await here.wait(100)
    (first,) = ann.dm_channel.history()
    old = f"/channels/*/messages/{first.id}"
    here.env.inject_error("PATCH", old, status=500, times=1)
    here.env.inject_error("PATCH", old, status=403, code=30046, times=None)
    await here.wait(4300, step=5)
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await here.wait(3000, step=5)
    assert "`ord_C`" in told(await ann.slash("balance"))
    here.env.backend.faults.clear()
    here.env.inject_error("PATCH", old, status=404, code=10008, times=None)
    await here.wait(20_000, step=60)
    assert "`ord_B`" in "".join(messages(ann))


async def test_whoever_chooses_a_ping_later_is_pinged_about_the_rest(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    mia = here.env.guild.add_member(here.env.create_user("mia"))
    await here.connect_in(channel, mia)
    for order, seconds in {"ord_A": 60, "ord_B": 300}.items():
        here.order(order, OrderStatus.IN_PROGRESS, upstream=Upstream(timedelta(seconds=seconds)))
    await mia.slash(channel, "cancel", orders="ord_A ord_B")
    await here.wait(150)
    assert channel.history() == []
    await prefer(here, mia, NotifyVia.CHANNEL)
    await here.wait(400)
    (ping,) = channel.history()
    assert "`ord_B`" in text_of((await mia.click(ping, label="Show me")).response.components)


async def test_what_is_given_up_is_not_called_settled(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (10**7, "canceled")})
    await here.wait(31 * 86_400, step=7_200)
    living, *_, end = messages(ann)
    for message in (living, end):
        assert "1 cancelled · 1 no longer watched" in message
        assert "No more updates" in message
        assert "settled" not in message


async def test_nobody_is_said_to_watch_what_a_paused_key_is_needed_for(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (10**7, "canceled")})
    here.env.inject_error("POST", "/channels/*/messages", status=502, times=None)
    await here.wait(3 * 86_400 + 600, step=1_800)
    here.panel.revoke_key(KEY)
    for _ in range(2):
        await ann.slash("balance")
        here.skip(62)
    here.env.backend.faults.clear()
    await here.wait(7_200, step=60)
    late = next(message for message in messages(ann) if "after 72 hours" in message)
    assert "Paused: NotPanel rejects your key" in late
    assert "go on watching" not in late


async def test_whoever_stops_watching_is_not_written_to_about_it(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (36_000, "canceled"), "ord_C": (72_000, "canceled")})
    await here.wait(300, step=5)
    question = await choose(ann, (await ann.slash("queued")).response, "Stop watching")
    await ann.click(question.response, label="Stop watching")
    await here.wait(3_600, step=5)
    (living,) = messages(ann)
    assert living.startswith("### 1 cancelled · 2 no longer watched\n-# No more updates")


async def test_what_a_paused_key_never_sent_ends_as_not_sent(here: World, ann: Any) -> None:
    here.wire.down = True
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (60, "canceled")})
    here.wire.down = False
    here.panel.revoke_key(KEY)
    for _ in range(2):
        await ann.slash("balance")
        here.skip(62)
    await here.wait(31 * 86_400, step=7_200)
    (told,) = [message for message in messages(ann) if "ord_A" in message]
    assert "2 not sent" in told
    assert "isn't known" not in told
    assert here.cancel_calls() == []
