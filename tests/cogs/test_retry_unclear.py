"""The button that gives orders one more try that are only watched: a look first, sent once, by their owner alone."""

from datetime import timedelta
from typing import Any

import pytest

from bot.cards import actions
from bot.cards.layout import Tone, card
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.panel import Answer
from tests.world import KEY, World, choose, offers_of, shown, text_of

RUNNING = OrderStatus.IN_PROGRESS
ONLY_WATCHED = "Some aren't sent again by themselves"
ANSWER = Answer(
    200,
    '[{"order": "ord_A", "error": "Cancellation already requested"}, {"order": "ord_B", "cancel": "ord_B"}]',
)

pytestmark = pytest.mark.usefixtures("env")


async def given_up(here: World, user: Any, *channel: Any) -> Any:
    """Ask for two orders of which one is only watched from then on, and one queued; return the card."""
    for order in ("ord_A", "ord_B"):
        here.order(order, RUNNING, upstream=Upstream(timedelta(hours=9)))
    here.wire.faults = [ANSWER]
    result = await user.slash(*channel, "cancel", orders="ord_A ord_B")
    await here.settle()
    assert "1 waiting · 1 unclear" in shown(result)
    return result


def stands(here: World) -> dict[str, tuple[str, int, int]]:
    """Return of every open order its state, how many calls were unclear, and whether it is given up."""
    rows = here.sql("SELECT order_id, state, ambiguous_attempts, given_up FROM cancellations WHERE ended_at IS NULL")
    return {order: (state, ambiguous_attempts, given_up) for order, state, ambiguous_attempts, given_up in rows}


def asked_since(here: World, calls: int) -> list[tuple[str, tuple[str, ...]]]:
    """Return what the panel was asked for after its first so many calls."""
    return [(call.action, call.orders) for call in here.panel.calls[calls:]]


async def behind(here: World, channel_id: int) -> Any:
    """Send a copy of the card on which the button still stands."""
    copy = card(Tone.PLAIN, ["a copy that is behind"], buttons=[actions.RETRY.button(1, label="Retry unclear")])
    return await here.app.client.get_partial_messageable(channel_id).send(view=copy.view)


async def test_what_is_only_watched_is_looked_at_and_then_sent_once_more(here: World, ann: Any) -> None:
    result = await given_up(here, ann)
    assert ONLY_WATCHED in shown(result)
    calls = len(here.panel.calls)
    pressed = await choose(ann, result.response, "Retry the 1 unclear")
    assert asked_since(here, calls) == []  # the press itself sends nothing
    assert "❔ **Unclear**" in shown(pressed)
    assert ONLY_WATCHED not in shown(pressed)
    assert not any("Retry" in offer for offer in offers_of(pressed.response))
    await here.wait(115)
    asked = asked_since(here, calls)
    assert {action for action, orders in asked if "ord_A" in orders} == {"status"}  # the last call was just now
    await here.wait(20)
    assert here.hasty() == []
    assert here.panel.cancel_requests == {"ord_A": 1}  # and ord_B, which is queued, was not sent again
    assert "2 waiting" in shown(result)


async def test_what_has_ended_meanwhile_is_not_sent(here: World, ann: Any) -> None:
    result = await given_up(here, ann)
    here.panel.orders["ord_A"].status = "canceled"
    await choose(ann, result.response, "Retry the 1 unclear")
    await here.settle()
    assert "1 cancelled" in shown(result)
    assert here.panel.cancel_requests == {}


async def test_pressed_twice_it_is_one_try_and_once_more_unclear_it_can_be_pressed_again(here: World, ann: Any) -> None:
    result = await given_up(here, ann)
    copy = await behind(here, ann.dm_channel.id)
    here.wire.broken = "cancel"
    await choose(ann, result.response, "Retry the 1 unclear")
    await ann.click(copy, label="Retry unclear")
    assert stands(here)["ord_A"] == ("unknown", 1, 0)
    await here.wait(900, step=60)
    assert stands(here)["ord_A"] == ("unknown", 2, 1)
    assert here.times_sent() == {"ord_A": 2, "ord_B": 1}
    moved = ann.dm_channel.last_message
    assert ONLY_WATCHED in text_of([part.to_dict() for part in moved.components])
    here.wire.broken = None
    await choose(ann, moved, "Retry the 1 unclear")
    await here.wait(15)  # the last call was long ago
    assert here.panel.cancel_requests == {"ord_A": 1}


async def test_it_outlives_a_restart(here: World, ann: Any) -> None:
    result = await given_up(here, ann)
    await here.restart()
    await choose(ann, result.response, "Retry the 1 unclear")
    await here.restart()
    await here.wait(130)
    assert here.panel.cancel_requests == {"ord_A": 1}
    assert "2 waiting" in shown(result)


async def test_a_press_while_the_order_is_looked_at_is_not_forgotten(here: World, ann: Any) -> None:
    result = await given_up(here, ann)
    message = result.response.message

    async def press(answer: Answer) -> Answer:
        cancels = here.app.services.cancels
        await cancels.retry(1, ann.id, cancels.message_ref(ann.id, message.channel.id, None, message.id))
        return answer

    here.wire.faults = [press]
    calls = len(here.panel.calls)
    while len(here.panel.calls) == calls:
        await here.wait(1)
    await here.wait(130)
    assert here.panel.cancel_requests == {"ord_A": 1}


async def test_the_card_of_another_request_for_the_same_order_follows(here: World, ann: Any) -> None:
    first = await given_up(here, ann)
    here.wire.broken = "cancel"
    second = await ann.slash("cancel", orders="ord_A")
    await here.wait(600, step=60)
    assert ONLY_WATCHED in shown(first)
    assert ONLY_WATCHED in shown(second)
    await choose(ann, second.response, "Retry the 1 unclear")
    await here.deliver()
    assert ONLY_WATCHED not in shown(first)


async def test_without_a_key_that_works_nothing_is_taken_on(here: World, ann: Any) -> None:
    result = await given_up(here, ann)
    here.panel.revoke_key(KEY)
    for _ in range(2):  # one refusal is not believed yet
        await ann.slash("balance")
        here.skip(61)
    await here.settle()
    assert "Nothing is sent or checked" in shown(result)
    assert "I'm checking" not in shown(result)
    pressed = await choose(ann, result.response, "Retry the 1 unclear")
    assert "rejects your key" in text_of(pressed.followups[0].components)
    assert stands(here)["ord_A"] == ("unknown", 1, 1)


async def test_where_the_acknowledgement_fails_nothing_is_taken_on(here: World, ann: Any) -> None:
    result = await given_up(here, ann)
    here.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await choose(ann, result.response, "Retry the 1 unclear")
    assert stands(here)["ord_A"] == ("unknown", 1, 1)


async def test_nobody_else_can_press_it(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann, bob = (here.env.guild.add_member(here.env.create_user(name)) for name in ("ann", "bob"))
    await here.connect_in(channel, ann)
    await given_up(here, ann, channel)
    pressed = await bob.click(await behind(here, channel.id), label="Retry unclear")
    assert "somebody else" in text_of(pressed.followups[0].components)
    assert stands(here)["ord_A"] == ("unknown", 1, 1)


async def test_a_card_where_nothing_is_only_watched_has_no_such_button(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream())
    here.wire.broken = "cancel"
    result = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "1 unclear" in shown(result)
    assert not any("Retry" in offer for offer in offers_of(result.response))
