"""The button that asks for refills of a card's delivered orders: asked first, sent once, for the owner alone."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from simcord.backend.serializers import message_payload
from simcord.components import walk_components
from simcord.interactions import base_payload

from bot.cards import actions
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.domain.states import State
from bot.ledger import ListKind
from bot.panel import Answer
from bot.services.reasons import may_be_refilled
from tests.examples import order
from tests.world import KEY, World, buttons_of, choose, offers_of, shown, text_of

RUNNING = OrderStatus.IN_PROGRESS
NOTHING_TWICE = "Nothing was sent twice"

pytestmark = pytest.mark.usefixtures("env")


async def mixed(here: World, user: Any) -> Any:
    """Ask for orders that end in every way; return the card, from which two can be refilled."""
    here.order("ord_Done", OrderStatus.COMPLETED)
    here.order("ord_Pending")
    here.order("ord_Fixed", RUNNING, cancellable=False)
    here.order("ord_Partial", RUNNING, upstream=Upstream(ends_as="partial"), remains=650)
    result = await user.slash("cancel", orders="ord_Pending ord_Partial ord_Fixed ord_Done ord_absent")
    await here.wait(90)
    return result


async def asked(here: World, user: Any) -> Any:
    """Press the button of a card of 0.1.0, which is about all orders that can be refilled; return the question."""
    button = actions.REFILL.button(ListKind.REQUEST, 1, 1)
    return await user.click(await here.post(user.dm_channel, button), custom_id=button.custom_id)


async def go(user: Any, question: Any) -> Any:
    """Confirm what a question asks."""
    (custom_id,) = [
        part["custom_id"]
        for part in walk_components(question.response.components)
        if str(part.get("custom_id")).startswith("np:refill-go:")
    ]
    return await user.click(question.response, custom_id=custom_id)


async def asked_of_mixed(here: World, user: Any) -> Any:
    """Have orders that end in every way; return the question about those that can be refilled."""
    await mixed(here, user)
    return await asked(here, user)


async def test_a_card_asks_first_and_then_for_what_the_panel_calls_delivered(here: World, ann: Any) -> None:
    question = await asked_of_mixed(here, ann)
    assert question.ephemeral
    assert "Refill 2 orders?" in shown(question)
    assert "`ord_Partial`\n`ord_Done`" in shown(question)
    assert "can't be taken back" in shown(question)
    assert here.calls("refill") == []
    await go(ann, question)
    assert here.calls("refill") == [("ord_Partial", "ord_Done")]
    assert "2 accepted" in shown(question)
    assert "`ord_Done` → `ref_" in shown(question)
    assert buttons_of(question) == []


async def test_no_sends_nothing(here: World, ann: Any) -> None:
    question = await asked_of_mixed(here, ann)
    await ann.click(question.response, label="Don't refill")
    assert "Nothing was sent" in shown(question)
    assert buttons_of(question) == []
    assert here.calls("refill") == []


async def test_a_card_without_delivered_orders_has_no_such_button(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING)
    here.order("ord_C", RUNNING, cancellable=False)
    result = await ann.slash("cancel", orders="ord_A ord_B ord_C ord_absent")
    await here.settle()
    assert not any("Refill" in offer for offer in offers_of(result.response))
    question = await asked(here, ann)
    assert "Nothing to refill" in shown(question)
    assert buttons_of(question) == []


@pytest.mark.parametrize(
    ("state", "words", "may"),
    [
        (State.COMPLETED, None, True),
        (State.PARTIAL, None, True),
        (State.REFUSED, "Order cannot be cancelled (Already Completed)", True),
        (State.REFUSED, "Order not found", False),
        (State.REFUSED, None, False),
        (State.UNKNOWN, "Order cannot be cancelled (already completed)", False),
        (State.CANCELLED, None, False),
        (State.QUEUED, None, False),
    ],
)
def test_only_what_the_panel_calls_delivered_may_be_refilled(state: State, words: str | None, may: bool) -> None:
    assert may_be_refilled(order(1, state, words=words)) is may


async def test_the_menu_offers_what_was_partly_delivered_alone(here: World, ann: Any) -> None:
    result = await mixed(here, ann)
    assert [offer for offer in offers_of(result.response) if "Refill" in offer] == ["Refill the 1 partly delivered"]
    question = await choose(ann, result.response, "Refill the 1 partly delivered")
    assert "Refill 1 order?" in shown(question)
    await go(ann, question)
    assert here.calls("refill") == [("ord_Partial",)]


async def test_what_was_delivered_is_offered_a_day_later(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(timedelta(hours=30), ends_as="completed"))
    await ann.slash("cancel", orders="ord_A")
    await here.wait(32 * 3600, step=1800)
    question = await choose(ann, ann.dm_channel.last_message, "Refill the 1 delivered")
    await go(ann, question)
    assert here.calls("refill") == [("ord_A",)]


async def test_a_notice_has_it_too_and_both_presses_outlive_a_restart(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(ends_as="partial"), remains=650)
    here.order("ord_B", RUNNING, upstream=Upstream())
    await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(90)
    told = ann.dm_channel.last_message
    await here.restart()
    question = await choose(ann, told, "Refill the 1 partly delivered")
    assert "Refill 1 order?" in shown(question)
    await here.restart()
    await go(ann, question)
    assert here.calls("refill") == [("ord_A",)]
    assert "`ord_A` → `ref_" in shown(question)


async def test_what_is_asked_for_stands_there_before_it_is_sent(here: World, ann: Any) -> None:
    question = await asked_of_mixed(here, ann)
    before: list[str] = []

    def look(answer: Answer) -> Answer:
        before.append(shown(question))
        raise httpx.ReadTimeout("no answer")

    here.wire.faults = [look]
    await go(ann, question)
    assert "Asking for 2 refills" in before[0]
    assert "it isn't known whether NotPanel took them" in before[0]
    assert "Refill 2 orders" not in before[0]
    assert "2 unclear" in shown(question)


def press_at_once(here: World, user: Any, question: Any) -> None:
    """Press Confirm without waiting for an answer: whatever is done next comes while this is under way."""
    backend, message = here.env.backend, question.response.message
    stored = backend.get_message(message.channel.id, message.id)
    (button,) = [
        part for part in walk_components(stored.components) if str(part.get("custom_id")).startswith("np:refill-go:")
    ]
    data = {"custom_id": button["custom_id"], "component_type": button["type"]}
    record, payload = base_payload(
        backend, type=3, channel_id=message.channel.id, guild_id=None, user_id=user.id, data=data
    )
    record.source_message_id = stored.id
    backend.emit("INTERACTION_CREATE", payload | {"message": dict(message_payload(backend, stored))})


async def test_confirm_pressed_twice_at_once_sends_once(here: World, ann: Any) -> None:
    question = await asked_of_mixed(here, ann)
    press_at_once(here, ann, question)
    pressed = await go(ann, question)
    assert len(here.calls("refill")) == 1
    assert "2 accepted" in shown(question)
    assert here.payloads().count(NOTHING_TWICE) == 1
    assert all(NOTHING_TWICE in text_of(answer.components) for answer in pressed.followups)


async def test_a_second_question_of_the_same_user_waits_for_the_first(here: World, ann: Any) -> None:
    await mixed(here, ann)
    questions = [await asked(here, ann) for _ in range(2)]
    press_at_once(here, ann, questions[0])
    await go(ann, questions[1])
    assert len(here.calls("refill")) == 1
    assert here.payloads().count(NOTHING_TWICE) == 1
    assert sorted("Refill 2 orders?" in shown(question) for question in questions) == [False, True]


async def test_confirm_pressed_again_on_a_screen_that_is_behind_sends_nothing(here: World, ann: Any) -> None:
    question = await asked_of_mixed(here, ann)
    message = question.response.message
    stored = here.env.backend.get_message(message.channel.id, message.id)
    as_it_was = stored.components
    await go(ann, question)
    here.skip(3600)  # by now the panel would take another refill
    stored.components = as_it_was
    again = await go(ann, question)
    assert NOTHING_TWICE in text_of(again.followups[0].components)
    assert len(here.calls("refill")) == 1


async def test_after_a_restart_the_panels_own_rule_keeps_a_second_press_from_acting(here: World, ann: Any) -> None:
    question = await asked_of_mixed(here, ann)
    message = question.response.message
    as_it_was = here.env.backend.get_message(message.channel.id, message.id).components
    await go(ann, question)
    await here.restart()
    here.env.backend.get_message(message.channel.id, message.id).components = as_it_was
    await go(ann, question)
    assert "2 not possible" in shown(question)
    assert set(here.panel.refill_requests.values()) == {1}


async def test_what_was_not_sent_can_be_confirmed_again(here: World, ann: Any) -> None:
    question = await asked_of_mixed(here, ann)
    here.env.inject_error("PATCH", "/webhooks/*", status=500, code=0)
    await go(ann, question)
    assert here.calls("refill") == []
    await go(ann, question)
    assert len(here.calls("refill")) == 1
    here.wire.faults = [httpx.ConnectError("refused")]
    question = await asked(here, ann)
    await go(ann, question)
    assert "Nothing was changed" in shown(question)
    question = await asked(here, ann)
    await go(ann, question)
    assert "“A refill of this order is already open”" in shown(question)


async def test_what_has_ended_since_is_asked_about_anew(here: World, ann: Any) -> None:
    here.order("ord_Late", RUNNING, upstream=Upstream(ends_as="completed"))
    here.order("ord_Done", OrderStatus.COMPLETED)
    await ann.slash("cancel", orders="ord_Late ord_Done")
    await here.settle()
    question = await asked(here, ann)
    assert "Refill 1 order?" in shown(question)
    await here.wait(90)
    await go(ann, question)
    assert here.calls("refill") == []
    assert "Refill 2 orders?" in shown(question)
    await go(ann, question)
    assert here.calls("refill") == [("ord_Late", "ord_Done")]


async def test_where_the_acknowledgement_fails_nothing_is_sent(here: World, ann: Any) -> None:
    question = await asked_of_mixed(here, ann)
    for status, code in ((404, 10062), (400, 40060), (500, 0)):
        here.env.inject_error("POST", "/interactions/*", status=status, code=code)
        await go(ann, question)
    assert here.calls("refill") == []
    await go(ann, question)
    assert len(here.calls("refill")) == 1


async def test_more_than_a_thousand_are_asked_for_in_part_and_that_is_said(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{number:06}", OrderStatus.COMPLETED) for number in range(1_010)]
    result = await ann.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
    await ann.click(result.response, custom_id="np:confirm:1")
    await here.wait(60)
    here.skip(60)
    question = await asked(here, ann)
    assert "Refill 1,000 orders?" in shown(question)
    assert "The first 1,000 of 1,010" in shown(question)
    assert shown(question).count("`ord_") == 10
    assert "+ 990 more" in shown(question)
    await go(ann, question)
    assert sorted(order for call in here.calls("refill") for order in call) == orders[:1_000]


async def test_without_a_key_nothing_is_sent(here: World, ann: Any) -> None:
    question = await asked_of_mixed(here, ann)
    here.panel.revoke_key(KEY)
    for _ in range(2):  # one refusal is not believed yet
        await ann.slash("balance")
        here.skip(61)
    pressed = await go(ann, question)
    assert "rejects your key" in text_of(pressed.followups[0].components)
    assert here.calls("refill") == []


async def test_nobody_else_can_ask_for_them_or_see_them(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann, bob = (here.env.guild.add_member(here.env.create_user(name)) for name in ("ann", "bob"))
    await here.connect_in(channel, ann)
    here.order("ord_Secret", OrderStatus.COMPLETED)
    await ann.slash(channel, "cancel", orders="ord_Secret")
    await here.settle()
    for kind in (ListKind.REQUEST, ListKind.NOTICE):
        pair = [actions.REFILL.button(kind, 1, 1), actions.CONFIRM_REFILL.button(kind, 1, 1, 1)]
        forged = await here.post(channel, *pair)
        for button in pair:
            pressed = await bob.click(forged, custom_id=button.custom_id)
            answers = [pressed.response, *pressed.followups]
            assert "somebody else" in "".join(text_of(answer.components) for answer in answers)
            assert "ord_Secret" not in repr([answer.components for answer in answers])
    assert here.calls("refill") == []
