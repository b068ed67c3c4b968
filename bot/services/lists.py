"""Long lists of a user's own orders: the rows of one, and a page of it with how many there are. No Discord in here."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

from bot.domain.clock import Clock
from bot.domain.states import State
from bot.ledger import Listed, ListKind
from bot.services.cancels import Cancels
from bot.services.records import Records

PAGE_LENGTH = 20
"""Orders on one page of a list."""
MOST_PAGES = 50
"""Pages that one can turn to, since each press reads the list from its beginning; the file has the rest."""
LAST_PAGE = MOST_PAGES - 1
_TRIES = 3


@dataclass(frozen=True, slots=True)
class ListRef:
    """Which list: one of a request or a notice by its number, what is open, or a history, whose number is its days."""

    kind: ListKind
    list_id: int
    outcome: State | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list, counted from 0, and how many orders the whole list has as of then."""

    of: ListRef
    number: int
    lines: tuple[Listed, ...]
    total: int
    as_of: datetime

    @property
    def last(self) -> int:
        """The last page that one can turn to."""
        return min(max(ceil(self.total / PAGE_LENGTH) - 1, 0), LAST_PAGE)


class Lists:
    """The use cases around a list that a card has no room for."""

    def __init__(self, cancels: Cancels, records: Records, clock: Clock) -> None:
        self._cancels = cancels
        self._records = records
        self._clock = clock

    def today(self) -> date:
        """Return the day that a list is of, in UTC as all times in its file."""
        return self._clock().date()

    def rows(self, which: ListRef, user_id: int) -> AsyncGenerator[list[Listed]]:
        """Yield all orders of a list, page by page; raise NotOwner for anyone but its owner, NoKey for one without."""
        if which.kind is ListKind.HISTORY:
            return self._records.history_rows(user_id, which.outcome, which.list_id)
        return self._cancels.rows(which.kind, which.list_id, user_id)

    async def page(self, which: ListRef, number: int, user_id: int) -> ListPage:
        """Return a page as it is now, or the last one where the list ends before it; raise as `rows` does."""
        shown = ListPage(which, 0, (), 0, self._clock())
        for _ in range(_TRIES):
            shown = await self._page(which, number, user_id)
            if shown.lines or not shown.total:
                break  # else it has become shorter between the count and the page
        return shown

    async def _page(self, which: ListRef, number: int, user_id: int) -> ListPage:
        # First, since it is what refuses other people's lists.
        total = await self._count(which, user_id)
        number = min(number, ListPage(which, 0, (), total, self._clock()).last)
        start = number * PAGE_LENGTH
        lines = await _window(self.rows(which, user_id), start, start + PAGE_LENGTH)
        ends_here = lines and len(lines) < PAGE_LENGTH
        total = start + len(lines) if ends_here else max(total, start + len(lines))
        return ListPage(which, number, tuple(lines), total, self._clock())

    async def _count(self, which: ListRef, user_id: int) -> int:
        if which.kind is ListKind.HISTORY:
            return await self._records.count_history(user_id, which.outcome, which.list_id)
        return await self._cancels.count(which.kind, which.list_id, user_id)


async def _window(pages: AsyncGenerator[list[Listed]], start: int, stop: int) -> list[Listed]:
    """Return the lines of a list from one place to another, and read no further."""
    wanted: list[Listed] = []
    place = 0
    async with aclosing(pages):
        async for lines in pages:
            wanted += lines[max(start - place, 0) : max(stop - place, 0)]
            place += len(lines)
            if place >= stop:
                break
    return wanted
