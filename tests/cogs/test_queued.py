"""/queued: what is open by request, a check at once, and no more checks at all."""

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.cards import actions
from bot.cards.layout import CardView
from bot.demo.panel import Upstream
from bot.domain.errors import NotOwner
from bot.domain.order_status import OrderStatus
from bot.panel import Answer
from tests.workers.test_long_lists import begin, names, one_call
from tests.world import KEY, START, World, buttons_of, messages, offers_of, open_orders, shown

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


async def stop_watching(user: Any, card: Any) -> str:
    """Choose that from a card's menu; return what it says then."""
    await user.select(card.response, ["np:ask-unwatch"], custom_id="np:more:open:0")
    return shown(card)


async def press(user: Any, card: Any, label: str) -> str:
    """Press a button; return what the card says then."""
    await user.click(card.response, label=label)
    return shown(card)


async def test_a_few_orders_stand_below_the_time_of_their_request(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A", "ord_B")
    here.skip(60)
    await queue(here, ann, "ord_C")
    text = shown(await ann.slash("queued"))
    asked = int(START.timestamp())
    assert text.startswith(f"### 3 waiting · oldest <t:{asked}:R>\n-# 2 requests · last check <t:{asked + 60}:R>")
    first, second = [f"⏳ **<t:{at}:t>** · {{}} left\n-# deadline <t:{at + 72 * 3600}:R>" for at in (asked, asked + 60)]
    assert f"\n{first.format('2 of 2')}\n`ord_A`\n`ord_B`\n{second.format('1 of 1')}\n`ord_C`\n" in text
    assert "Show all" not in text


@pytest.mark.settings(confirm_above=100_000)
async def test_many_orders_are_a_line_for_each_request_and_the_ids_are_behind_a_button(here: World, ann: Any) -> None:
    for number in range(10):
        await queue(here, ann, *(f"ord_{number}x{n}" for n in range(12)))
        await here.wait(60, step=10)
    here.panel.orders["ord_0x0"].status = "canceled"
    await here.wait(3600, step=60)
    queued = await ann.slash("queued")
    text = shown(queued)
    assert text.startswith("### 119 waiting · oldest")
    assert "· 11 of 12 left\n-# deadline" in text
    assert text.count(" of 12 left") == 7
    assert "-# + 3 more requests" in text
    assert "`ord_" not in text
    assert buttons_of(queued)[:2] == ["Check now", "Show all 119"]


async def test_what_does_harm_stands_last_in_the_menu(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    queued = await ann.slash("queued")
    assert offers_of(queued.response) == ["Copy IDs: 1 waiting", "Whole list (CSV)", "Stop watching …"]


async def test_what_is_linked_counts_with_the_request_that_holds_it(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A", "ord_B")
    here.skip(60)
    await queue(here, ann, "ord_B", "ord_C")
    text = shown(await ann.slash("queued"))
    assert text.startswith("### 3 waiting")
    assert "2 of 2 left" in text
    assert "1 of 2 left" in text


async def test_what_is_not_sent_has_no_deadline(here: World, ann: Any) -> None:
    await begin(here, ann, names(300))
    await one_call(here)
    text = shown(await ann.slash("queued"))
    assert "200 not sent yet" in text
    assert " of 300 left" in text
    here.wire.down = True
    await ann.slash("cancel", orders=" ".join(here.order(f"ord_late{n}") for n in range(9)))
    assert re.search(r"🕓 .* 9 of 9 left\n-# not sent yet", shown(await ann.slash("queued")))


async def test_what_is_late_and_why_nothing_comes_is_said(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(timedelta(days=20)))
    await ann.slash("cancel", orders="ord_A")
    await here.wait(73 * 3600, step=1800)
    text = shown(await ann.slash("queued"))
    assert "⚠️ 1 for over 72 h" in text
    assert re.search(r"\*\*<t:\d+:d>\*\* · 1 of 1 left\n-# <t:\d+:t> · ⚠️ over 72 h\n", text)
    here.wire.down = True
    await here.wait(4 * 3600, step=600)
    assert "can't be reached" in shown(await ann.slash("queued"))


async def test_check_now_says_on_its_card_what_came_of_it(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A", "ord_B", "ord_C")
    await here.wait(7200, step=60)
    card = await ann.slash("queued")
    here.panel.orders["ord_A"].status = "canceled"
    before = len(here.calls("status"))
    assert "Checking… this card updates in a few seconds." in await press(ann, card, "Check now")
    here.skip(1)
    await here.settle()
    assert len(here.calls("status")) == before + 1
    now = int(here.clock.now.timestamp())
    assert f"\n-# 1 request\nChecked <t:{now}:R>: 1 ended, 2 still waiting.\n" in shown(card)
    assert shown(card).count(f"<t:{now}:R>") == 1  # said once
    assert shown(card).startswith("### 2 waiting")
    assert "Checking" not in shown(card)
    assert "ord_A" not in shown(card)


async def test_a_check_is_had_at_most_once_a_minute(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    await here.wait(7200, step=60)
    card = await ann.slash("queued")
    again = f"<t:{int((here.clock.now + timedelta(minutes=1)).timestamp())}:R>"
    await press(ann, card, "Check now")
    await here.settle()

    await here.restart()  # when it can be pressed again is known from the ledger
    here.skip(59)
    before = len(here.calls("status"))
    assert f"I asked a moment ago. You can check again {again}." in await press(ann, card, "Check now")
    await here.settle()
    assert len(here.calls("status")) == before
    here.skip(1)
    assert "Checking…" in await press(ann, card, "Check now")
    await here.settle()
    assert len(here.calls("status")) == before + 1


async def test_a_check_that_nobody_answers_claims_nothing(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    await here.wait(7200, step=60)
    card = await ann.slash("queued")
    here.wire.down = True
    await press(ann, card, "Check now")
    await here.wait(40)
    assert "No answer from NotPanel yet. I keep trying." in shown(card)
    assert "Checked" not in shown(card)


@pytest.mark.settings(confirm_above=100_000)
async def test_a_check_that_takes_long_says_how_far_it_is(here: World, ann: Any) -> None:
    await queue(here, ann, *(f"ord_{n}" for n in range(400)))
    await here.wait(1200, step=5)
    here.skip(62)
    here.app.services.cancels._budget._ip.limit = 2  # calls a minute
    card = await ann.slash("queued")
    await press(ann, card, "Check now")
    await here.wait(32)
    (count,) = re.findall(r"Checked (\d+) of 400 so far: 0 ended, \d+ still waiting\.", shown(card))
    assert 0 < int(count) < 400
    assert "The rest follows within NotPanel's limits." in shown(card)


async def test_a_result_does_not_take_the_place_of_a_question(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    card = await ann.slash("queued")
    await press(ann, card, "Check now")
    await stop_watching(ann, card)
    await here.settle()
    assert shown(card).startswith("### Stop watching 1 order?")


async def test_a_card_that_is_gone_keeps_nothing_else_from_being_shown(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    card = await ann.slash("queued")
    await press(ann, card, "Check now")

    async def gone(_: CardView) -> None:
        raise TimeoutError

    here.app.services.check_results.follow(1, ann.id, [1], here.clock.now, gone)
    here.skip(1)
    await here.settle()
    assert "Checked" in shown(card)


async def test_a_check_that_was_asked_for_by_a_clock_ahead_keeps_nobody_waiting(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    card = await ann.slash("queued")
    await press(ann, card, "Check now")
    here.clock.now -= timedelta(days=1)
    await here.settle()
    assert "Checking…" not in shown(card)
    assert "Checking…" in await press(ann, card, "Check now")


@pytest.mark.settings(confirm_above=100_000)
async def test_check_now_stays_inside_the_limits(here: World, ann: Any) -> None:
    here.panel.key_limit = 10
    await queue(here, ann, *(f"ord_{n}" for n in range(400)))
    await here.wait(600, step=5)
    card = await ann.slash("queued")
    for _ in range(5):
        assert "Checking…" in await press(ann, card, "Check now")
        await here.wait(60)
    assert 429 not in here.wire.statuses


async def test_check_now_does_not_come_before_a_list_that_is_being_sent(here: World, ann: Any) -> None:
    await begin(here, ann, names(1_000))
    await one_call(here)
    await press(ann, await ann.slash("queued"), "Check now")
    await here.settle()
    actions = [call.action for call in here.panel.calls if call.action in ("cancel", "status")]
    assert actions == ["status"] * 10 + ["cancel"] * 10 + ["status"] * 10  # the first are those of the preview


@pytest.mark.parametrize("suspended", [True, False])
async def test_a_key_that_the_panel_does_not_take_is_the_first_line(here: World, ann: Any, suspended: bool) -> None:
    await queue(here, ann, "ord_A")
    card = await ann.slash("queued")
    here.panel.keys[KEY].suspended = suspended
    if not suspended:
        here.panel.revoke_key(KEY)
    await here.wait(3600, step=10)
    first = "⏸ Paused: your NotPanel account is suspended" if suspended else "⏸ Paused: NotPanel rejects your key"
    for shows in (ann.slash("queued"), ann.slash("history"), ann.click(card.response, label="Check now")):
        result = await shows
        text = shown(result if result.response is not card.response else card)
        assert text.startswith(f"### {first} `…cdef`\n")
    assert "**1 waiting · oldest" in shown(card)
    assert buttons_of(card) == ["Connect again"]
    assert "DM you" not in shown(card)


async def test_stop_watching_asks_first_and_then_no_message_comes(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A", "ord_B")
    queued = await ann.slash("queued")
    question = await stop_watching(ann, queued)
    assert question.startswith("### Stop watching 2 orders?")
    assert "Requests already sent stay with NotPanel. I just won't tell you how they end." in question
    assert "### 2 waiting" in await press(ann, queued, "Keep watching")

    await stop_watching(ann, queued)
    await here.restart()
    assert "### 2 no longer watched" in await press(ann, queued, "Stop watching")
    await here.settle()
    calls = len(here.panel.calls)
    await here.wait(3 * 24 * 3600, step=1800)
    assert len(here.panel.calls) == calls
    assert messages(ann) == []
    nothing = shown(await ann.slash("queued"))
    assert "Nothing waiting" in nothing
    assert "ended" not in nothing  # nobody knows


async def test_one_request_of_several_is_watched_no_longer(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A", "ord_B")
    here.skip(60)
    await queue(here, ann, "ord_B", "ord_C", "ord_D")
    queued = await ann.slash("queued")
    question = await stop_watching(ann, queued)
    assert "1\\. **<t:" in question
    assert "2\\. **<t:" in question
    (second,) = here.sql("SELECT MAX(id) FROM requests")[0]
    await ann.select(queued.response, [str(second)], custom_id="np:unwatch-one")
    assert shown(queued).startswith("### Stop watching 2 orders?")
    assert "### 2 no longer watched" in await press(ann, queued, "Stop watching")
    assert "### 2 waiting" in shown(await ann.slash("queued"))
    for order in ("ord_A", "ord_B", "ord_C", "ord_D"):
        here.panel.orders[order].status = "canceled"
    await here.wait(3600, step=60)
    told = "".join(messages(ann))
    assert "ord_A" in told
    assert "ord_B" in told
    assert "ord_C" not in told


async def test_what_another_request_has_named_too_stays_watched(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A", "ord_B")
    here.skip(60)
    await queue(here, ann, "ord_B", "ord_C")
    (first,) = here.sql("SELECT MIN(id) FROM requests")[0]
    stopped = await here.app.services.records.stop_watching(ann.id, first)
    assert (stopped.not_watched, stopped.not_sent, stopped.under_way) == (1, 0, 1)
    here.panel.orders["ord_B"].status = "canceled"
    await here.wait(3600, step=60)
    assert "ord_B" in "".join(messages(ann))


async def test_of_one_long_list_what_waits_is_not_sent(here: World, ann: Any) -> None:
    await begin(here, ann, names(2_000))
    await one_call(here)
    (request,) = here.sql("SELECT MAX(id) FROM requests")[0]
    stopped = await here.app.services.records.stop_watching(ann.id, request)
    assert stopped.not_sent == 1_900
    sent = len(here.cancel_calls())
    await here.settle()
    assert len(here.cancel_calls()) == sent
    assert "Nothing waiting" in shown(await ann.slash("queued"))


async def test_what_ended_before_is_still_told(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A", "ord_B")
    here.panel.orders["ord_A"].status = "canceled"
    while not (await here.app.services.records.history(ann.id, None, 30)).states:
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
    assert shown(card).startswith("### 100 cancelled · 200 not sent\n")
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
    (theirs,) = here.sql("SELECT MAX(id) FROM requests")[0]
    with pytest.raises(NotOwner):
        await here.app.services.records.stop_watching(bob.id, theirs)
    assert await open_orders(here.app.ledger.read, account.id) == before
    assert (await here.app.ledger.read.account_of(ann.id)) == account


async def test_where_nothing_is_open_there_is_no_button(here: World, ann: Any) -> None:
    assert buttons_of(await ann.slash("queued")) == []
