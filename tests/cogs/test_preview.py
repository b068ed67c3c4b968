"""The preview on a question's card: what the panel says of the orders, and nothing that it does not say."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bot.cards.cards import request_card
from bot.cards.language import plural, use_language
from bot.cards.reasons import REASONS
from bot.domain.languages import Language
from bot.domain.order_status import OrderStatus
from bot.ledger import Preview, PreviewState, RequestState
from bot.panel import Answer
from tests.examples import CLAIMS, HOSTILE, keeps_discords_limits, ours, text_of, view
from tests.workers.test_long_lists import names
from tests.world import FINE, World, buttons_of, messages, shown

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


async def ask(user: Any, orders: Sequence[str]) -> Any:
    """Ask for a list in a file; return the card of the question."""
    return await user.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))


def previews(here: World) -> list[Any]:
    """Return what the ledger holds of previews."""
    return [preview for (preview,) in here.sql("SELECT preview FROM requests ORDER BY id")]


def without(order: str) -> Callable[[Answer], Answer]:
    """Return a fault that leaves one order out of a reply."""
    return lambda answer: replace(
        answer, body=json.dumps({name: row for name, row in json.loads(answer.body).items() if name != order})
    )


def charges(here: World) -> dict[str, str]:
    """Return what the preview has noted beside which order."""
    return dict(here.sql("SELECT order_id, charge FROM request_orders WHERE charge IS NOT NULL"))


def held_by(here: World, gate: asyncio.Event) -> Callable[[Answer], Awaitable[Answer]]:
    """Return a fault that keeps a reply until the gate is opened."""

    async def hold(answer: Answer) -> Answer:
        await here.env.external_wait(gate.wait(), reason="a slow panel")
        return answer

    return hold


@pytest.mark.settings(confirm_above=1)
async def test_the_question_tells_what_each_order_is_now_and_what_that_would_mean(here: World, ann: Any) -> None:
    statuses = {
        OrderStatus.PENDING: 5,
        RUNNING: 3,
        OrderStatus.PROCESSING: 1,
        OrderStatus.COMPLETED: 2,
        "Canceled": 1,
        OrderStatus.REFUNDED: 1,
        OrderStatus.PARTIAL: 1,
        OrderStatus.FAILED: 1,
        "Awaiting moderation": 2,
    }
    words = [word for word, count in statuses.items() for _ in range(count)]
    orders = [here.order(order, word) for order, word in zip(names(17), words, strict=True)]
    here.wire.faults = [without(here.order("ord_mute"))]
    question = await ask(ann, [*orders, "ord_mute", "ord_absent1", "ord_absent2"])
    await here.wait(2)
    text = shown(question)
    assert "Cancel 20 orders?" in text
    assert "a partly delivered order may get no refill" in text
    assert "5 pending: refunded at once if still pending when sent" in text
    assert "4 in progress: queued with the provider, up to 72 h, may not work" in text
    assert "6 already ended, nothing left to cancel: " in text
    assert "2 completed · 1 partial · 1 cancelled · 1 refunded · 1 failed" in text
    assert "2 not found under this key" in text
    assert "2 with a status I don't know: “Awaiting moderation”" in text
    assert "1 without a clear answer" in text
    assert "Checking" not in text
    assert buttons_of(question) == ["Cancel 12 orders", "Don't cancel"]
    assert here.cancel_calls() == []


@pytest.mark.settings(confirm_above=1)
async def test_a_question_in_a_direct_message_has_its_preview_too(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING)
    await ann.send_dm("cancel ord_A ord_B")
    await here.wait(2)
    (card,) = messages(ann)
    assert "1 pending" in card
    assert "1 in progress" in card


async def test_confirm_does_not_wait_for_the_preview_which_then_ends(here: World, ann: Any) -> None:
    gate = asyncio.Event()
    here.wire.faults = [held_by(here, gate)]
    orders = [here.order(order) for order in names(300)]
    question = await ask(ann, orders)
    assert "Checking how they stand…" in shown(question)
    assert len(here.calls("status")) == 1
    await ann.click(question.response, label="Cancel 300 orders")
    await here.settle()
    assert "300 cancelled" in shown(question)
    assert sorted(order for call in here.cancel_calls() for order in call) == orders
    asked = len(here.calls("status"))
    gate.set()
    await here.env.settle()
    await here.settle()
    assert len(here.calls("status")) == asked  # the preview saw that it is not wanted any more
    assert previews(here) == [None]
    assert set(here.panel.cancel_requests.values()) == {1}
    assert "pending" not in shown(question)


async def test_the_card_fills_while_the_panel_is_asked(here: World, ann: Any) -> None:
    gate = asyncio.Event()
    here.wire.faults = [FINE, held_by(here, gate), held_by(here, gate)]
    question = await ask(ann, [here.order(order) for order in names(250)])
    await here.wait(2)
    assert "100 pending" in shown(question)
    assert "Checking… 100 of 250 so far." in shown(question)
    assert buttons_of(question) == ["Cancel 250 orders", "Don't cancel"]
    gate.set()
    await here.env.settle()
    await here.wait(2)
    assert "250 pending" in shown(question)
    assert "so far" not in shown(question)


async def test_what_is_answered_first_is_shown_first_and_noted_beside_its_own_orders(here: World, ann: Any) -> None:
    gate = asyncio.Event()
    here.wire.faults = [FINE, held_by(here, gate)]
    orders = [here.order(order, charge=f"{number}.00") for number, order in enumerate(names(250))]
    question = await ask(ann, orders)
    await here.wait(2)
    assert "150 pending" in shown(question)
    assert "Checking… 150 of 250 so far." in shown(question)
    assert charges(here) == {order: f"{n}.00" for n, order in enumerate(orders) if not 100 <= n < 200}
    gate.set()
    await here.env.settle()
    assert charges(here) == {order: f"{n}.00" for n, order in enumerate(orders)}


@pytest.mark.parametrize("by_panel", [False, True])
async def test_a_rate_limit_in_the_middle_leaves_the_rest_not_asked(here: World, ann: Any, by_panel: bool) -> None:
    if by_panel:
        here.wire.faults = [FINE, FINE, *[Answer(429, '{"error": "Rate limit exceeded"}')] * 3]
    else:
        here.app.services.cancels._budget._ip.limit = 3  # one has gone to check the key
    question = await ask(ann, [here.order(order) for order in names(500)])
    await here.wait(2)
    assert "200 pending" in shown(question)
    assert "300 not checked: NotPanel's rate limit is used up." in shown(question)
    assert len(here.calls("status")) == 2
    here.app.services.cancels._budget._ip.limit = 300
    here.wire.faults = []  # how many calls were under way when the first was refused depends on the ledger
    here.skip(62)
    await ann.click(question.response, label="Cancel 500 orders")
    await here.settle()
    assert "500 cancelled" in shown(question)


async def test_a_panel_that_is_down_leaves_the_question_as_it_was(here: World, ann: Any) -> None:
    here.wire.down = True
    question = await ask(ann, [here.order(order) for order in names(300)])
    await here.wait(2)
    assert "Not checked: NotPanel can't be reached." in shown(question)
    assert "pending" not in shown(question)
    assert here.wire.refused == 1
    here.wire.down = False
    await ann.click(question.response, label="Cancel 300 orders")
    await here.settle()
    assert "300 cancelled" in shown(question)


@pytest.mark.parametrize("last", [None, httpx.ConnectError("refused")])
async def test_a_call_without_an_answer_is_not_called_not_asked(here: World, ann: Any, last: Exception | None) -> None:
    here.wire.faults = [FINE, Answer(502, "<html>Bad gateway</html>"), last or FINE]
    question = await ask(ann, [here.order(order) for order in names(250)])
    await here.wait(2)
    assert f"{100 if last else 150} pending" in shown(question)
    assert "100 without a clear answer" in shown(question)
    left = "50 not checked" if last else "Stopped checking"
    assert f"{left}: NotPanel can't be reached." in shown(question)


async def test_an_order_that_spoils_the_call_is_told_in_the_panels_words(here: World, ann: Any) -> None:
    here.wire.allergic_to = names(150)[120]
    question = await ask(ann, [here.order(order) for order in names(150)])
    await here.wait(2)
    assert "100 pending" in shown(question)
    assert "50 without a status: “Bad order in list”" in shown(question)
    assert "Stopped checking: NotPanel refused the question as a whole." in shown(question)


async def test_a_key_that_was_revoked_pauses_the_account_and_leaves_the_question(here: World, ann: Any) -> None:
    here.panel.revoke_key("np-test-key-0123456789abcdef")
    question = await ask(ann, names(150))
    await here.wait(2)
    assert "Not checked: NotPanel rejects your key." in shown(question)
    assert len(here.calls("status")) == 1
    assert "Paused" not in shown(await ann.slash("key show"))  # it may be the panel
    here.skip(60)
    await ann.slash("balance")
    assert "Paused: NotPanel rejects your key" in shown(await ann.slash("key show"))


async def test_a_list_that_is_too_long_is_not_asked_about_and_says_so(here: World, ann: Any) -> None:
    question = await ask(ann, [here.order(order) for order in names(1_001)])
    await here.wait(2)
    assert "No preview for more than 1,000 orders" in shown(question)
    assert here.calls("status") == []
    await ann.click(question.response, label="Cancel 1,001 orders")
    await here.settle()
    assert "1,001 cancelled" in shown(question)


async def test_a_preview_survives_a_restart_and_is_dropped_with_the_answer(here: World, ann: Any) -> None:
    question = await ask(ann, [here.order(order) for order in names(150)])
    await here.wait(2)
    await here.restart()
    await here.wait(2)
    assert "150 pending" in shown(question)
    assert json.loads(previews(here)[0])["statuses"] == {"pending": 150}
    assert len(here.calls("status")) == 2
    await ann.click(question.response, label="Cancel 150 orders")
    await here.settle()
    assert "150 cancelled" in shown(question)
    assert previews(here) == [None]


async def test_a_process_that_dies_leaves_a_question_that_says_what_was_not_asked(here: World, ann: Any) -> None:
    held = held_by(here, asyncio.Event())
    here.wire.faults = [FINE, held, held]
    question = await ask(ann, [here.order(order) for order in names(250)])
    await here.restart()
    await here.wait(2)
    assert "100 pending" in shown(question)
    assert "150 not checked: I was restarted meanwhile." in shown(question)
    await ann.click(question.response, label="Cancel 250 orders")
    await here.settle()
    assert "250 cancelled" in shown(question)
    assert set(here.panel.cancel_requests.values()) == {1}


@pytest.mark.parametrize("answered", ["kept", "lapsed"])
async def test_nothing_of_a_preview_stays_behind(here: World, ann: Any, answered: str) -> None:
    question = await ask(ann, [here.order(order) for order in names(150)])
    if answered == "kept":
        await ann.click(question.response, label="Don't cancel")
    else:
        here.skip(3_600)
    await here.settle()
    assert previews(here) == [None]


async def test_a_fault_of_ours_is_logged_and_leaves_the_question(
    here: World, ann: Any, caplog: pytest.LogCaptureFixture
) -> None:
    here.sql("UPDATE accounts SET key_sealed = ?", b"\0")
    question = await ask(ann, names(150))
    await here.wait(2)
    assert "Not checked: something went wrong on my side." in shown(question)
    assert "the preview of request 1 broke off" in caplog.text
    await ann.click(question.response, label="Don't cancel")
    assert "Nothing was sent" in shown(question)


async def test_at_or_below_the_limit_nothing_is_asked_beforehand(here: World, ann: Any) -> None:
    await ann.slash("cancel", orders=" ".join(here.order(order) for order in names(25)))
    assert here.calls("status") == []
    assert previews(here) == [None]


@pytest.mark.settings(confirm_above=1)
async def test_a_preview_counts_its_own_users_orders_alone(here: World, ann: Any) -> None:
    bob = here.env.create_user("bob")
    here.panel.add_key("np-key-of-bob-0123456789")
    await here.connect(bob, "np-key-of-bob-0123456789")
    for order in ("ord_B1", "ord_B2", "ord_B3"):
        here.order(order, "Bobs own word", key="np-key-of-bob-0123456789")
    his = await ask(bob, ["ord_B1", "ord_B2", "ord_B3"])
    hers = await ask(ann, [here.order("ord_A1"), here.order("ord_A2"), "ord_B1"])
    await here.wait(2)
    assert "3 with a status I don't know: “Bobs own word”" in shown(his)
    assert "2 pending" in shown(hers)
    assert "1 not found under this key" in shown(hers)
    assert "Bob" not in shown(hers)
    assert "pending:" not in shown(his)


async def test_nobody_waits_for_somebody_elses_preview(here: World, ann: Any) -> None:
    bob = here.env.create_user("bob")
    await here.connect(bob)
    here.wire.faults = [held_by(here, asyncio.Event())]
    question = await ask(ann, names(300))
    card = await bob.slash("cancel", orders=here.order("ord_B"))
    await here.wait(2)
    assert "1 cancelled" in shown(card)
    assert "Checking" in shown(question)


def question_with(preview: Preview, orders: int = 2_000) -> Any:
    """Return the card of a question with the longest IDs, repeats and words that are no orders."""
    going = view([], in_trouble=True)
    asking = replace(
        going.request, state=RequestState.AWAITING_CONFIRMATION, orders=orders, began_at=None, preview=preview
    )
    return request_card(replace(going, request=asking))


STATES = [
    *(state for state in PreviewState if state is not PreviewState.REFILL),
    *(reason for reason, said in REASONS.items() if said.stop),
]
PROVEN = {OrderStatus.CANCELLED, OrderStatus.REFUNDED}


@pytest.mark.parametrize("status", [status for status in OrderStatus if status not in PROVEN])
async def test_no_preview_claims_an_end_that_no_status_has_proven(status: OrderStatus) -> None:
    condition = "pending: refunded at once if still pending when sent"
    for state in STATES:
        said = ours(question_with(Preview(30, 20, state, {status: 7}, 6, (HOSTILE,), (HOSTILE,))))
        asked = state is not PreviewState.UNDECIDED
        assert (condition in said) is (asked and status is OrderStatus.PENDING)
        assert not any(claim in said.replace(condition, "") for claim in CLAIMS)


@pytest.mark.parametrize("language", Language)
async def test_a_question_keeps_discords_limits(language: Language) -> None:
    words = tuple(f"{n}{HOSTILE}" for n in range(5))
    for state in STATES:
        preview = Preview(1_000, 990, state, dict.fromkeys(OrderStatus, 97), 97, words, words)
        with use_language(language):
            card = question_with(preview, 100_000)
            assert plural("Cancel {count} order", "Cancel {count} orders", 100_000) in text_of(card)
        keeps_discords_limits(card)
        assert not re.search(r"@everyone|\]\(", ours(card))
