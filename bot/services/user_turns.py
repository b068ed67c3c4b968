"""Whose turn it is where something takes much memory or time, or must not be done twice."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

from bot.domain.errors import RefillUnderWay, TooManyLists

LISTS_AT_ONCE = 2
"""Whole lists that are read and written as files: each takes some 25 MB of memory."""
MOST_LISTS_WAITING = 3
"""Whole lists of one person that may wait for their turn; one more is being written."""


class UserTurns:
    """Gives turns to users; whoever has waited longest for one comes first, and after it is behind all others."""

    def __init__(self, at_once: int, most_waiting: int | None = None) -> None:
        """`most_waiting`: how many of one user's may wait."""
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._busy: set[int] = set()
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}
        """By user, in the order of their turns."""

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def turn(self, user_id: int) -> AsyncGenerator[None]:
        """Wait for a turn of a user's, and have it; raise TooManyLists where as many of theirs wait as may."""
        if self._most_waiting is not None and len(self._waiting.get(user_id, ())) >= self._most_waiting:
            raise TooManyLists
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user_id, deque()).append(turn)
        self._next()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._busy.discard(user_id)
                if turns := self._waiting.pop(user_id, None):
                    self._waiting[user_id] = turns  # behind all others
            else:
                self._forget(user_id, turn)
            self._next()

    def _forget(self, user_id: int, turn: asyncio.Future[None]) -> None:
        if turns := self._waiting.get(user_id):
            with suppress(ValueError):
                turns.remove(turn)
            if not turns:
                del self._waiting[user_id]

    def _next(self) -> None:
        """Give free places to the users who have waited longest, and put each behind the others for their next."""
        for user_id in [*self._waiting]:
            if len(self._busy) >= self._at_once:
                return
            if user_id in self._busy:
                continue
            turns = self._waiting.pop(user_id)
            turn = turns.popleft()
            if turns:
                self._waiting[user_id] = turns
            if not turn.cancelled():
                self._busy.add(user_id)
                turn.set_result(None)


class RefillTurns:
    """Lets a user ask for one set of refills at a time, and for those of one question once.

    No ledger holds refills. After a restart, or from a second question, the same can be asked for again; what is still
    open the panel then refuses by its own rule, one refill of an order at a time.
    """

    def __init__(self) -> None:
        self._busy: set[int] = set()
        self._asked: deque[int] = deque(maxlen=1_000)
        """The questions whose refills were asked for last."""

    @contextmanager
    def turn(self, user_id: int, question_id: int) -> Generator[None]:
        """Have a turn; raise RefillUnderWay where the user has one already, or the question was answered before."""
        if user_id in self._busy or question_id in self._asked:
            raise RefillUnderWay
        self._busy.add(user_id)
        try:
            yield
        finally:
            self._busy.discard(user_id)

    def sending(self, question_id: int) -> None:
        """Note that the panel is about to be asked for what a question names."""
        self._asked.append(question_id)
