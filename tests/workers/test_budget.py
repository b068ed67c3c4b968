"""The call budget: never more than allowed in any minute, and each refusal closes the right layer."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.panel_answers import Limits
from bot.panel import RateLimited
from bot.panel.errors import Layer
from bot.panel.replies import read_limits, read_reset
from bot.workers.budget import Budget
from bot.workers.call_counts import CallKind
from tests.world import Clock

MINUTE = timedelta(minutes=1)
WINDOW = timedelta(seconds=62)  # for which a call counts: calls do not all take equally long to arrive
ANN, BOB = 1, 2


def tries(budget: Budget, user_id: int) -> bool:
    """Try to spend a call; tell whether it went through."""
    try:
        budget.spend(user_id)
    except RateLimited:
        return False
    return True


def spend_all(budget: Budget, user_id: int) -> int:
    """Spend until nothing goes through; return how much did."""
    return next(count for count in range(1_000) if not tries(budget, user_id))


def hears(budget: Budget, key: int, limits: Limits) -> None:
    """Make a call, and hear in its answer how the limits stand."""
    budget.ended(budget.spend(key), limits, 0.1)


def denies(budget: Budget, key: int, error: RateLimited) -> None:
    """Make a call that the panel refuses for its limits' sake; it does not count."""
    call = budget._begin(key, CallKind.COMMAND)
    budget.denied(call, error)
    budget.refund(call)


def most_in_a_minute(times: list[datetime]) -> int:
    """Return the largest number of calls within any 60 seconds."""
    return max((sum(start <= time < start + MINUTE for time in times) for start in times), default=0)


steps = st.lists(st.tuples(st.floats(0, 40), st.integers(1, 3)), max_size=150)


@given(steps, st.integers(1, 9), st.integers(1, 6))
def test_no_minute_ever_holds_more_calls_than_allowed(
    pauses: list[tuple[float, int]], ip_limit: int, key_limit: int
) -> None:
    clock = Clock()
    budget = Budget(clock, ip_limit, key_limit)
    through: list[tuple[datetime, int]] = []
    for seconds, user_id in pauses:
        clock.now += timedelta(seconds=seconds)
        free = budget.blocked_until(user_id) is None
        assert tries(budget, user_id) == free
        if free:
            through.append((clock.now, user_id))
    assert most_in_a_minute([time for time, _ in through]) <= ip_limit
    for user_id in (1, 2, 3):
        assert most_in_a_minute([time for time, user in through if user == user_id]) <= key_limit


@given(steps, st.integers(1, 9), st.integers(1, 6))
def test_a_closed_budget_says_when_it_opens_and_opens_then(
    pauses: list[tuple[float, int]], ip_limit: int, key_limit: int
) -> None:
    clock = Clock()
    budget = Budget(clock, ip_limit, key_limit)
    for seconds, user_id in pauses:
        clock.now += timedelta(seconds=seconds)
        until = budget.blocked_until(user_id)
        if until:
            assert clock.now < until <= clock.now + WINDOW
            clock.now = until
        budget.spend(user_id)


def test_the_whole_allowance_can_be_used_and_comes_back_after_a_minute() -> None:
    clock = Clock()
    budget = Budget(clock, 10, 4)
    assert [spend_all(budget, ANN), spend_all(budget, BOB)] == [4, 4]
    assert spend_all(budget, 3) == 2  # the address's budget is for all together
    clock.now += WINDOW
    assert spend_all(budget, 3) == 4


def test_a_refused_spend_costs_nothing() -> None:
    clock = Clock()
    budget = Budget(clock, 2, 2)
    assert spend_all(budget, ANN) == 2
    clock.now += WINDOW / 2
    assert not any(tries(budget, ANN) for _ in range(50))
    clock.now += WINDOW / 2
    assert spend_all(budget, ANN) == 2


def test_a_refused_spend_says_when_to_come_back() -> None:
    clock = Clock()
    budget = Budget(clock, 1, 1)
    budget.spend(ANN)
    with pytest.raises(RateLimited) as refused:
        budget.spend(ANN)
    assert refused.value.reset == clock.now + WINDOW


def test_a_refusal_of_the_address_closes_everybody() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    reset = clock.now + timedelta(seconds=40)
    denies(budget, ANN, RateLimited(layer="ip", reset=reset))
    assert budget.blocked_until(ANN) == budget.blocked_until(BOB) == reset
    clock.now = reset - timedelta(milliseconds=1)
    assert not tries(budget, BOB)
    clock.now = reset
    assert tries(budget, ANN)
    assert tries(budget, BOB)


@pytest.mark.parametrize("layer", ["key", "tier", None])
def test_a_refusal_of_a_key_closes_that_key_alone(layer: Layer | None) -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    reset = clock.now + timedelta(seconds=40)
    denies(budget, ANN, RateLimited(layer=layer, reset=reset))
    assert not tries(budget, ANN)
    assert tries(budget, BOB)
    clock.now = reset
    assert tries(budget, ANN)


