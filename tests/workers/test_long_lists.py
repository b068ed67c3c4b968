"""Lists that take many calls: confirmed once, sent in turn, told in figures, stopped at a press."""

import asyncio
import re
from typing import Any

import pytest

from bot.cards import actions
from bot.cards.actions import Button
from bot.domain.order_status import OrderStatus
from bot.ledger import ListKind
from bot.panel import Answer
from tests.world import KEY, World, buttons_of, choose, messages, shown, text_of, whole_list

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


async def begin(here: World, user: Any, orders: list[str]) -> Any:
    """Ask for a list in a file and confirm it; return its card."""
    for order in orders:
        here.order(order)
    card = await user.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
    await user.click(card.response, label=f"Cancel {len(orders):,} orders")
    return card


async def one_call(here: World) -> None:
    """Let the scheduler make one call for each account, and show what came of it."""
    await here.one_call()
    await here.deliver()


def names(count: int, prefix: str = "L") -> list[str]:
    """Return order IDs."""
    return [f"ord_{prefix}{number:06}" for number in range(count)]


async def test_the_card_says_how_much_is_sent_and_when_the_rest_can_be_at_best(here: World, ann: Any) -> None:
    card = await begin(here, ann, names(1_000))
    assert "▱\n0 of 1,000 sent" in shown(card)
    here.skip(62)  # the preview's calls are forgotten
    here.app.services.cancels._budget._ip.limit = 3  # calls a minute
    await one_call(here)
    here.skip(1)
    await one_call(here)
    assert "▱\n200 of 1,000 sent" in shown(card)
    (minutes,) = re.findall(r"about (\d+) min left", shown(card))
    began = here.clock.now
    while len(here.cancel_calls()) < 10:
        await here.wait(1)
    taken = (here.clock.now - began).total_seconds()
    assert 0.9 * taken <= int(minutes) * 60 <= 2 * taken  # in whole minutes, and the first was a slow one


async def test_all_of_a_list_is_sent_before_its_first_order_is_looked_at(here: World, ann: Any) -> None:
    await begin(here, ann, names(1_000))
    await here.settle()
    actions = [call.action for call in here.panel.calls if call.action in ("cancel", "status")]
    assert actions == ["status"] * 10 + ["cancel"] * 10 + ["status"] * 10  # the first are those of the preview


async def test_one_order_overtakes_thousands_of_the_same_user(here: World, ann: Any) -> None:
    await begin(here, ann, names(3_000))
    await one_call(here)
    here.order("ord_urgent")
    card = await ann.slash("cancel", orders="ord_urgent")
    await one_call(here)
    assert "ord_urgent" in here.cancel_calls()[-1]
    assert len(here.cancel_calls()[-1]) == 100  # a call costs the same, however many it names
    await one_call(here)
    assert "1 cancelled" in shown(card)
    assert "of 3,000 sent" not in shown(card)


async def test_stop_sends_nothing_more_and_says_what_was_not_sent(here: World, ann: Any) -> None:
    orders = names(1_000)
    card = await begin(here, ann, orders)
    await one_call(here)
    stopped = await ann.click(card.response, label="Stop sending")
    await here.settle()
    assert len(here.cancel_calls()) == 1
    assert "100 cancelled · 900 not sent" in shown(stopped)
    assert "Stop sending" not in buttons_of(stopped)
    lines = (await whole_list(ann, stopped)).splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == orders  # in the order of the list
    assert sum(",Not sent," in line for line in lines) == 900


async def test_stop_pressed_twice_or_too_late_or_after_a_restart_is_harmless(here: World, ann: Any) -> None:
    card = await begin(here, ann, names(500))
    await one_call(here)
    await here.restart()
    await ann.click(card.response, label="Stop sending")
    await here.settle()
    late = await here.post(ann.dm_channel, actions.STOP.button(1))
    await ann.click(late, custom_id="np:stop:1")
    await here.settle()
    assert "100 cancelled · 400 not sent" in shown(card)
    assert len(here.cancel_calls()) == 1


async def test_what_was_turned_away_while_stop_was_pressed_is_not_sent_either(here: World, ann: Any) -> None:
    card = await begin(here, ann, names(500))
    await one_call(here)

    async def stopped_meanwhile(answer: Answer) -> Answer:
        await ann.click(card.response, label="Stop sending")
        return answer

    here.panel._by_key[KEY].used = here.panel.key_limit  # by what else its user does with the key
    here.wire.faults = [stopped_meanwhile]
    await here.wait(120)
    assert len(here.panel.cancel_requests) == 100
    assert "100 cancelled · 400 not sent" in shown(card)


async def test_what_was_not_sent_can_be_asked_for_again(here: World, ann: Any) -> None:
    orders = names(300)
    card = await begin(here, ann, orders)
    await one_call(here)
    await ann.click(card.response, label="Stop sending")
    again = await ann.slash("cancel", file=("again.txt", "\n".join(orders).encode()))
    await ann.click(again.response, label="Cancel 300 orders")
    await here.settle()
    assert "300 cancelled" in shown(again)
    assert "100 were already cancelled; not sent again." in shown(again)
    assert set(here.panel.cancel_requests.values()) == {1}


