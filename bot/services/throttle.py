"""How much one person may ask for, so that nobody's haste is paid for by everybody else (pure; its clock is handed in).

discord.py has cooldowns, but its checks guard slash commands alone, and buttons, forms and messages cost as much; its
`Cooldown` by itself counts in fixed windows, so that whoever was too fast waits for up to a minute where three
seconds would do, and after the machine's clock was set back it locks people out until that has caught up.
"""

from datetime import datetime, timedelta

from bot.domain.clock import Clock
from bot.domain.errors import RefusedTooOften, Throttled

AT_ONCE = 20
"""Commands, buttons and messages that one person may give at once: more than anybody does who reads the answers."""
PAUSE = timedelta(seconds=3)
"""After which one more is free. Twenty calls to the panel a minute are a fifteenth of what it allows the bot."""
LIGHT = timedelta(seconds=1)
"""The same for what only turns a page: sixty a minute."""
SUGGESTION = timedelta(milliseconds=250)
"""The same, in a count of its own, for what is asked of the ledger while somebody types."""
MOST_OPEN = 200_000
"""Orders that one person may have open: two of the longest lists. One check of all of them
takes forty minutes of the calls that watching may make with one key."""
MOST_QUESTIONS = 10
"""Requests of one person that may wait for Confirm or Keep: each holds a list, and has had the panel asked about it."""

_MOST_REMEMBERED = 1_000
"""People who are remembered before those are forgotten who have waited long enough."""


class UserThrottle:
    """Remembers how much each person has asked for of late; a restart forgives everybody."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._free_at: dict[int, datetime] = {}  # when nothing that a person has asked for counts any more
        self._answered_until: dict[int, datetime] = {}

    def admit(self, user_id: int, cost: timedelta = PAUSE) -> None:
        """Count something that a person asks for; raise Throttled, with when to come back, where it is too much.

        `cost`: LIGHT, or PAUSE for each call to the panel.
        """
        now, allowed = self._clock(), AT_ONCE * PAUSE
        free_at = max(self._free_at.get(user_id, now), now)
        if free_at > now + allowed:  # more than can be on record: the machine's clock was set back since
            free_at = now
        self._free_at[user_id] = free_at
        if free_at + cost > now + allowed:
            raise Throttled(_whole_second(free_at + cost - allowed))
        if len(self._free_at) > _MOST_REMEMBERED:
            self._free_at = {known: until for known, until in self._free_at.items() if until > now}
        self._free_at[user_id] = free_at + cost

    def is_to_be_answered(self, user_id: int, refusal: Throttled) -> bool:
        """Tell whether to answer a refused message: once, and then not before the time that answer has named."""
        now = self._clock()
        self._answered_until = {
            known: until for known, until in self._answered_until.items() if now < until <= now + 2 * PAUSE
        }
        if user_id in self._answered_until:
            return False
        self._answered_until[user_id] = refusal.again_at
        return True


REFUSED_KEYS = 5
"""Keys of one person that the panel may refuse, one after the other, before the pauses begin."""
_FIRST_LOCK = timedelta(minutes=1)
_LONGEST_LOCK = timedelta(hours=1)


class Guesses:
    """Remembers whose keys the panel has refused: who guesses waits ever longer; a restart forgives everybody.

    Each refusal was a call to the panel, so that no more are remembered than a few hours of such calls.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refused: dict[int, tuple[int, datetime]] = {}

    def admit(self, user_id: int) -> None:
        """See whether a key of a person may be checked; raise RefusedTooOften, with when to come back."""
        count, last = self._refused.get(user_id, (0, self._clock()))
        now = self._clock()
        if count >= REFUSED_KEYS:
            again_at = min(last, now) + min(_FIRST_LOCK * 2 ** min(count - REFUSED_KEYS, 10), _LONGEST_LOCK)
            if again_at > now:
                raise RefusedTooOften(_whole_second(again_at))

    def refused(self, user_id: int) -> None:
        """Note that the panel has refused a key."""
        now = self._clock()
        self._refused = {one: seen for one, seen in self._refused.items() if now < seen[1] + 2 * _LONGEST_LOCK}
        self._refused[user_id] = (self._refused.get(user_id, (0, now))[0] + 1, now)

    def accepted(self, user_id: int) -> None:
        """Forget a person's refused keys: the panel has accepted one."""
        self._refused.pop(user_id, None)


def _whole_second(time: datetime) -> datetime:
    """Round up: Discord shows whole seconds, and whoever comes back at that second is to be served."""
    return time.replace(microsecond=0) + timedelta(seconds=1 if time.microsecond else 0)
