"""What the bot learns of how long cancels take: close to the truth with many lives, sane with few or odd ones."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.hazard import AGES, PRIOR, fit

lives = st.lists(st.floats(0, 3e6), max_size=50)


@given(lives, st.floats(0, 1e8))
def test_a_chance_is_always_a_positive_number(lives: list[float], age: float) -> None:
    assert 0 < fit(lives).at(age) < 1
    assert math.isfinite(fit(lives).at(age))


def test_a_constant_chance_is_found() -> None:
    random = Random(1)
    seen = [random.expovariate(1 / 1800) for _ in range(5_000)]
    for age in (30, 600, 3_000):
        assert fit(seen).at(age) == pytest.approx(1 / 1800, rel=0.15)


def test_a_chance_that_falls_with_age_is_found() -> None:
    random = Random(2)
    seen = fit(random.lognormvariate(math.log(3_000), 1.4) for _ in range(5_000))
    assert seen.at(1_000) > 2 * seen.at(50_000)


def test_before_anything_is_seen_the_old_are_believed_to_end_more_rarely() -> None:
    rates = [PRIOR.at(age + 1) for age in AGES]
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert fit(()) == PRIOR


def test_a_few_lives_do_not_turn_the_belief_over() -> None:
    assert fit([1.0] * 2).at(1.0) < 2 * PRIOR.at(1.0)
