"""A status word decides whether an order's cancel has ended, so none may be taken for final by mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.order_status import OrderStatus
from bot.panel.phrases import read_status

_KNOWN = {
    OrderStatus.PENDING: ["pending", "Pending", " PENDING "],
    OrderStatus.PROCESSING: ["processing", "Processing"],
    OrderStatus.IN_PROGRESS: ["in_progress", "In progress", "in-progress", "inprogress", "InProgress"],
    OrderStatus.COMPLETED: ["completed", "Completed"],
    OrderStatus.PARTIAL: ["partial", "Partial"],
    OrderStatus.CANCELLED: ["canceled", "Cancelled", "CANCELED"],
    OrderStatus.REFUNDED: ["refunded"],
    OrderStatus.FAILED: ["failed", "Fail", "error"],
}


@pytest.mark.parametrize(("word", "status"), [(word, status) for status in _KNOWN for word in _KNOWN[status]])
def test_a_known_word_is_folded(word: str, status: OrderStatus) -> None:
    assert read_status(word) is status


@pytest.mark.parametrize(
    "word", ["", "unknown", "complete", "cancelling", "cancelled by provider", "partially completed", "取消"]
)
def test_any_other_word_is_unknown_and_not_final(word: str) -> None:
    assert read_status(word) is OrderStatus.UNKNOWN
    assert not read_status(word).is_final


def test_these_statuses_are_final() -> None:
    final = {status for status in OrderStatus if status.is_final}
    assert final == {
        OrderStatus.COMPLETED,
        OrderStatus.PARTIAL,
        OrderStatus.CANCELLED,
        OrderStatus.REFUNDED,
        OrderStatus.FAILED,
    }


@given(st.text())
def test_no_text_breaks_it(word: str) -> None:
    assert read_status(word) in OrderStatus
