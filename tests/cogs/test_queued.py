"""/queued: when each order was last looked at, a look at once, and no more looks at all."""

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.cards import actions
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.panel import Answer
from tests.workers.test_long_lists import begin, names, one_call
from tests.world import START, World, buttons_of, messages, open_orders, shown

RUNNING = OrderStatus.IN_PROGRESS
LONG = Upstream(timedelta(days=2))
BOBS_KEY = "np-key-of-bob-000"

pytestmark = pytest.mark.usefixtures("env")


async def queue(here: World, user: Any, *orders: str) -> Any:
    """Have orders queued at the provider for days; return the card."""
    for order in orders:
        here.order(order, RUNNING, upstream=LONG)
    card = await user.slash("cancel", orders=" ".join(orders))
    await here.settle()
    return card


async def press(user: Any, card: Any, label: str) -> str:
    """Press a button; return what the card says then."""
    await user.click(card.response, label=label)
    return shown(card)


async def test_each_order_shows_when_it_was_last_looked_at(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    assert f"last look <t:{int(START.timestamp())}:R>" in shown(await ann.slash("queued"))
    await here.wait(3600, step=5)
    (stamp,) = re.findall(r"last look <t:(\d+):R>", shown(await ann.slash("queued")))
    assert here.clock.now.timestamp() - 900 * 1.1 <= int(stamp) <= here.clock.now.timestamp()


async def test_check_now_looks_at_once_and_at_most_once_a_minute(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    await here.wait(7200, step=60)
    card = await ann.slash("queued")
    here.panel.orders["ord_A"].status = "canceled"
    before = len(here.calls("status"))
    again = f"<t:{int((here.clock.now + timedelta(minutes=1)).timestamp())}:R>"
    assert f"I am asking the panel. This card stays as it is: press again {again}" in await press(
        ann, card, "Check now"
    )
    here.skip(1)
    await here.settle()
    assert len(here.calls("status")) == before + 1

    await here.restart()  # when it can be pressed again is known from the ledger
    here.skip(58)
    here.order("ord_B", RUNNING, upstream=LONG)
    await ann.slash("cancel", orders="ord_B")
    await here.settle()
    before = len(here.calls("status"))
    assert f"Asked a moment ago: again {again}" in await press(ann, card, "Check now")
    await here.settle()
    assert len(here.calls("status")) == before
    assert "ord_A" not in shown(card)  # shown anew all the same
    here.skip(1)
    assert "I am asking the panel" in await press(ann, card, "Check now")
    await here.settle()
    assert len(here.calls("status")) == before + 1


async def test_a_look_that_was_asked_for_by_a_clock_ahead_keeps_nobody_waiting(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    card = await ann.slash("queued")
    await press(ann, card, "Check now")
    here.clock.now -= timedelta(days=1)
    assert "I am asking the panel" in await press(ann, card, "Check now")


@pytest.mark.settings(confirm_above=100_000)
async def test_check_now_stays_inside_the_limits(here: World, ann: Any) -> None:
    here.panel.key_limit = 10
    await queue(here, ann, *(f"ord_{n}" for n in range(400)))
    await here.wait(600, step=5)
    card = await ann.slash("queued")
    for _ in range(5):
        assert "I am asking the panel" in await press(ann, card, "Check now")
        await here.wait(60)
    assert 429 not in here.wire.statuses


async def test_check_now_does_not_come_before_a_list_that_is_being_sent(here: World, ann: Any) -> None:
    await begin(here, ann, names(1_000))
    await one_call(here)
    await press(ann, await ann.slash("queued"), "Check now")
    await here.settle()
    actions = [call.action for call in here.panel.calls if call.action in ("cancel", "status")]
    assert actions == ["status"] * 10 + ["cancel"] * 10 + ["status"] * 10  # the first are those of the preview


async def test_check_now_says_what_is_wrong_with_a_key(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    card = await ann.slash("queued")
    here.panel.keys[next(iter(here.panel.keys))].suspended = True
    await here.wait(900, step=10)
    pressed = await ann.click(card.response, label="Check now")
    assert "account is suspended" in repr([answer.components for answer in pressed.followups])


async def test_stop_watching_asks_first_and_then_no_message_comes(here: World, ann: Any) -> None:
    card = await queue(here, ann, "ord_A", "ord_B")
    queued = await ann.slash("queued")
    question = await press(ann, queued, "Stop watching")
    assert "Stop watching 2 open orders?" in question
    assert "Nothing is taken back at the panel" in question
    assert "how it ends will not be told" in question
    assert "-# 2 orders" in await press(ann, queued, "Keep watching")

    await press(ann, queued, "Stop watching")
    await here.restart()
    assert "**2** no longer watched" in await press(ann, queued, "Stop watching")
    await here.settle()
    assert "2 no longer watched" in shown(card)
    calls = len(here.panel.calls)
    await here.wait(3 * 24 * 3600, step=1800)
    assert len(here.panel.calls) == calls
    assert messages(ann) == []
    nothing = shown(await ann.slash("queued"))
    assert "Nothing open" in nothing
    assert "ended" not in nothing  # nobody knows


async def test_what_ended_before_is_still_told(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A", "ord_B")
    here.panel.orders["ord_A"].status = "canceled"
    while not (await here.app.services.records.history(ann.id, None, 30)).groups:
        await here.app.scheduler.step()
        here.skip(1)
    await here.app.services.records.stop_watching(ann.id)
    await here.wait(60)
    (told,) = messages(ann)
    assert "ord_A" in told
    assert "ord_B" not in told


async def test_what_waits_is_not_sent_and_what_is_being_sent_stays(here: World, ann: Any) -> None:
    card = await begin(here, ann, names(300))

    async def meanwhile(answer: Answer) -> Answer:
        stopped = await here.app.services.records.stop_watching(ann.id)
        assert (stopped.not_watched, stopped.not_sent, stopped.under_way) == (0, 200, 100)
        return answer

    here.wire.faults = [meanwhile]
    await here.settle()
    assert len(here.cancel_calls()) == 1
    assert "100 cancelled · 200 not sent" in shown(card)
    await here.wait(60)
    assert "not sent" not in "".join(messages(ann))


async def test_what_is_no_longer_watched_can_be_asked_for_again(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    await here.app.services.records.stop_watching(ann.id)
    here.panel.orders["ord_A"].status = "canceled"
    again = await ann.slash("cancel", orders="ord_A")
    await here.wait(60)
    assert "ord_A" in shown(again)
    assert len(here.cancel_calls()) == 2


async def test_both_reach_nobody_elses_orders(here: World, ann: Any) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    bob = here.env.guild.add_member(here.env.create_user("bob"))
    here.panel.add_key(BOBS_KEY)
    await here.connect_in(channel, bob, BOBS_KEY)
    await queue(here, ann, "ord_A")
    await here.wait(60)
    account = await here.app.ledger.read.account_of(ann.id)
    assert account
    before = await open_orders(here.app.ledger.read, account.id)
    for button in (actions.CHECK_NOW.button(), actions.UNWATCH.button()):
        shown_to_all = await here.post(channel, button)
        pressed = await bob.click(shown_to_all, custom_id=button.custom_id)
        assert "ord_A" not in repr([answer.components for answer in [pressed.response, *pressed.followups]])
    assert await open_orders(here.app.ledger.read, account.id) == before
    assert (await here.app.ledger.read.account_of(ann.id)) == account


async def test_where_nothing_is_open_there_is_no_button(here: World, ann: Any) -> None:
    assert buttons_of(await ann.slash("queued")) == []
