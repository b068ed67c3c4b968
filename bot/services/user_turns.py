"""Whose turn it is where something takes much memory or time: few at once, one of a user's, in turn."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


class UserTurns:
    """Gives turns to users; whoever has waited longest for one comes first, and after it is behind all others."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._busy: set[int] = set()
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}
        """By user, in the order of their turns."""

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._waiting.values()))

    def waiting_of(self, user_id: int) -> int:
        """Return how many of a user's wait for their turn."""
        return len(self._waiting.get(user_id, ()))

    @asynccontextmanager
    async def turn(self, user_id: int) -> AsyncGenerator[None]:
        """Wait for a turn of a user's, and have it."""
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
