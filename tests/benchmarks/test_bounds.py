"""The bounds that lists are measured against."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.bounds import all_known, all_sent, least


@pytest.mark.parametrize(
    ("orders", "at_once", "a_minute", "sent", "known"),
    [
        (1, 8, None, 1, 2),
        (1_000, 1, None, 10, 20),
        (1_000, 8, None, 2, 3),  # 8 cancels; 2 cancels and 6 checks; 4 checks
        (10_000, 8, None, 13, 25),
        (1_000, 8, 100, 2, 3),
        (10_000, 1, 100, 100, 200),  # a minute lets 60 of these through
        (10_000, 8, 100, 13, 73),  # 100 calls in 13 seconds, a minute after the first of them 100 more
        (20_000, 8, 100, 73, 193),
    ],
)
def test_what_limits_allow(orders: int, at_once: int, a_minute: int | None, sent: float, known: float) -> None:
    """Each is counted by hand, for calls of a second."""
    assert (all_sent(orders, 1, at_once, a_minute), all_known(orders, 1, at_once, a_minute)) == (sent, known)


@given(st.integers(1, 400), st.integers(1, 30), st.integers(1, 20), st.integers(1, 150))
def test_no_limit_is_crossed_and_none_is_left_unused(calls: int, seconds: int, at_once: int, a_minute: int) -> None:
    """The latest end is late enough for each limit alone, and no later than both in turn make it."""
    bound = least(calls, seconds, at_once, a_minute)
    rounds, minutes = ceil(calls / at_once), (calls - 1) // a_minute
    last = calls - minutes * a_minute
    assert bound >= max(rounds * seconds, minutes * 60 + ceil(last / at_once) * seconds)
    assert bound <= rounds * seconds + minutes * 60
    assert least(calls, seconds, at_once, None) == rounds * seconds
    assert bound <= least(calls + 1, seconds, at_once, a_minute)
