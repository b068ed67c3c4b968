"""When to look and when to try again: bounded, growing, and slower once it is overdue."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.schedule import EXPIRES_AFTER, OVERDUE_AFTER, WatchIntervals, later, next_look, retry_after

SECOND = timedelta(seconds=1)
DEFAULTS = WatchIntervals(timedelta(seconds=10), timedelta(seconds=900))


def intervals() -> st.SearchStrategy[WatchIntervals]:
    """Return any pair of pauses that the settings allow."""
    pair = st.tuples(st.floats(0.001, 86_400), st.floats(0.001, 86_400)).map(sorted)
    return pair.map(lambda both: WatchIntervals(timedelta(seconds=both[0]), timedelta(seconds=both[1])))


ages = st.timedeltas(timedelta(), EXPIRES_AFTER)
young = st.timedeltas(timedelta(), OVERDUE_AFTER)
old = st.timedeltas(OVERDUE_AFTER + SECOND, EXPIRES_AFTER)


@given(young, intervals())
def test_a_pause_lies_between_the_shortest_and_the_longest(age: timedelta, bounds: WatchIntervals) -> None:
    assert bounds.shortest <= next_look(age, bounds) <= bounds.longest


@given(young, young, intervals())
def test_pauses_grow_with_age(one: timedelta, other: timedelta, bounds: WatchIntervals) -> None:
    younger, older = sorted((one, other))
    assert next_look(younger, bounds) <= next_look(older, bounds)


@given(old, intervals())
def test_what_is_overdue_is_looked_at_less_often_than_anything_before(age: timedelta, bounds: WatchIntervals) -> None:
    last = next_look(OVERDUE_AFTER, bounds)
    assert last < next_look(age, bounds) <= 4 * bounds.longest


def test_an_order_of_three_days_costs_few_looks_and_is_found_in_time() -> None:
    age, looks = timedelta(), 0
    while age < OVERDUE_AFTER:
        pause = next_look(age, DEFAULTS)
        assert pause <= max(age / 10, DEFAULTS.shortest) + timedelta(milliseconds=1)
        age, looks = age + pause, looks + 1
    assert looks < 400


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
