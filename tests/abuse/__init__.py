"""Attacks that once got through, each played again and measured against a bound: `make abuse`.

A module holds the attacks of one area. Whoever adds one gives it the figure that it had before, and the bound that it
has to keep to now.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack has come to, in figures, and whether it kept to its bound."""

    measured: str
    held: bool


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack: `before` is what it did to 0.1.0, `bound` what it may do. Slow ones are left out of the short run."""

    area: str
    what: str
    before: str
    bound: str
    slow: bool
    play: Callable[[], Awaitable[Outcome]]


ATTACKS: list[Attack] = []


def attack(
    what: str, *, before: str, bound: str, slow: bool = False
) -> Callable[[Callable[[], Awaitable[Outcome]]], Callable[[], Awaitable[Outcome]]]:
    """Enter a function into the table of attacks, under the name of its module."""

    def enter(play: Callable[[], Awaitable[Outcome]]) -> Callable[[], Awaitable[Outcome]]:
        area = play.__module__.rpartition(".")[2].replace("_", " ")
        ATTACKS.append(Attack(area, what, before, bound, slow, play))
        return play

    return enter
