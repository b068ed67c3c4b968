"""A limit of concurrency against simulated panels, and whatever they may do; time is only counted."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.concurrency import Concurrency, EndedCall

MOST = 8
HOUR = 3_600.0

Panel = Callable[[float, int], tuple[float, bool]]
"""Says of a call, by when it begins and how many are under way, it among them: its seconds, and if it is dropped."""


def servers(count: int, seconds: float = 1.0) -> Panel:
    """Work on so many calls at once; the others wait in line."""
    free = [0.0] * count

    def answer(now: float, under_way: int) -> tuple[float, bool]:
        end = max(now, free[0]) + seconds
        heapreplace(free, end)
        return end - now, False

    return answer


def refuses_beyond(count: int) -> Panel:
    return lambda now, under_way: (0.05, True) if under_way > count else (1.0, False)


def down_for_an_hour(now: float, under_way: int) -> tuple[float, bool]:
    return (30.0, True) if now < HOUR else (1.0, False)


def slower_after_an_hour(now: float, under_way: int) -> tuple[float, bool]:
    return (1.0 if now < HOUR else 5.0), False


def noisy(median: float, sigma: float) -> Panel:
    random = Random(1)
    return lambda now, under_way: (random.lognormvariate(0, sigma) * median, False)


@dataclass(frozen=True, slots=True)
class Ended:
    at: float
    dropped: bool
    limiter: Concurrency


def run(panel: Panel, most: int = MOST) -> Iterable[Ended]:
    """Call a panel without end, as often at once as the limit allows."""
    limiter, now, begun = Concurrency.begin(most), 0.0, 0
    under_way: list[tuple[float, int, float, bool]] = []
    while True:
        while len(under_way) < limiter.at_once:
            begun += 1
            seconds, dropped = panel(now, len(under_way) + 1)
            heappush(under_way, (now + seconds, begun, seconds, dropped))
        now, number, seconds, dropped = heappop(under_way)
        limiter = limiter.after(EndedCall(number, begun, seconds, "status", dropped))
        yield Ended(now, dropped, limiter)


def throughput(ended: list[Ended], since: float = 0.0) -> float:
    """Return how many calls a second went well."""
    good = [one for one in ended if not one.dropped and one.at > since]
    return len(good) / (ended[-1].at - since)


@pytest.mark.parametrize(
    ("panel", "best", "share", "most_dropped"),
    [
        pytest.param(servers(1), 1.0, 0.99, 0, id="one after another"),
        pytest.param(servers(3), 3.0, 0.99, 0, id="three at once"),
        pytest.param(servers(8), 8.0, 0.99, 0, id="eight at once"),
        pytest.param(servers(8, 0.1), 80.0, 0.99, 0, id="eight at once, quick"),
        pytest.param(refuses_beyond(3), 3.0, 0.95, 30, id="refuses more than three"),
        pytest.param(refuses_beyond(1), 1.0, 0.99, 30, id="refuses more than one"),
        pytest.param(noisy(0.1, 0.5), 8 / 0.1133, 0.99, 0, id="noise at 100 ms"),
        pytest.param(noisy(1.0, 0.5), 8 / 1.133, 0.99, 0, id="noise at a second"),
        pytest.param(noisy(3.0, 0.25), 8 / 3.095, 0.99, 0, id="noise at three seconds"),
    ],
)
def test_gets_nearly_all_that_a_panel_can_give(panel: Panel, best: float, share: float, most_dropped: int) -> None:
    ended = list(islice(run(panel), 1_000))

    assert throughput(ended) >= share * best
    assert sum(one.dropped for one in ended) <= most_dropped


def test_a_queue_at_the_panel_is_kept_short() -> None:
    last = list(islice(run(servers(1)), 1_000))[-500:]

    assert max(one.limiter.at_once for one in last) <= 3


def test_one_call_at_a_time_asks_whether_a_panel_is_back_and_all_go_soon_after() -> None:
    ended = list(islice(run(down_for_an_hour), 400))
    down = [one for one in ended if one.dropped]
    back = [one for one in ended if not one.dropped]

    assert len(down) <= HOUR / 30 + MOST * 3
    assert back[0].limiter.at_once == 2
    assert next(one for one in back if one.limiter.limit == MOST).at - HOUR < 60


def test_a_panel_that_has_become_slower_for_good_is_called_as_often_as_before() -> None:
    ended = [one for one in islice(run(slower_after_an_hour), 40_000) if one.at > HOUR]

    assert min(one.limiter.at_once for one in ended) == 1
    assert throughput(ended, since=HOUR + 180) == pytest.approx(MOST / 5, rel=0.01)


@pytest.mark.parametrize(("before", "later"), [(1.0, 4.0), (0.0, 1.5)])
def test_a_usual_time_is_forgotten_beside_calls_of_other_kinds(before: float, later: float) -> None:
    """None of them is ever alone, since the others keep the limit up."""
    limiter = Concurrency.begin(MOST)
    limits: list[float] = []
    for number in range(4_000):
        like, seconds = ("cancel", before if number < 100 else later) if number % 4 == 0 else ("status", 0.1)
        limiter = limiter.after(EndedCall(number, number, seconds, like, dropped=False))
        limits.append(limiter.limit)

    assert 1 < min(limits) < MOST
    assert set(limits[3_500:]) == {MOST}


def ended(number: int, *, dropped: bool = False, seconds: float = 0.1, last_begun: int | None = None) -> EndedCall:
    return EndedCall(number, number if last_begun is None else last_begun, seconds, "status", dropped)


def test_the_calls_that_were_under_way_together_cut_once() -> None:
    limiter = Concurrency.begin(MOST)
    for number in range(8):
        limiter = limiter.after(ended(number, dropped=True, last_begun=7 + number))
    assert limiter.at_once == 4

    assert limiter.after(ended(8, dropped=True)).at_once == 2


def test_a_success_begun_before_a_cut_does_not_grow_what_was_cut() -> None:
    cut = Concurrency.begin(MOST).after(ended(3, dropped=True, last_begun=7))

    assert cut.after(ended(7)) == cut
    assert cut.after(ended(8)).limit == 4.25


@pytest.mark.parametrize(
    ("seconds", "at_once"), [(0.25, 8), (1.05, 8), (1.15, 4)], ids=["noise", "less than a second", "slow"]
)
def test_a_round_of_slow_calls_cuts(seconds: float, at_once: int) -> None:
    limiter = Concurrency.begin(MOST).after(ended(0, seconds=0.1))
    for number in range(1, 8):
        limiter = limiter.after(ended(number, seconds=seconds))
    assert limiter.at_once == 8

    assert limiter.after(ended(8, seconds=seconds)).at_once == at_once


def test_a_cut_needs_a_round_of_slow_calls_of_its_own() -> None:
    limiter = Concurrency.begin(MOST)
    for number in range(1 + 8 + 3):
        limiter = limiter.after(ended(number, seconds=0.1 if number == 0 else 2.0))
    assert limiter.at_once == 4

    assert limiter.after(ended(12, seconds=2.0)).at_once == 2


def test_a_second_more_is_not_slow_where_calls_take_long() -> None:
    limiter = Concurrency.begin(MOST).after(ended(0, seconds=5.0))
    for number in range(1, 100):
        limiter = limiter.after(ended(number, seconds=9.9))

    assert limiter.limit == MOST


def test_calls_are_compared_with_their_like_alone() -> None:
    limiter = Concurrency.begin(MOST)
    for number in range(100):
        like, seconds = [("balance", 0.1), ("cancel 100", 5.0), (None, 30.0)][number % 3]
        limiter = limiter.after(EndedCall(number, number, seconds, like, dropped=False))

    assert limiter.limit == MOST


def test_what_is_remembered_is_bounded() -> None:
    limiter = Concurrency.begin(MOST)
    for number in range(100):
        limiter = limiter.after(EndedCall(number, number, 1.0, number, dropped=False))

    assert len(limiter.times) == 16


calls = st.lists(
    st.tuples(
        st.integers(0, 20),  # how many were begun since
        st.floats(-1, 1e6),
        st.one_of(st.none(), st.integers(0, 40)),
        st.booleans(),
    )
)


def after_all(most: int, seen: Iterable[tuple[int, float, Hashable | None, bool]]) -> Concurrency:
    limiter = Concurrency.begin(most)
    for number, (since, seconds, like, dropped) in enumerate(seen):
        limiter = limiter.after(EndedCall(number, number + since, seconds, like, dropped))
        assert 1 <= limiter.limit <= most
        assert 1 <= limiter.at_once <= most
    return limiter


@given(st.integers(1, 50), calls)
def test_whatever_happens_the_limit_stays_between_one_and_the_most(
    most: int, seen: list[tuple[int, float, Hashable | None, bool]]
) -> None:
    after_all(most, seen)


@given(st.integers(1, 12), calls, st.floats(0, 1e6), st.booleans())
def test_after_whatever_happened_it_grows_back(
    most: int, seen: list[tuple[int, float, Hashable | None, bool]], seconds: float, is_compared: bool
) -> None:
    """By calls that go well and take about as long as one another, in a square of the most.

    Into what was too many before it grows more slowly.
    """
    limiter = after_all(most, seen)
    like = "new" if is_compared else None
    wary = 2 * (most + 1) * 8 * 2**4
    for number in range(10**6, 10**6 + most * most // 2 + most + wary):
        limiter = limiter.after(EndedCall(number, number, seconds, like, dropped=False))

    assert limiter.at_once >= (limiter.wall - 1 if limiter.wall else most)


def test_what_was_too_many_is_tried_again_more_rarely_each_time_and_in_the_end() -> None:
    dropped = [number for number, one in enumerate(islice(run(refuses_beyond(3)), 20_000)) if one.dropped]
    tries = [number for number, before in zip(dropped[1:], dropped, strict=False) if number - before > 8]
    assert len(tries) < 60
    assert tries[-1] - tries[-2] > 4 * (tries[1] - tries[0])

    limiter, number = list(islice(run(refuses_beyond(3)), 1_000))[-1].limiter, 10**6
    assert limiter.wall == 4
    while limiter.limit < MOST:
        number += 1
        limiter = limiter.after(ended(number))
    assert number < 10**6 + 5_000


@given(calls)
def test_calls_made_one_at_a_time_are_never_kept_from_being_made(
    seen: list[tuple[int, float, Hashable | None, bool]],
) -> None:
    assert after_all(1, seen).at_once == 1
