"""When to look and when to try again: bounded, growing, and slower once it is overdue."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.hazard import PRIOR
from bot.domain.polling import (
    EXPIRES_AFTER,
    OVERDUE_AFTER,
    WatchIntervals,
    farthest,
    later,
    next_check,
    resend_after,
    retry_after,
    stretch,
    urgency,
)

SECOND = timedelta(seconds=1)
DEFAULTS = WatchIntervals(timedelta(seconds=10), timedelta(seconds=900))


urgencies = st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=60)
rates = st.floats(0.01, 10)
ages = st.timedeltas(timedelta(), EXPIRES_AFTER)
young = st.timedeltas(timedelta(), OVERDUE_AFTER)
old = st.timedeltas(OVERDUE_AFTER + SECOND, EXPIRES_AFTER)


def calls(urgencies: list[float], k: float, longest: timedelta) -> float:
    """Return the calls a second of groups that are looked at by the square-root rule."""
    low, high = DEFAULTS.shortest.total_seconds(), longest.total_seconds()
    return sum(1 / min(max(k / urgent, low), high) for urgent in urgencies)


@given(urgencies, rates)
def test_all_groups_together_keep_to_the_budget_and_use_it(urgencies: list[float], rate: float) -> None:
    longest = max(DEFAULTS.longest, timedelta(seconds=2 * len(urgencies) / rate))
    k = stretch(urgencies, rate, DEFAULTS.shortest, longest)
    used = calls(urgencies, k, longest)
    assert used <= rate * 1.001
    assert used >= rate * 0.99 or k == 0 or used == pytest.approx(len(urgencies) / longest.total_seconds(), rel=0.01)


@given(urgencies, rates)
def test_no_other_division_of_the_same_calls_finds_endings_sooner(urgencies: list[float], rate: float) -> None:
    """Moving a little from any group to any other never lessens the sum of L T / 2."""
    shortest, longest = timedelta(microseconds=1), timedelta(days=9999)
    k = stretch(urgencies, rate, shortest, longest)
    shares = [urgent / k for urgent in urgencies]

    def delay(shares: list[float]) -> float:
        return sum(urgent**2 / share / 2 for urgent, share in zip(urgencies, shares, strict=True))

    best = delay(shares)
    for one in range(min(len(shares), 5)):
        for other in range(min(len(shares), 5)):
            moved = shares.copy()
            moved[one], moved[other] = moved[one] + shares[other] * 0.1, moved[other] - shares[other] * 0.1
            assert one == other or delay(moved) >= best * 0.999_999


@given(young, st.floats(1e-4, 1), st.floats(0, 1e6), st.integers())
def test_a_pause_lies_between_the_shortest_and_the_longest(age: timedelta, urgent: float, k: float, seed: int) -> None:
    pause = next_check(age, urgent, k, DEFAULTS.longest, DEFAULTS, Random(seed))
    assert DEFAULTS.shortest * 0.89 <= pause <= DEFAULTS.longest * 1.11


@given(young, st.floats(1e-4, 1), st.integers())
def test_even_an_idle_bot_does_not_look_without_need(age: timedelta, urgent: float, seed: int) -> None:
    pause = next_check(age, urgent, 0, DEFAULTS.longest, DEFAULTS, Random(seed))
    assert pause >= min(age / 50, DEFAULTS.longest) * 0.89


@given(old, st.floats(1e-4, 1), st.integers())
def test_what_is_overdue_is_looked_at_less_often_than_anything_before(age: timedelta, urgent: float, seed: int) -> None:
    before = next_check(OVERDUE_AFTER, urgent, 0, DEFAULTS.longest, DEFAULTS, Random(seed))
    after = next_check(age, urgent, 0, DEFAULTS.longest, DEFAULTS, Random(seed))
    assert before < after <= farthest(DEFAULTS) * 1.11


@given(st.lists(young, min_size=1, max_size=9), young)
def test_one_order_more_makes_a_group_more_urgent(ages: list[timedelta], more: timedelta) -> None:
    assert urgency([*ages, more], PRIOR) > urgency(ages, PRIOR)


@given(st.integers(1, 9), st.integers(1, 9))
def test_tries_in_doubt_come_ever_later(one: int, other: int) -> None:
    fewer, more = sorted((one, other))
    assert timedelta(minutes=2) <= resend_after(fewer) <= resend_after(more) <= timedelta(hours=6)


@given(st.integers(-1, 10_000), st.integers())
def test_retries_wait_at_least_a_second_and_at_most_seven_minutes(failures: int, seed: int) -> None:
    assert SECOND < retry_after(failures, Random(seed)) < timedelta(minutes=7)


@given(st.integers(1, 6), st.integers(), st.integers())
def test_a_retry_waits_longer_the_more_often_it_failed(failures: int, one: int, other: int) -> None:
    assert retry_after(failures, Random(one)) <= retry_after(failures + 1, Random(other))


def test_retries_of_many_do_not_come_at_the_same_moment() -> None:
    assert len({retry_after(3, Random(seed)) for seed in range(20)}) > 10


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(None, None, None), (NOON, None, NOON), (None, NOON, NOON), (NOON, NOON + SECOND, NOON + SECOND)],
)
def test_the_later_of_two_times_either_of_which_may_be_absent(
    one: datetime | None, other: datetime | None, expected: datetime | None
) -> None:
    assert later(one, other) == later(other, one) == expected
