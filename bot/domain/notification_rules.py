"""How often a user is written to about one request, and how often the message they have is edited (pure).

A push is a message that makes a phone ring: a request's living message, a reply to it, or the next living message. What
is edited into a message makes no sound, so good results need no push; whoever cancels waits for two things: what went
wrong, and the end. So the end is pushed at once, and what went wrong is gathered for a quarter of an hour. Between two
pushes lies at least `gap`, which doubles: a request that is open for T takes 1 + log2(T / 15 min + 1) pushes and its
end, however many orders it has and however badly they end: 4 within an hour, 8 within a day.
"""

from datetime import datetime, timedelta
from enum import Enum, auto

from bot.domain.states import State

BAD_NEWS = frozenset({State.REFUSED, State.FAILED, State.COMPLETED, State.PARTIAL, State.EXPIRED})
"""Ends of orders that were not cancelled, or not wholly."""

GATHERED_FOR = timedelta(minutes=15)
"""How long bad news is gathered for one push."""
EDITED_FREELY_FOR = timedelta(hours=1)
"""Discord throttles edits of messages that are older (30046)."""
MOST_EDIT_FAILURES = 50
"""Some hours of them: then what is not known to stand in a message goes into the next, though it may be read twice."""
_FIRST_GAP = timedelta(minutes=15)
_LONGEST_GAP = timedelta(hours=24)
_EDIT_FIRST = timedelta(seconds=5)
_EDIT_LAST = timedelta(minutes=1)
_EDIT_OLD = timedelta(minutes=10)
"""Short enough for bad news to be seen within a quarter of an hour, as long as Discord takes edits."""
_EDIT_PAUSES_PER_AGE = 10


class Push(Enum):
    """Why a user is to be written to once more about a request."""

    END = auto()
    BAD_NEWS = auto()
    MORE = auto()
    """There is more to say, and the message cannot be edited to say it."""


def gap(pushes: int) -> timedelta:
    """Return the shortest pause after the n-th push."""
    return min(_FIRST_GAP * 2 ** min(max(pushes - 1, 0), 10), _LONGEST_GAP)


def next_push(why: Push, now: datetime, pushes: int, last_at: datetime | None) -> datetime:
    """Return when to write again about a request, after this many pushes, the last at `last_at`.

    A last push that lies ahead was made by another clock.
    """
    if why is Push.END:
        return now
    wanted = now + GATHERED_FOR if why is Push.BAD_NEWS else now
    return max(wanted, min(last_at, now) + gap(pushes)) if pushes and last_at else wanted


def next_edit(now: datetime, sent_at: datetime, edited_at: datetime | None) -> datetime:
    """Return when a message that is behind is to be edited: soon while it is young, ever more rarely later."""
    age = now - sent_at
    young = min(max(age / _EDIT_PAUSES_PER_AGE, _EDIT_FIRST), _EDIT_LAST)
    pause = _EDIT_OLD if age > EDITED_FREELY_FOR else young
    return max(now, min(edited_at or sent_at, now) + pause)