def test_a_refusal_without_a_time_closes_for_a_while_and_not_for_ever() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    denies(budget, ANN, RateLimited())
    until = budget.blocked_until(ANN)
    assert until
    assert clock.now + timedelta(seconds=5) <= until <= clock.now + MINUTE
    clock.now = until
    assert tries(budget, ANN)


def test_a_refusal_until_a_time_that_is_over_by_our_clock_closes_all_the_same() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    denies(budget, ANN, RateLimited(reset=clock.now - timedelta(seconds=1)))
    until = budget.blocked_until(ANN)
    assert until
    assert clock.now + timedelta(seconds=5) <= until <= clock.now + MINUTE


def test_a_shorter_refusal_does_not_open_what_a_longer_one_closed() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    reset = clock.now + timedelta(seconds=50)
    denies(budget, ANN, RateLimited(reset=reset))
    denies(budget, ANN, RateLimited(reset=reset - timedelta(seconds=40)))
    assert budget.blocked_until(ANN) == reset


def test_nothing_remaining_closes_the_key_until_its_reset() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    reset = clock.now + timedelta(seconds=20)
    hears(budget, ANN, Limits(limit=60, remaining=0, reset=reset))
    assert budget.blocked_until(ANN) == reset
    assert tries(budget, BOB)
    clock.now = reset
    assert tries(budget, ANN)


def test_an_answer_that_was_long_under_way_does_not_open_what_a_refusal_closed() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    reset = clock.now + timedelta(seconds=50)
    call = budget.spend(ANN)
    denies(budget, ANN, RateLimited(reset=reset))
    budget.ended(call, Limits(remaining=0, reset=reset - timedelta(seconds=40)), 0.1)
    assert budget.blocked_until(ANN) == reset


@pytest.mark.parametrize("remaining", [1, 59, None])
def test_anything_remaining_closes_nothing(remaining: int | None) -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    hears(budget, ANN, Limits(limit=60, remaining=remaining, reset=clock.now + MINUTE))
    assert tries(budget, ANN)


def watches(budget: Budget, user_id: int) -> int:
    """Watch until nothing goes through; return how many calls did."""
    for count in range(1_000):
        if budget.blocked_until(user_id, CallKind.WATCH):
            return count
        budget.spend(user_id, CallKind.WATCH)
    raise AssertionError("watching has no end")


def test_watching_leaves_half_of_a_key_to_its_user_and_commands_may_use_it() -> None:
    budget = Budget(Clock(), 300, 100)
    assert watches(budget, ANN) == 50
    assert spend_all(budget, ANN) == 50


def test_watching_leaves_a_third_of_the_address_to_commands() -> None:
    budget = Budget(Clock(), 300, 100)
    assert sum(watches(budget, user_id) for user_id in range(20)) == 210
    assert spend_all(budget, 30) == 90


def test_commands_may_leave_nothing_to_watching() -> None:
    budget = Budget(Clock(), 300, 100)
    assert spend_all(budget, ANN) == 100
    assert watches(budget, ANN) == 0
    assert watches(budget, BOB) == 50


def test_a_call_that_was_not_made_is_not_counted() -> None:
    budget = Budget(Clock(), 300, 100)
    for _ in range(500):
        budget.refund(budget.spend(ANN, CallKind.WATCH))
    assert watches(budget, ANN) == 50


def test_a_call_given_back_late_makes_room_for_no_other() -> None:
    clock = Clock()
    budget = Budget(clock, 3, 10)
    ticket = budget.spend(ANN)
    clock.now += WINDOW
    assert spend_all(budget, BOB) == 3
    budget.refund(ticket)
    assert not tries(budget, BOB)


@pytest.mark.parametrize("limit", [253_402_300_799, 1_764_392_400, 10_001])
def test_a_limit_that_can_be_none_is_not_believed(limit: int) -> None:
    budget = Budget(Clock(), 100, 5)
    hears(budget, ANN, Limits(limit, 100))
    assert spend_all(budget, ANN) == 5 - 1


_SAID = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.integers(-5_000, 5_000).map(lambda ahead: str(int(Clock().now.timestamp()) + ahead)),
    st.sampled_from(["0", "1", "NaN", "inf", "1e9", "-1", "", "²", "Fri, 31 Dec 9999 23:59:59 GMT", "253402300799"]),
    st.text(max_size=20),
)
_HEADERS = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Tier-Remaining",
    "Retry-After",
)


@given(st.dictionaries(st.sampled_from(_HEADERS), _SAID), st.sampled_from([None, "ip", "key", "tier"]))
def test_no_header_stops_calls_for_longer_than_an_hour(headers: dict[str, str], layer: Layer | None) -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    hears(budget, ANN, read_limits(headers, clock.now))
    denies(budget, ANN, RateLimited(layer=layer, reset=read_reset(headers, clock.now)))
    clock.now += timedelta(hours=1)
    assert tries(budget, ANN)
    assert spend_all(budget, ANN) < 300


