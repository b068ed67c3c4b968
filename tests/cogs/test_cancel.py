"""/cancel: what becomes of one order or hundreds, and of the question before."""

import csv
import random
from datetime import timedelta
from typing import Any

import pytest

from bot.cards import actions
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ledger.lists import MOST_SHOWN
from tests.world import World, messages, offers_of, shown, text_of, whole_list

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


async def test_a_pending_order_is_cancelled_once_its_status_says_so(here: World, ann: Any) -> None:
    here.order("ord_A")
    result = await ann.slash("cancel", orders="ord_A")
    assert "cancelled" not in shown(result).casefold()
    await here.settle()
    assert "1 cancelled" in shown(result)
    assert "✅ **Cancelled** (1)" in shown(result)
    assert messages(ann) == []  # told on the card; no message on top


async def test_each_outcome_has_its_group_its_reason_and_a_next_step(here: World, ann: Any) -> None:
    here.order("ord_pending")
    here.order("ord_running".replace("_r", "_R"), RUNNING)
    here.order("ord_done", OrderStatus.COMPLETED)
    here.order("ord_fixed", RUNNING, cancellable=False)
    result = await ann.slash("cancel", orders="ord_pending ord_Running ord_done ord_fixed ord_absent")
    await here.settle()
    text = shown(result)
    assert "1 cancelled · 1 waiting · 2 not possible · 1 delivered" in text
    assert "📦 **Delivered, not cancelled** (1)" in text  # "already completed" the panel says of every end
    assert not any("Refill" in offer for offer in offers_of(result.response))
    assert "“Service does not support cancellation”" in text
    assert "“Order not found”" in text
    assert "Not refunded yet" in text


async def test_a_queued_order_is_followed_until_it_ends(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(), remains=650)
    result = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "Waiting at the provider" in shown(result)
    await here.wait(90)
    assert "1 cancelled" in shown(result)
    (notice,) = messages(ann)
    assert notice == "### ✅ Cancelled: `ord_A` · −0.50 USD"  # noqa: RUF001


async def test_what_one_order_came_to_is_told_once(here: World, ann: Any) -> None:
    whole = "ord_01HG9X7KJP4N2Q8RSTVWXYZ001"  # an ID that fills a line of a phone
    here.order(whole, RUNNING, upstream=Upstream(ends_as="partial"), remains=400)
    await ann.slash("cancel", orders=whole)
    await here.wait(90)
    (notice,) = messages(ann)
    assert notice.startswith(f"### 🌓 Partly delivered: `{whole}` · 400 not delivered · −0.20 USD")  # noqa: RUF001
    assert notice.count("400 not delivered") == notice.count("0.20 USD") == 1


