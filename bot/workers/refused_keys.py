"""Whether a key that the panel refuses is at fault, or the panel (pure; its clock is handed in).

A panel in a bad mood, or a proxy that answers for it, refuses good keys for a while. So a key is paused only once it
was refused twice, with a minute between, and nobody is asked for a key while those of several users are refused and
none is accepted. One that was refused before another was accepted, and after it, is at fault itself. A restart forgets
all of it: the minute then begins anew, and nothing was paused too early.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from bot.domain.clock import Clock

log = logging.getLogger(__name__)

ASK_AGAIN_AFTER = timedelta(minutes=1)
MANY = 3
"""If the keys of this many users are refused and none is accepted since, the panel is broken."""
_TOGETHER = timedelta(minutes=10)
"""Older refusals do not count."""


class Blame(Enum):
    """What a refusal of a key means."""

    ASK_AGAIN = auto()
    PANEL = auto()
    """The panel refuses the keys of many."""
    KEY = auto()
    """The panel has said so twice: the key is to be paused."""


@dataclass(slots=True)
class _Refused:
    user_id: int
    key: bytes | int
    """Its fingerprint, or its account where that is not known."""
    first: datetime
    last: datetime


class RefusedKeys:
    """Remembers which keys the panel has refused, by their account, until one of them is accepted."""

    def __init__(self, clock: Clock, counted: Callable[[str], None] = lambda _: None) -> None:
        """`counted`: is called with what each refusal means."""
        self._clock = clock
        self._counted = counted
        self._refused: dict[int, _Refused] = {}
        self._accepted_at: datetime | None = None
        """When the panel last accepted whosever key."""
        self._panel_broken = False

    def refused_new(self) -> None:
        """Count a key that somebody wanted to connect, and that the panel has refused."""
        self._counted("new")

    def refused(self, account_id: int, user_id: int, fingerprint: bytes | None = None) -> Blame:
        """Note that the panel has refused an account's key, and return what that means.

        `fingerprint`: of the key; a team that shares one is no three users.
        """
        blame = self._weighed(account_id, user_id, fingerprint)
        self._counted(blame.name.lower())
        return blame

    def _weighed(self, account_id: int, user_id: int, fingerprint: bytes | None) -> Blame:
        now = self._clock()
        seen = self._refused.setdefault(account_id, _Refused(user_id, fingerprint or account_id, now, now))
        if not seen.first <= now < seen.last + _TOGETHER:  # long ago, or by a clock that was set back since
            seen.first = now
        seen.last = now
        accepted_at = min(self._accepted_at or now - _TOGETHER, now)
        worked_between = seen.first < accepted_at
        since = max(now - _TOGETHER, accepted_at)
        lately = [one for one in self._refused.values() if one.last > since]
        users = min(len({one.user_id for one in lately}), len({one.key for one in lately}))
        if users >= MANY and not worked_between:
            if not self._panel_broken:
                log.warning("the panel refuses the keys of %d users and accepts none; no key is paused", users)
            self._panel_broken = True
            return Blame.PANEL
        if now - seen.first < ASK_AGAIN_AFTER:
            return Blame.ASK_AGAIN
        del self._refused[account_id]
        return Blame.KEY

    def accepted(self, account_id: int) -> None:
        """Note that the panel has accepted an account's key."""
        self._accepted_at = self._clock()
        if self._panel_broken:
            self._panel_broken = False
            log.info("the panel accepts keys again")
        self._refused.pop(account_id, None)

    def wait(self, account_id: int) -> timedelta | None:
        """Return for how long not to work with an account's key; None where nothing speaks against it."""
        seen, now = self._refused.get(account_id), self._clock()
        if seen is None or not seen.last <= now < seen.last + ASK_AGAIN_AFTER:
            return None
        return seen.last + ASK_AGAIN_AFTER - now
