"""How many sessions of the gateway may still be begun: Discord resets the token of a bot that begins more."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from math import inf
from time import monotonic

from bot.domain.clock import Clock, utc_now

RESERVE = 50
"""Sessions that are never begun: several processes of a bot, each of several shards, may read the same number at the
same moment, and each would begin as many as that allows."""
_SHORTEST_WAIT = 5
"""Seconds between two questions while there are too few; discord.py's own pause between two sessions."""


class TooFewSessions(OSError):
    """No session is begun before Discord's count begins anew. As an OSError discord.py tries again after a pause."""


class SessionStarts:
    """Counts down from what Discord said last.

    The count is the bot's, not a process's: one that is started again and again, or several, use up the same one.
    """

    def __init__(self, ask: Callable[[], Awaitable[Mapping[str, int]]], *, clock: Clock = utc_now) -> None:
        """`ask` returns Discord's `session_start_limit`; the clock is for the text alone."""
        self._ask = ask
        self._clock = clock
        self._left = 0
        self._ends = -inf

    def note(self, limit: Mapping[str, int]) -> None:
        """Take what Discord has said: `remaining`, and `reset_after` in milliseconds."""
        self._left = limit["remaining"]
        self._ends = monotonic() + max(limit["reset_after"] / 1000, _SHORTEST_WAIT)

    def begun(self) -> None:
        """Count a session."""
        self._left -= 1

    @property
    def wait(self) -> float:
        """For how many seconds no session is to be begun, by what is known; 0 where nothing is."""
        return max(self._ends - monotonic(), 0) if self._left <= RESERVE else 0

    async def check(self) -> float:
        """Return `wait`, having asked Discord where its last answer is too old or forbids a session.

        Raise what asking raises.
        """
        if self._left <= RESERVE or monotonic() >= self._ends:
            self.note(await self._ask())
        return self.wait

    @property
    def waiting(self) -> str:
        """Why no session is begun, in a sentence without its full stop; empty where one may be."""
        if not (seconds := self.wait):
            return ""
        until = self._clock() + timedelta(seconds=seconds)
        return (
            f"Discord allows this bot only {max(self._left, 0):,} more sessions before {until:%Y-%m-%d %H:%M} UTC "
            "and resets the token of a bot that begins more: no session is begun until then"
        )