async def test_what_came_back_for_more_orders_than_a_card_reads_is_summed(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{n:03}", RUNNING, upstream=Upstream(), remains=650) for n in range(MOST_SHOWN + 3)]
    question = await ann.slash("cancel", orders=" ".join(orders))
    await ann.click(question.response, label=f"Cancel {len(orders)} orders")
    await here.settle()
    await here.wait(120)
    assert f"✅ **Cancelled** ({len(orders)})\n-# 61.50 USD refunded." in shown(question)
    assert f"✅ **Cancelled** ({len(orders)})\n-# 61.50 USD refunded." in messages(ann)[-1]


async def test_an_order_that_runs_on_is_not_called_cancelled(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(ends_as="completed"))
    here.order("ord_B", RUNNING, upstream=Upstream(ends_as="partial"), remains=650)
    result = await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(90)
    (notice,) = messages(ann)  # both within one window: one message
    for text in (shown(result), notice):
        assert "Delivered, not cancelled" in text
        assert "🌓 **Partly delivered** (1)\n-# 0.32 USD refunded." in text
        assert "`ord_B` · 650 not delivered" in text
        assert text.count("refunded") == 1
        assert text.casefold().count("cancelled") == text.count("Delivered, not cancelled") == 1


async def test_repeating_the_command_joins_what_is_under_way(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    again = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert here.panel.cancel_requests["ord_A"] == 1
    assert "1 was already being cancelled; not sent twice." in shown(again)
    await here.wait(90)
    assert "1 cancelled" in shown(again)
    assert "1 was already being cancelled; not sent twice." in shown(again)  # it was when that was asked
    assert len(messages(ann)) == 1


async def test_repeating_the_command_later_says_what_was_cancelled_by_then(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING, upstream=Upstream(timedelta(days=2)))
    await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(10)
    again = await ann.slash("cancel", orders="ord_A ord_B")
    await here.settle()
    assert "-# 1 was already cancelled; not sent again.\n" in shown(again)
    assert "-# 1 was already being cancelled; not sent twice." in shown(again)
    assert set(here.panel.cancel_requests.values()) == {1}


def big_list(rng: random.Random) -> tuple[str, list[str]]:
    """Return a file with 250 IDs, mixed separators, repeats and junk; and the IDs."""
    ids = [f"ord_{rng.getrandbits(120):030X}" for _ in range(250)]
    words = [*ids, *rng.sample(ids, 40), "Order-ID", "https://notpanel.com/orders", "1000", "ord_A_B", "done"]
    rng.shuffle(words)
    separators = [",", ";", "\n", "\r\n", "\t", " | ", "  ", '","', " / "]
    return "".join(word + rng.choice(separators) for word in words), ids


async def test_what_was_only_asked_for_again_keeps_no_other_order_waiting(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.order("ord_B")
    for order in ("ord_A", "ord_A", "ord_B"):
        await ann.slash("cancel", orders=order)
        await here.settle()
    assert here.panel.cancel_requests == {"ord_A": 1, "ord_B": 1}


async def test_250_orders_from_a_file_cost_three_calls_and_none_is_sent_twice(here: World, ann: Any) -> None:
    text, ids = big_list(random.Random(1))
    for index, order in enumerate(ids):
        status = (OrderStatus.PENDING, RUNNING, OrderStatus.COMPLETED)[index % 3]
        here.order(order, status)
    asked = await ann.slash("cancel", file=("orders.csv", text.encode()))
    await here.settle()
    assert "Cancel 250 orders?" in shown(asked)
    assert "40 repeats left out" in shown(asked)
    assert "`ord_A_B`" in shown(asked)
    assert "`1000`" in shown(asked)
    assert here.cancel_calls() == []

    await ann.click(asked.response, custom_id="np:confirm:1")
    await here.settle()
    calls = here.cancel_calls()
    assert [len(call) for call in calls] == [100, 100, 50]
    assert sorted(order for call in calls for order in call) == sorted(ids)
    assert set(here.panel.cancel_requests.values()) == {1}
    assert "84 cancelled · 83 waiting · 83 delivered" in shown(asked)
    lines = (await whole_list(ann, asked)).splitlines()
    outcome = {row[0]: row[1] for row in csv.reader(lines[1:])}
    expected = ("Cancelled", "Waiting at the provider", "Delivered, not cancelled")
    assert outcome == {order: expected[index % 3] for index, order in enumerate(ids)}


@pytest.mark.settings(confirm_above=1)
async def test_confirm_pressed_twice_sends_once(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.order("ord_B", RUNNING)
    asked = await ann.slash("cancel", orders="ord_A ord_B")
    message = asked.response.message
    await ann.click(asked.response, label="Cancel 2 orders")
    await here.settle()
    assert "np:confirm" not in repr(asked.response.components)
    # A second press that was already on its way when the first one was answered.
    place = here.app.services.cancels.message_ref(ann.id, message.channel.id, None, message.id)
    await here.app.services.cancels.answer(1, ann.id, place, go=True)
    await here.settle()
    assert here.panel.cancel_requests == {"ord_A": 1, "ord_B": 1}


@pytest.mark.settings(confirm_above=1)
async def test_keep_sends_nothing_and_says_no_more_than_that(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    asked = await ann.slash("cancel", orders="ord_A ord_B")
    await ann.click(asked.response, label="Don't cancel")
    await here.settle()
    assert shown(asked) == "### Nothing was sent"  # the first is being cancelled all the same
    assert here.cancel_calls() == [("ord_A",)]


@pytest.mark.settings(confirm_above=1)
async def test_a_question_lapses(here: World, ann: Any) -> None:
    await ann.send_dm("cancel ord_A ord_B")
    reply = ann.dm_channel.last_message
    here.skip(16 * 60)
    await ann.click(reply, label="Cancel 2 orders")
    await here.settle()
    assert "Too late to confirm" in messages(ann)[-1]
    assert here.cancel_calls() == []


@pytest.mark.settings(confirm_above=1)
@pytest.mark.parametrize("minutes", [16, 70])
async def test_a_late_answer_to_a_question_is_told_that_it_is_late(here: World, ann: Any, minutes: int) -> None:
    asked = await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(minutes * 60, step=60)
    pressed = await ann.click(asked.response, custom_id="np:confirm:1")
    assert "Too late to confirm" in shown(pressed)
    assert here.cancel_calls() == []


@pytest.mark.settings(confirm_above=1)
async def test_only_the_requester_may_confirm(here: World) -> None:
    guild = here.env.create_guild()
    channel = guild.create_text_channel("orders")
    ann = guild.add_member(here.env.create_user("ann"))
    bob = guild.add_member(here.env.create_user("bob"))
    await here.connect_in(channel, ann)
    asked = await ann.slash(channel, "cancel", orders="ord_A ord_B")
    assert asked.ephemeral  # bob cannot even see it …
    forged = await here.post(channel, actions.CONFIRM.button(1, count=2))
    pressed = await bob.click(forged, custom_id="np:confirm:1")
    await here.settle()
    assert "somebody else" in text_of(pressed.followups[0].components)
    assert here.cancel_calls() == []


async def test_an_order_proven_cancelled_is_not_sent_again(here: World, ann: Any) -> None:
    here.order("ord_A")
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    again = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "1 cancelled" in shown(again)
    assert here.cancel_calls() == [("ord_A",)]
