"""Why the panel refused an order: stored beside its words, and read from them where an earlier release stored none."""

from typing import Any

import pytest

from bot.domain.order_status import OrderStatus
from bot.domain.reasons import Reason
from bot.domain.states import State
from bot.panel import Answer
from bot.panel.phrases import read_reason
from bot.services.reasons import may_be_refilled, order_not_found, refusal_reason
from tests.examples import order
from tests.world import World, shown


@pytest.mark.parametrize(
    ("action", "words", "reason"),
    [
        ("cancel", "Order not found", Reason.NOT_FOUND),
        ("cancel", "Service does not support cancellation", Reason.CANCEL_UNSUPPORTED),
        ("cancel", "This is not supported", Reason.UNSUPPORTED),
        ("cancel", "Order cannot be cancelled (already completed)", Reason.ALREADY_COMPLETED),
        ("cancel", "Order not found (already cancelled)", Reason.MAYBE_CANCELLED),
        ("cancel", "Already completed, or an internal error", Reason.FAULT),
        ("cancel", "Provider timeout", Reason.FAULT),
        ("cancel", "No", Reason.OTHER),
        ("status", "Order not found (already cancelled)", Reason.NOT_FOUND),
        ("status", "Provider timeout", Reason.OTHER),
        ("refill", "Order not found", Reason.NOT_FOUND),
        ("refill", "Refill limit exceeded", Reason.REFILL_LIMIT),
    ],
)
def test_words_have_a_reason_for_each_action(action: str, words: str, reason: Reason) -> None:
    assert read_reason(action, words) is reason


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Order not found (already cancelled)", Reason.NOT_FOUND),
        ("Order cannot be cancelled (already completed)", Reason.ALREADY_COMPLETED),
        ("Service does not support cancellation", Reason.CANCEL_UNSUPPORTED),
        (None, Reason.OTHER),
    ],
)
def test_a_refusal_that_an_earlier_release_stored_is_read_from_its_words(words: str | None, reason: Reason) -> None:
    old = order(1, State.REFUSED, words=words)
    assert refusal_reason(old) is reason
    assert order_not_found(old) == (reason is Reason.NOT_FOUND)
    assert may_be_refilled(old) == (reason is Reason.ALREADY_COMPLETED)
    assert refusal_reason(order(1, State.UNKNOWN, words=words)) is None


@pytest.mark.usefixtures("env")
async def test_each_refusal_is_stored_with_its_reason_and_shown_alike_without(here: World, ann: Any) -> None:
    here.order("ord_C", OrderStatus.IN_PROGRESS, cancellable=False)
    result = await ann.slash("cancel", orders="ord_C ord_nowhere")
    await here.settle()
    stored = here.sql("SELECT panel_message, reason FROM cancellations ORDER BY order_id")
    assert stored == [
        ("Service does not support cancellation", "cancel_unsupported"),
        ("Order not found", "not_found"),
    ]
    card = shown(result)
    assert "“Service does not support cancellation”" in card
    assert "Not found under your key." in card
    here.sql("UPDATE cancellations SET reason = NULL")
    await here.app.ledger.write_at_once(lambda tx: tx.touch_card(1))
    await here.settle()
    assert "Not found under your key." in shown(result)


@pytest.mark.usefixtures("env")
async def test_the_words_of_a_lost_call_have_the_calls_reason(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    here.wire.faults = [Answer(404, '{"error": "Application not found"}')]
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert here.sql("SELECT panel_message, reason FROM cancellations") == [("Application not found", "unintelligible")]
