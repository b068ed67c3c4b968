"""What each answer of the panel makes of a cancellation: only legal steps, and no end without proof."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Accepted, CancelRow, OrderReading, RowError, StatusRow
from bot.domain.reasons import Reason
from bot.domain.states import (
    MAX_AMBIGUOUS,
    TRANSITIONS,
    State,
    Transition,
    after_cancel,
    after_lost_call,
    after_status,
    as_shown,
)
from bot.panel.phrases import is_fault, plain_reason, read_status
from tests.panel.fakes import refused

ENDS = {state for state in State if not state.is_open}
WATCHED = (State.ACCEPTED, State.QUEUED, State.UNKNOWN)
RUNNING = (OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.IN_PROGRESS)
NOT_FOUND = ("Order not found", "Incorrect order ID")
RULED_OUT = (
    "Service does not support cancellation",
    "This service does NOT SUPPORT cancel",
    "Order not found",
    "Incorrect order ID",
)
NO_SUCH_ORDER = (
    *NOT_FOUND,
    "order not found.",
    "ORDER_NOT_FOUND",
    "error.incorrect_order_id",
    "Error: order not found",
    "Sorry, this order does not exist",
    "Order ID 123 was not found",
    "Order ord_9 not found",
    "Order #123 not found: 123",
    "Order not found (it may be another's)",
    "Order not found in your account",
    "No such order",
    "Invalid order ID: 9",
    "Unknown order",
)
SOMETHING_ELSE = (
    "Not Found",
    "404 page not found",
    "Application not found",
    "Service not found",
    "User not found",
    "Route POST:/order not found",
    "Order service not found",
    "Provider order not found",
    "Order not found at provider",
    "Incorrect order status",
    "Invalid order status for cancel",
    "Unknown order type",
    "Method not supported",
    "",
)

ambiguous_counts = st.integers(0, MAX_AMBIGUOUS + 2)
refusals = st.text(max_size=60).filter(lambda words: not is_fault(words)) | st.sampled_from(
    (*RULED_OUT, "Order cannot be cancelled (already completed)", "Order already cancelled", "")
)
no_cancel = st.builds(refused, st.just("cancel"), refusals)
no_status = st.builds(refused, st.just("status"), refusals)
unknown_words = st.builds(refused, st.just("status"), st.text(alphabet="abc xyz"))
cancel_rows: st.SearchStrategy[CancelRow | None] = st.none() | st.just(Accepted()) | no_cancel
known_words = st.sampled_from(
    (
        "pending",
        "In progress",
        "Processing",
        "Completed",
        "partial",
        "Canceled",
        "CANCELLED",
        "Refunded",
        "fail",
        "error",
    )
)
readings = st.builds(
    lambda word: OrderReading(read_status(word), word), known_words | st.text(max_size=30)
) | st.builds(lambda status: OrderReading(status, status.value), st.sampled_from(OrderStatus))
status_rows: st.SearchStrategy[StatusRow | None] = st.none() | readings | no_status


def is_legal(before: State, verdict: Transition) -> bool:
    """Tell whether a verdict may follow a state."""
    return verdict.state in TRANSITIONS[before]


@given(ambiguous_counts, cancel_rows)
def test_an_answer_to_a_cancel_leads_where_sending_may_lead(ambiguous_attempts: int, row: CancelRow | None) -> None:
    verdict = after_cancel(ambiguous_attempts, row)
    assert is_legal(State.SENDING, verdict)
    assert verdict.state not in ENDS - {State.REFUSED}
    assert verdict.ambiguous_attempts == ambiguous_attempts + (verdict.state is State.UNKNOWN)


@given(ambiguous_counts, refusals)
def test_a_refusal_leads_where_sending_may_lead_and_keeps_its_words(ambiguous_attempts: int, words: str) -> None:
    verdict = after_cancel(ambiguous_attempts, refused("cancel", words))
    assert is_legal(State.SENDING, verdict)
    assert verdict.panel_message == words


@given(ambiguous_counts, st.booleans())
def test_a_lost_call_leads_where_sending_may_lead(ambiguous_attempts: int, may_have_acted: bool) -> None:
    verdict = after_lost_call(ambiguous_attempts, may_have_acted=may_have_acted)
    assert is_legal(State.SENDING, verdict)
    assert (verdict.state is State.UNKNOWN) == may_have_acted
    assert verdict.ambiguous_attempts == ambiguous_attempts + may_have_acted
    assert verdict.gives_up == (may_have_acted and verdict.ambiguous_attempts >= MAX_AMBIGUOUS)


@given(st.sampled_from(WATCHED), ambiguous_counts, status_rows)
def test_a_status_leads_where_its_state_may_lead_or_leaves_it(
    state: State, ambiguous_attempts: int, row: StatusRow | None
) -> None:
    verdict = after_status(state, ambiguous_attempts, row)
    assert verdict.state is state or is_legal(state, verdict)
    assert verdict.ambiguous_attempts == ambiguous_attempts


@given(st.sampled_from(WATCHED), ambiguous_counts, status_rows)
def test_only_a_status_of_cancelled_or_refunded_proves_that_an_order_was_cancelled(
    state: State, ambiguous_attempts: int, row: StatusRow | None
) -> None:
    proven = isinstance(row, OrderReading) and row.status in (OrderStatus.CANCELLED, OrderStatus.REFUNDED)
    assert (after_status(state, ambiguous_attempts, row).state is State.CANCELLED) == proven


@given(st.sampled_from(WATCHED), ambiguous_counts, st.text(max_size=30))
def test_a_word_that_is_not_known_ends_nothing_and_sends_nothing(
    state: State, ambiguous_attempts: int, word: str
) -> None:
    verdict = after_status(state, ambiguous_attempts, OrderReading(OrderStatus.UNKNOWN, word))
    assert verdict.state.is_open
    assert verdict.state is not State.REQUESTED


@given(
    st.sampled_from(WATCHED),
    ambiguous_counts,
    st.none() | unknown_words,
)
def test_what_cannot_be_read_leaves_all_as_it_was(state: State, ambiguous_attempts: int, row: RowError | None) -> None:
    assert after_status(state, ambiguous_attempts, row) == Transition(state, ambiguous_attempts)


@pytest.mark.parametrize("words", NOT_FOUND)
@pytest.mark.parametrize("state", WATCHED)
def test_an_order_that_is_not_found_ends_only_as_far_as_that_proves_anything(state: State, words: str) -> None:
    found = after_status(state, 1, refused("status", words))
    assert found.state is (State.REFUSED if state is State.UNKNOWN else state)
    assert after_status(state, 1, refused("status", words), same_key=False) == Transition(
        State.EXPIRED, 1, words, Reason.NOT_FOUND
    )
    assert after_cancel(1, refused("cancel", words), same_key=False).state is State.UNKNOWN


@pytest.mark.parametrize("words", [*NO_SUCH_ORDER, *SOMETHING_ELSE])
def test_not_found_counts_only_where_it_speaks_of_the_order(words: str) -> None:
    ends = words in NO_SUCH_ORDER
    assert (after_status(State.UNKNOWN, 1, refused("status", words)).state is State.REFUSED) == ends
    assert (after_status(State.QUEUED, 0, refused("status", words), same_key=False).state is State.EXPIRED) == ends
    assert (after_cancel(1, refused("cancel", words)).state is State.REFUSED) == ends
    assert (plain_reason(words) is Reason.NOT_FOUND) == ends


@pytest.mark.parametrize("words", ["", "Application not found"])
def test_what_a_lost_call_was_answered_with_is_kept(words: str) -> None:
    why = Reason.UNEXPECTED_RESPONSE
    kept = Transition(State.UNKNOWN, 2, words or None, why if words else None)
    assert after_lost_call(1, words, why, may_have_acted=True) == kept
    assert after_lost_call(1, words, why, may_have_acted=False) == Transition(State.REQUESTED, 1)


def test_after_a_doubtful_call_nothing_is_told_as_not_yet_sent() -> None:
    assert as_shown(State.REQUESTED, 0) is State.REQUESTED
    assert as_shown(State.REQUESTED, 1) is State.UNKNOWN
    assert as_shown(State.SENDING, 1) is State.UNKNOWN
    assert as_shown(State.QUEUED, 1) is State.QUEUED


def test_nothing_is_sent_again_before_its_time() -> None:
    running = OrderReading(OrderStatus.PENDING, "pending")
    assert after_status(State.UNKNOWN, 2, running, may_resend=False) == Transition(State.UNKNOWN, 2)
    assert after_status(State.UNKNOWN, 2, running) == Transition(State.REQUESTED, 2)


@given(st.sampled_from(WATCHED), ambiguous_counts, status_rows, st.booleans())
def test_an_order_is_sent_again_only_when_it_is_running_and_may_be(
    state: State, ambiguous_attempts: int, row: StatusRow | None, may_resend: bool
) -> None:
    running = isinstance(row, OrderReading) and row.status in RUNNING
    again = after_status(state, ambiguous_attempts, row, may_resend=may_resend).state is State.REQUESTED
    assert again == (state is State.UNKNOWN and running and may_resend)


@given(st.integers(1, MAX_AMBIGUOUS + 2), refusals)
def test_a_refusal_after_a_doubtful_call_is_final_only_where_its_words_rule_that_call_out(
    ambiguous_attempts: int, words: str
) -> None:
    ruled_out = words in RULED_OUT
    verdict = after_cancel(ambiguous_attempts, refused("cancel", words))
    assert (verdict.state is State.REFUSED) == ruled_out
    if not ruled_out:
        assert (verdict.state, verdict.gives_up) == (State.UNKNOWN, True)  # watched, never sent again


@pytest.mark.parametrize("words", RULED_OUT)
@pytest.mark.parametrize("ambiguous_attempts", range(MAX_AMBIGUOUS + 1))
def test_words_that_hold_for_every_call_are_final(ambiguous_attempts: int, words: str) -> None:
    assert after_cancel(ambiguous_attempts, refused("cancel", words)) == Transition(
        State.REFUSED, ambiguous_attempts, words, plain_reason(words)
    )


@pytest.mark.parametrize("words", [*RULED_OUT, "Order cannot be cancelled", "Service does not support cancellation"])
def test_a_refusal_of_the_only_call_is_final(words: str) -> None:
    assert after_cancel(0, refused("cancel", words)).state is State.REFUSED


@pytest.mark.parametrize("words", ["Cancellation already requested", "Order cannot be cancelled (already completed)"])
def test_a_refusal_of_what_has_ended_or_was_asked_for_before_is_not(words: str) -> None:
    assert after_cancel(0, refused("cancel", words)).state is State.UNKNOWN


@pytest.mark.parametrize("ambiguous_attempts", [0, 1])
@pytest.mark.parametrize(
    "words",
    [
        "Internal server error",
        "Provider timeout",
        "Cannot cancel now, try again later",
        "Rate limit exceeded",
        "Too many cancel requests",
        "Service unavailable",
    ],
)
def test_a_row_that_speaks_of_a_fault_refuses_nothing(ambiguous_attempts: int, words: str) -> None:
    assert after_cancel(ambiguous_attempts, refused("cancel", words)) == Transition(
        State.UNKNOWN, ambiguous_attempts + 1, words, Reason.FAULT
    )


@pytest.mark.parametrize("ambiguous_attempts", [0, 1])
@pytest.mark.parametrize(
    "words",
    [
        "Order was canceled",
        "Order has been cancelled",
        "Order cancelled",
        "Duplicate cancel",
        "Cancellation in progress",
        "Cancel request pending",
        "Cancellation request has been sent",
        "Bu sipariş zaten iptal edildi",
        "El pedido ya fue cancelado",
        "Pedido já cancelado",
        "Заказ уже отменён",
        "Pesanan sudah dibatalkan",
        "Đơn hàng đã bị hủy",
    ],
)
def test_a_refusal_that_may_be_for_an_earlier_cancels_sake_is_only_watched(ambiguous_attempts: int, words: str) -> None:
    assert after_cancel(ambiguous_attempts, refused("cancel", words)) == Transition(
        State.UNKNOWN, ambiguous_attempts + 1, words, Reason.MAYBE_CANCELLED, gives_up=True
    )


@pytest.mark.parametrize(
    "words",
    [
        "Order cannot be cancelled",
        "Order is in progress and cannot be canceled",
        "Cancel is disabled for this service",
        "Cancellation is not allowed",
        "Incorrect order status",
    ],
)
def test_a_plain_refusal_of_the_only_call_is_final(words: str) -> None:
    assert after_cancel(0, refused("cancel", words)) == Transition(State.REFUSED, 0, words, Reason.OTHER)


@given(st.lists(st.tuples(cancel_rows, status_rows), max_size=30))
def test_no_order_is_sent_more_often_than_its_doubts_allow(
    answers: list[tuple[CancelRow | None, StatusRow | None]],
) -> None:
    state, ambiguous_attempts, given_up, sent = State.REQUESTED, 0, False, 0
    for cancelled, looked in answers:
        if state is State.REQUESTED:
            sent += 1
            verdict = after_cancel(ambiguous_attempts, cancelled)
        elif state.is_open:
            verdict = after_status(state, ambiguous_attempts, looked, may_resend=not given_up)
        else:
            break
        state, ambiguous_attempts, given_up = verdict.state, verdict.ambiguous_attempts, given_up or verdict.gives_up
    assert sent <= MAX_AMBIGUOUS


@pytest.mark.parametrize("state", State)
def test_an_end_leads_nowhere_and_everything_open_leads_on(state: State) -> None:
    assert set(TRANSITIONS) == set(State)
    assert state not in TRANSITIONS[state]
    assert bool(TRANSITIONS[state]) == state.is_open


def test_unclear_never_turns_into_queued() -> None:
    assert State.QUEUED not in TRANSITIONS[State.UNKNOWN]


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (OrderStatus.CANCELLED, State.CANCELLED),
        (OrderStatus.REFUNDED, State.CANCELLED),
        (OrderStatus.PARTIAL, State.PARTIAL),
        (OrderStatus.COMPLETED, State.COMPLETED),
        (OrderStatus.FAILED, State.FAILED),
    ],
)
@pytest.mark.parametrize("state", WATCHED)
def test_every_final_status_has_its_own_end(state: State, status: OrderStatus, end: State) -> None:
    assert after_status(state, 1, OrderReading(status, status.value)) == Transition(end, 1)