async def test_nobody_else_can_stop_a_list_or_read_it(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann, bob = (here.env.guild.add_member(here.env.create_user(name)) for name in ("ann", "bob"))
    await here.connect_in(channel, ann)
    for order in names(500):
        here.order(order)
    card = await ann.slash(channel, "cancel", file=("orders.txt", "\n".join(names(500)).encode()))
    await ann.click(card.response, label="Cancel 500 orders")
    shown_to_all = await here.post(channel, actions.STOP.button(1), *map(whole, ListKind))
    for button in (actions.STOP.button(1), whole(ListKind.REQUEST), whole(ListKind.NOTICE), whole(ListKind.OPEN)):
        pressed = await bob.click(shown_to_all, custom_id=button.custom_id)
        answers = [pressed.response, *pressed.followups]
        assert "ord_L" not in repr([answer.components for answer in answers])
        assert [answer.attachments for answer in answers if answer.attachments] == []
    await here.settle()
    assert "500 cancelled" in shown(card)


def whole(kind: ListKind) -> Button:
    """Return the button for the first list of a kind."""
    return actions.LIST.button(kind, 1)


async def test_a_restart_in_the_middle_of_a_list_goes_on_where_it_was(here: World, ann: Any) -> None:
    card = await begin(here, ann, names(700))
    await one_call(here)
    await here.restart()
    await here.wait(5)
    assert "700 cancelled" in shown(card)
    assert sorted(order for call in here.cancel_calls() for order in call) == names(700)


async def test_the_same_list_twice_is_sent_once(here: World, ann: Any) -> None:
    first = await begin(here, ann, names(300))
    second = await ann.slash("cancel", file=("again.txt", "\n".join(names(300)).encode()))
    await ann.click(second.response, label="Cancel 300 orders")
    await here.wait(5)
    assert "300 cancelled" in shown(first)
    assert "300 cancelled" in shown(second)
    assert len(here.cancel_calls()) == 3


async def test_what_waits_stands_in_queued_and_in_its_list(here: World, ann: Any) -> None:
    await begin(here, ann, names(400))
    await one_call(here)
    queued = await ann.slash("queued")
    assert "400 of 400 left" in shown(queued)
    assert "300 not sent yet" in shown(queued)
    assert (await whole_list(ann, queued)).count("ord_L") == 400
    assert "400 orders being watched" in shown(await ann.slash("key show"))


async def test_removing_the_key_in_the_middle_of_a_list_says_that_the_rest_was_not_sent(here: World, ann: Any) -> None:
    card = await begin(here, ann, names(400))
    await one_call(here)
    question = await ann.slash("key remove")
    assert "400 orders are open" in shown(question)
    await ann.click(question.response, label="Remove anyway")
    await here.settle()
    assert "100 no longer watched · 300 not sent" in shown(card)
    await here.wait(30)
    assert len(here.cancel_calls()) == 1


async def test_a_list_that_outlives_its_card_is_told_by_one_message_at_its_end(here: World, ann: Any) -> None:
    here.app.services.cancels._budget._ip.limit = 6
    card = await begin(here, ann, names(6_000))  # twenty minutes of calls
    while not messages(ann):
        await here.wait(5, step=5)
    assert "of 6,000 sent" in shown(card) or "checking" in shown(card)  # its token has run out
    await here.wait(300, step=5)
    (told,) = messages(ann)
    assert "All 6,000 orders are settled" in told
    assert "6,000 cancelled" in told


async def test_the_list_behind_a_message_is_its_readers_alone(here: World, ann: Any) -> None:
    orders = names(200)
    for order in orders:
        here.order(order, RUNNING)
    card = await ann.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
    await ann.click(card.response, label="Cancel 200 orders")
    await here.wait(100)
    (told,) = [
        message for message in ann.dm_channel.history() if "All 200 orders are settled" in text_of_message(message)
    ]
    pressed = await choose(ann, told, "Whole list (CSV)")
    (file,) = pressed.response.attachments
    assert (await file.read()).count(b",Cancelled,") == 200


def text_of_message(message: Any) -> str:
    """Return what a message says."""
    return text_of([part.to_dict() for part in message.components])


async def test_where_several_lists_of_a_user_wait_the_next_is_told_so(here: World, ann: Any) -> None:
    await ann.slash("cancel", orders=" ".join(map(here.order, names(120))))
    card = await here.post(ann.dm_channel, actions.LIST.button(ListKind.REQUEST, 1))
    turns, written = here.app.client.services.list_turns, asyncio.Event()

    async def write_slowly() -> None:
        async with turns.turn(int(ann.id)):
            await written.wait()

    slow = [asyncio.create_task(write_slowly()) for _ in range(4)]
    await asyncio.sleep(0)
    assert turns.waiting == 3
    pressed = await ann.click(card, label="Whole list (CSV)")
    assert "still being written. Press again" in shown(pressed)
    assert not pressed.response.attachments
    written.set()
    await asyncio.gather(*slow)
    (file,) = (await ann.click(card, label="Whole list (CSV)")).response.attachments
    assert (await file.read()).count(b"ord_L") == 120


async def test_a_question_that_is_kept_leaves_nothing_of_its_list(here: World, ann: Any) -> None:
    card = await ann.slash("cancel", file=("orders.txt", "\n".join(names(500)).encode()))
    await ann.click(card.response, label="Don't cancel")
    assert here.sql("SELECT COUNT(*) FROM request_orders") == [(0,)]


async def test_what_has_not_reached_the_panel_is_not_called_sent(here: World, ann: Any) -> None:
    card = await begin(here, ann, names(1_000))
    await one_call(here)
    here.wire.down = True
    here.skip(1)
    await one_call(here)
    assert "100 checking · 900 not sent yet" in shown(card)
    assert "▱\n100 of 1,000 sent" in shown(card)
