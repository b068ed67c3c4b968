"""Each call counts once; what headers say is left is kept to while several calls are under way."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.panel_answers import Limits
from bot.workers.budget import Budget, Ticket
from tests.workers.test_budget import ANN, LINKED, MINUTE, OTHER, budget_with_linked_keys, hears, tries
from tests.world import Clock


@given(st.integers(1, 30), st.lists(st.integers(0, 10_000), max_size=120), st.booleans())
def test_what_the_headers_say_is_left_is_kept_to_in_whatever_order_the_answers_come(
    limit: int, steps: list[int], some_are_lost: bool
) -> None:
    clock = Clock()
    budget, reset = Budget(clock, 300, 100), clock.now + MINUTE
    hears(budget, ANN, Limits(remaining=limit - 1, reset=reset))
    counted, sent, answers = 1, list[Ticket](), list[tuple[Ticket, int]]()
    for step in steps:
        action, which = step % 3, step // 3
        if action == 0 and budget.has_room(ANN) and not budget.blocked_until(ANN):
            sent.append(budget.spend(ANN))
        elif action == 1 and sent:  # it reaches the panel
            counted += 1
            assert counted <= limit, "a 429 that could be foreseen"
            answers.append((sent.pop(which % len(sent)), limit - counted))
        elif action == 2 and answers:
            call, left = answers.pop(which % len(answers))
            is_lost = some_are_lost and which % 5 == 0
            budget.ended(call, Limits() if is_lost else Limits(remaining=left, reset=reset), 0.1)
    if some_are_lost:
        return
    for call in sent:
        counted += 1
        answers.append((call, limit - counted))
    for call, left in answers:
        budget.ended(call, Limits(remaining=left, reset=reset), 0.1)
    while budget.has_room(ANN) and not budget.blocked_until(ANN):
        counted += 1
        hears(budget, ANN, Limits(remaining=limit - counted, reset=reset))
    assert counted == limit, "all that is left is used"
    clock.now = reset
    assert tries(budget, ANN)


def test_a_late_answer_of_the_minute_before_says_nothing_of_this_one() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    late, other = budget.spend(ANN), budget.spend(ANN)
    budget.ended(other, Limits(remaining=50, reset=clock.now + MINUTE), 0.1)
    clock.now += MINUTE
    hears(budget, ANN, Limits(remaining=5, reset=clock.now + MINUTE))
    budget.ended(late, Limits(remaining=70, reset=clock.now), 0.1)
    calls = 0
    while budget.has_room(ANN):
        calls += 1
        budget.spend(ANN)
    assert calls == 5


def test_what_is_left_to_a_panel_account_is_shared_by_the_calls_of_its_keys() -> None:
    clock, budget = budget_with_linked_keys()
    hears(budget, ANN, Limits(remaining=90, tier_remaining=3, reset=clock.now + MINUTE))
    calls = [budget.spend(ANN), budget.spend(LINKED), budget.spend(LINKED)]
    assert not budget.has_room(ANN)
    assert not budget.has_room(LINKED)
    assert budget.has_room(OTHER)
    budget.ended(calls[0], Limits(remaining=89, tier_remaining=2, reset=clock.now + MINUTE), 0.1)
    assert not budget.has_room(LINKED)
    budget.refund(calls[1])
    assert budget.has_room(LINKED)


def test_a_key_that_was_replaced_while_the_ledger_was_read_is_counted_once() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    budget.link(ANN, ANN, b"one key")
    for _ in range(40):
        clock.now += timedelta(milliseconds=200)
        budget.spend(ANN)
    for key in (b"another key", b"one key", b"another key"):  # as the panel took it, as was read before, as it is
        budget.link(ANN, ANN, key)
    assert budget.used(ANN) == 40
