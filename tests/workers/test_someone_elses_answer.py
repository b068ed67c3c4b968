"""Answers that are not the panel's: orders stay what they were, the call is made again, and what was said is quoted."""

from typing import Any

import httpx
import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.panel import Answer
from tests.panel.fakes import SOMEONE_ELSES_ANSWERS
from tests.world import FINE, Fault, World, lost, messages, open_orders, shown

RUNNING = OrderStatus.IN_PROGRESS
ANSWERS = [Answer(status, body, headers) for status, headers, body in SOMEONE_ELSES_ANSWERS]
ENDED = ("Not possible", "Failed", "Delivered", "✅ **Cancelled")
UNHEARD = lost(httpx.ReadTimeout("no answer"))

pytestmark = pytest.mark.usefixtures("env")


def ended(here: World) -> set[str]:
    """Return the orders that the panel has cancelled."""
    return {name for name, order in here.panel.orders.items() if order.status == "canceled"}


@pytest.mark.parametrize("answer", ANSWERS[::4], ids=lambda answer: f"{answer.status} {answer.body[:40]}")
@pytest.mark.parametrize("acted", [False, True])
async def test_in_answer_to_a_cancel(here: World, ann: Any, answer: Answer, acted: bool) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING)
    here.wire.faults = [lost(answer) if acted else answer]
    card = await ann.slash("cancel", orders="ord_A ord_B")
    await here.app.scheduler.step()
    await here.deliver()
    assert "❔ **Unclear**" in shown(card)
    assert not any(word in shown(card) for word in ENDED)
    await here.wait(1800, step=10)
    assert here.panel.cancel_requests["ord_A"] == 1
    assert ended(here) == {"ord_A", "ord_B"}
    told = "\n".join([shown(card), *messages(ann)])
    assert "`ord_A`" in told
    assert "1 cancelled" in told or "2 cancelled" in told


async def test_in_answer_to_every_status_for_as_long_as_it_lasts(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(ends_as="completed"))
    here.order("ord_B", RUNNING)
    here.wire.faults = [UNHEARD, *ANSWERS]
    card = await ann.slash("cancel", orders="ord_A ord_B")
    card_of_one = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    for _ in range(5 * len(ANSWERS)):
        states = {row.order_id: row.state for row in await open_orders(here.app.ledger.read, 1)}
        assert states == {"ord_A": "unknown", "ord_B": "unknown"}
        assert not any(word in shown(one) for one in (card, card_of_one) for word in ENDED)
        if len(here.wire.faults) < 2:
            break
        await here.wait(60, step=15)
    here.wire.faults.clear()
    await here.wait(1800, step=15)
    told = "\n".join([shown(card), *messages(ann)])
    assert "cancelled" in told
    assert "delivered" in told


@pytest.mark.parametrize("first", [UNHEARD, FINE], ids=["unclear", "queued"])
@pytest.mark.parametrize("answer", ANSWERS[::4], ids=lambda answer: f"{answer.status} {answer.body[:40]}")
async def test_in_answer_to_the_status_of_one_order(here: World, ann: Any, first: Fault, answer: Answer) -> None:
    here.order("ord_A", RUNNING)
    here.wire.faults = [first, answer]
    card = await ann.slash("cancel", orders="ord_A")
    for _ in range(2):
        await here.app.scheduler.step()
        await here.deliver()
    assert not any(word in shown(card) for word in ENDED)
    assert "I keep trying; nothing is lost." in shown(card)
    await here.wait(1800, step=10)
    assert ended(here) == {"ord_A"}
    assert "1 cancelled" in shown(card) + "".join(messages(ann))


@pytest.mark.parametrize("words", ["Internal server error", "Rate limit exceeded", "Order was cancelled"])
async def test_a_row_that_may_hide_a_cancel_is_looked_into(here: World, ann: Any, words: str) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING)
    here.wire.faults = [
        lambda _: Answer(200, f'[{{"order": "ord_A", "error": "{words}"}}, {{"order": "ord_B", "cancel": "ord_B"}}]')
    ]
    card = await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(20)
    assert "Refused" not in shown(card)
    assert "1 cancelled · 1 waiting" in shown(card)
    assert here.cancel_calls() == [("ord_A", "ord_B")]


async def test_what_it_says_is_quoted_while_nobody_knows_more_and_not_afterwards(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.wire.faults = [Answer(200, '{"status":"error","message":"Too many requests"}')]
    card = await ann.slash("cancel", orders="ord_A")
    await here.app.scheduler.step()
    await here.deliver()
    assert "`ord_A`\n-# “Too many requests”" in shown(card)
    assert "I can't read NotPanel's answer" in shown(card)
    await here.wait(1800, step=10)
    history = await ann.slash("history")
    assert "`ord_A`" in shown(history)
    assert "Too many requests" not in shown(history)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(200, '{"error":"Application not found"}'), "NotPanel's answer. Try again in a minute. It answered"),
        (Answer(404, '{"error":"Application not found"}'), "NotPanel's answer. Try again in a minute. It answered"),
        (Answer(502, '{"message":"Application not found"}'), "can't be reached right now. Try again in a minute."),
        (Answer(403, '{"error":"Application not found"}'), "is blocking this bot right now."),
    ],
)
async def test_who_waits_is_told_what_it_says(here: World, ann: Any, answer: Answer, sentence: str) -> None:
    for command, options in (("status", {"orders": "ord_A"}), ("refill", {"orders": "ord_A"})):
        here.wire.faults = [answer]
        text = shown(await ann.slash(command, **options))
        assert "Refused" not in text
        if command == "status":
            assert sentence in text
            assert "It answered `Application not found`." in text


async def test_ids_spelled_in_the_panels_own_way_end_like_any_other(here: World, ann: Any) -> None:
    here.order("Ord_a1")
    here.order("Ord_a2", RUNNING)

    def spelled(answer: Answer) -> Answer:
        return Answer(answer.status, answer.body.replace("Ord_a", "ord_A"), answer.headers)

    here.wire.faults = [spelled] * 9
    card = await ann.slash("cancel", orders="Ord_a1,Ord_a2")
    await here.settle()
    assert "1 cancelled · 1 waiting" in shown(card)
    assert here.panel.cancel_requests == {"Ord_a1": 1, "Ord_a2": 1}