def test_the_panels_headers_set_a_keys_limit() -> None:
    budget = Budget(Clock(), 300, 100)
    calls = [budget.spend(ANN), budget.spend(ANN)]
    budget.ended(calls[0], Limits(limit=20), 0.1)
    assert watches(budget, ANN) == 10
    assert spend_all(budget, ANN) == 10 - 2
    budget.ended(calls[1], Limits(limit=120), 0.1)
    assert spend_all(budget, ANN) == 100


LINKED, OTHER = 11, 12
"""A second key of Ann's panel account; a key of another."""


def budget_with_linked_keys() -> tuple[Clock, Budget]:
    """Return a budget that knows of Ann's two keys."""
    clock = Clock()
    budget = Budget(clock, 300, 100)
    for key in (ANN, LINKED):
        budget.link(key, ANN)
    return clock, budget


@pytest.mark.parametrize(
    ("layer", "closed"),
    [("ip", {ANN, LINKED, BOB, OTHER}), ("tier", {ANN, LINKED}), ("key", {ANN}), (None, {ANN})],
)
@pytest.mark.parametrize("use", CallKind)
def test_a_refusal_closes_what_it_was_about(layer: Layer | None, closed: set[int], use: CallKind) -> None:
    clock, budget = budget_with_linked_keys()
    reset = clock.now + timedelta(seconds=40)
    denies(budget, ANN, RateLimited(layer=layer, reset=reset))
    assert {key for key in (ANN, LINKED, BOB, OTHER) if budget.blocked_until(key, use)} == closed
    assert {budget.blocked_until(key, use) for key in closed} == {reset}
    assert {key for key in (ANN, LINKED, BOB, OTHER) if budget.earliest(key, 1) == reset} == closed
    clock.now = reset
    assert not any(budget.blocked_until(key, use) for key in (ANN, LINKED, BOB, OTHER))


@pytest.mark.parametrize(
    ("limits", "closed"), [({"tier_remaining": 0}, {ANN, LINKED}), ({"remaining": 0}, {LINKED}), ({}, set[int]())]
)
def test_what_is_used_up_is_the_tiers_for_all_its_keys(limits: dict[str, int], closed: set[int]) -> None:
    clock, budget = budget_with_linked_keys()
    hears(budget, LINKED, Limits(**limits, reset=clock.now + MINUTE))
    assert {key for key in (ANN, LINKED, BOB) if budget.blocked_until(key)} == closed


def test_keys_that_turn_out_to_be_of_one_account_are_closed_from_then_on() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    denies(budget, ANN, RateLimited(layer="tier", reset=clock.now + MINUTE))
    assert not budget.blocked_until(LINKED)
    budget.link(LINKED, ANN)
    assert budget.blocked_until(LINKED)
    budget.link(LINKED, LINKED)  # another key has taken its place
    assert not budget.blocked_until(LINKED)


def test_whoever_holds_the_same_key_has_its_calls_together() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    budget.spend(BOB)  # before anybody knew that it is Ann's key as well
    for account in (ANN, BOB):
        budget.link(account, account, b"one key")
    assert spend_all(budget, ANN) == 99
    assert budget.blocked_until(BOB)
    assert budget.earliest(BOB, 1) > clock.now
    budget.link(BOB, BOB, b"another key")  # what the earlier one has spent counts on, for a minute
    assert budget.blocked_until(BOB)
    clock.now += timedelta(seconds=62)
    assert spend_all(budget, BOB) == 100
    assert not budget.blocked_until(ANN)


def test_who_comes_to_anothers_key_brings_no_refusals_of_an_earlier_one() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    budget.link(ANN, ANN, b"a key")
    budget.link(BOB, BOB, b"the team's")
    spend_all(budget, ANN)
    denies(budget, ANN, RateLimited(layer="key", reset=clock.now + timedelta(hours=1)))
    for key in (b"the team's", b"a key", b"the team's"):
        budget.link(ANN, ANN, key)
    assert not budget.blocked_until(BOB)
    assert 90 < spend_all(budget, BOB) < 100


def test_a_tier_with_nothing_left_closes_its_key() -> None:
    clock = Clock()
    budget = Budget(clock, 300, 100)
    hears(budget, ANN, Limits(remaining=7, tier_remaining=0, reset=clock.now + MINUTE))
    assert budget.blocked_until(ANN) == clock.now + MINUTE


@given(st.integers(1, 5), st.integers(1, 5), st.lists(st.integers(0, 40), max_size=8), st.integers(1, 20))
def test_the_earliest_time_for_so_many_calls_is_when_they_can_all_have_been_made(
    ip_limit: int, key_limit: int, pauses: list[int], calls: int
) -> None:
    clock = Clock()
    budget = Budget(clock, ip_limit, key_limit)
    for pause in pauses:
        clock.now += timedelta(seconds=pause)
        if not budget.blocked_until(ANN):
            budget.spend(ANN)
    promised = budget.earliest(ANN, calls)
    for _ in range(calls):
        clock.now = budget.blocked_until(ANN) or clock.now
        budget.spend(ANN)
    assert clock.now == promised
