"""How likely an order that is being cancelled is to end now, by its age: learned from the bot's own history (pure).

A life table over ages that double: in each class of age, endings seen divided by the time spent in it. What ended
last stands for all, the slow ones among it, since as many end as begin. A few endings of a prior stand in each class,
and outweigh what was seen only while next to nothing was seen.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

AGES = tuple(60.0 * 2**power for power in range(13))
"""Seconds; the limits between classes: a minute, two, four, … 68 hours."""

_PRIOR_MEDIAN, _PRIOR_SIGMA = 3_600.0, 1.5
"""Before anything is known: half of all end within an hour, 99.8 % within the 72 that NotPanel names."""
_PRIOR_ENDINGS = 5.0


@dataclass(frozen=True, slots=True)
class Hazard:
    """Chances to end, per second, one for each class of age."""

    rates: tuple[float, ...]

    def at(self, age: float) -> float:
        """Return the chance per second of an order that is `age` seconds old."""
        return self.rates[bisect_right(AGES, age)]


def fit(lives: Iterable[float]) -> Hazard:
    """Learn from how many seconds the orders lived that ended last."""
    endings = [_PRIOR_ENDINGS] * (len(AGES) + 1)
    exposure = [_PRIOR_ENDINGS / rate for rate in _PRIOR]
    for age in lives:
        last = bisect_right(AGES, age)
        for index in range(last):
            exposure[index] += _WIDTHS[index]
        exposure[last] += age - (AGES[last - 1] if last else 0.0)
        endings[last] += 1
    return Hazard(tuple(end / time for end, time in zip(endings, exposure, strict=True)))


def _survival(age: float) -> float:
    """Return the share of a log-normal prior's orders that live longer."""
    return 0.5 * math.erfc(math.log(age / _PRIOR_MEDIAN) / (_PRIOR_SIGMA * math.sqrt(2)))


def _prior() -> tuple[float, ...]:
    alive = [1.0, *map(_survival, AGES)]
    inside = [math.log(begin / end) / width for begin, end, width in zip(alive, alive[1:], _WIDTHS, strict=False)]
    return (*inside, inside[-1])


_WIDTHS = (AGES[0], *(end - begin for begin, end in pairwise(AGES)))
_PRIOR = _prior()

PRIOR = fit(())
"""What is believed before anything has been seen."""
