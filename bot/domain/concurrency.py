"""How many calls with one key may be under way at once: learned from how the panel takes them (pure).

A panel says how many calls a minute it takes, but not how many at once. Beyond what it can work on, calls queue there,
time out or are refused, and a call that timed out may have acted. So the limit is found the way TCP finds a window's:
one more for each round of calls that went well, half after one that did not (AIMD: additive increase, multiplicative
decrease). By that rule several who share a panel, and know nothing of each other, end with a fair share (Chiu and Jain,
1989); Netflix's concurrency-limits has it as AIMDLimit. As in TCP all calls that were under way at a cut belong to one
congestion: none of them cuts again, or grows what was just cut.

Who waits for drops fills the panel's queue up to its time-out each time; so a rise of latency cuts, too. A single slow
call is noise. TCP Vegas goes by the fastest of a round; here as many calls in a row as may be under way must be slow:
twice their usual time and a second more. The usual time is a minimum that is forgotten slowly, or calls that always
queue would become usual. A call that was alone under way tells it anew: its time owes nothing to concurrency, and a
panel that has become slower for good is soon called as often as before.

What was once too many is tried again only after many calls, and after twice as many each time that it turns out so:
each try costs a refusal, after which the panel may want none for half a minute. CUBIC slows down before its last window
for the same reason.

Unlike TCP it begins at the most: a list is to go at once, and the limits per minute hold anyway. For the same reason it
does not matter to its growth whether as many calls were under way as might have been.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Self

_CUT = 0.5
_SLOW_FACTOR, _SLOW_SECONDS = 2.0, 1.0
_FORGOTTEN_A_CALL = 1.002
"""A minimum doubles within 350 calls that are all slower."""
_LEAST_SECONDS = 0.1
"""Nothing below is told apart, and a minimum of 0 would never rise."""
_MOST_LIKES = 16
_WARY = 8
"""So many times more calls it takes to grow into what was too many before, doubled each time, four times at most."""
_MOST_TIMES = 4


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call to the panel that is over.

    `number`: the calls with one key are numbered as they begin; `last_begun`: the number of the call begun last when
    this one ended; `like`: the same for calls that may be compared by time (action, size), None where the time says
    nothing; `dropped`: it got a 429, a time-out, no answer or a 5xx.
    """

    number: int
    last_begun: int
    seconds: float
    like: Hashable | None
    dropped: bool


@dataclass(frozen=True, slots=True)
class _Times:
    """The usual time of calls that are alike, in seconds, and how many were slow in a row."""

    like: Hashable
    usual: float
    slow: int = 0


@dataclass(frozen=True, slots=True)
class Concurrency:
    """The limit of one key: 1 <= `limit` <= `most`.

    `cut_at`: the number of the call begun last at the last cut; `times`: of the last likes seen; `wall`: how many at
    once turned out to be too many, 0 for none, and `hits`: how often again; `has_grown`: since the last cut.
    """

    most: int
    limit: float
    cut_at: int = -1
    times: tuple[_Times, ...] = ()
    wall: int = 0
    hits: int = 0
    has_grown: bool = False

    @classmethod
    def begin(cls, most: int) -> Self:
        """Return the limit of a key of which nothing is known: at most so many calls at once, and all of them."""
        return cls(most, most)

    @property
    def at_once(self) -> int:
        """How many calls may be under way."""
        return int(self.limit)

    def after(self, call: EndedCall) -> "Concurrency":
        """Return what a call teaches that is over."""
        if call.number <= self.cut_at:
            return self
        if call.dropped:
            return self._cut(call)
        if call.like is None:
            return self._grown()
        times = self._with(call.like, max(call.seconds, _LEAST_SECONDS))
        learned = replace(self, times=(*(one for one in self.times if one.like != call.like), times)[-_MOST_LIKES:])
        if times.slow:
            return learned._cut(call) if times.slow >= self.at_once else learned
        return learned._grown()

    def _with(self, like: Hashable, seconds: float) -> _Times:
        known = next((one for one in self.times if one.like == like), None)
        if known is None or self.at_once == 1:  # begun after the cut to 1, so that no other was under way
            return _Times(like, seconds)
        usual = min(seconds, known.usual * _FORGOTTEN_A_CALL)
        is_slow = seconds > max(usual * _SLOW_FACTOR, usual + _SLOW_SECONDS)
        return _Times(like, usual, known.slow + 1 if is_slow else 0)

    def _grown(self) -> "Concurrency":
        step, wall = 1 / self.limit, self.wall
        if wall and self.limit >= wall - 1:
            step /= _WARY * 2**self.hits
        limit = min(self.limit + step, self.most)
        if wall and limit >= wall + 1:
            return replace(self, limit=limit, wall=0, hits=0, has_grown=True)
        return replace(self, limit=limit, has_grown=True)

    def _cut(self, call: EndedCall) -> "Concurrency":
        times, wall, hits = tuple(replace(one, slow=0) for one in self.times), self.wall, self.hits
        if self.has_grown and self.at_once > 1:  # else it goes on to fail: that says nothing of how many are too many
            hits = min(hits + 1, _MOST_TIMES) if self.at_once == wall else 0
            wall = self.at_once
        limit = max(self.limit * _CUT, 1)
        return replace(self, limit=limit, cut_at=call.last_begun, times=times, wall=wall, hits=hits, has_grown=False)
