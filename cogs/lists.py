"""What a card has no room for: hands its owner the list as files or page by page, or the IDs of one group to copy."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import discord

from bot.cards import actions
from bot.cards.answers import ids_card, list_card
from bot.cards.csv import OrdersCsv
from bot.cards.keys import Names, names_of
from bot.cards.layout import CardView
from bot.cards.pages import PAGE_LENGTH, ListPage, page_card
from bot.domain.states import State
from bot.ledger import Listed, ListKind
from bot.services.throttle import LIGHT
from cogs.dispatch import answers
from cogs.reply import Reply

_MOST_BYTES = 8_000_000
"""Discord takes files of up to 10 MB from a bot."""
_AT_ONCE = 5
"""Lines of a file written before others have their turn: what takes longest to defuse takes a millisecond."""


def _rows(reply: Reply, page: ListPage) -> AsyncGenerator[list[Listed]]:
    """Read a list of the presser's own from its beginning."""
    if page.kind is ListKind.HISTORY:
        return reply.services.records.history_rows(reply.user_id, page.outcome, page.list_id)
    return reply.services.cancels.rows(page.kind, page.list_id, reply.user_id)


async def _key_names(reply: Reply) -> Names:
    return names_of(await reply.services.accounts.all_keys(reply.user_id))


@answers(actions.LIST)
async def whole_list(reply: Reply, kind: ListKind, list_id: int, outcome: State | None = None) -> None:
    """Send the list as it is now, in as many files as it takes, one after another; for the owner alone."""
    page = ListPage(kind, list_id, outcome, 0)
    async with reply.services.list_turns.turn(reply.user_id):
        async for file in _files(_file_name(page), _rows(reply, page), await _key_names(reply)):
            await reply.add(list_card(file))


def _file_name(page: ListPage) -> str:
    which = "orders" if page.kind is ListKind.OPEN else str(page.list_id)
    return "-".join([page.kind, which, *([page.outcome] if page.outcome else [])])


@answers(actions.BROWSE, cost=LIGHT)
async def browse(reply: Reply, kind: ListKind, list_id: int, outcome: State | None = None) -> CardView:
    """Show the first page of a list, in an answer of its own; for the owner alone."""
    return await turn_page(reply, kind, list_id, 0, outcome)


@answers(actions.PAGE, update=True, cost=LIGHT)
async def turn_page(reply: Reply, kind: ListKind, list_id: int, page: int, outcome: State | None = None) -> CardView:
    """Show another page as it is now, for the owner alone: orders may have moved between pages meanwhile."""
    shown, start = ListPage(kind, list_id, outcome, page), page * PAGE_LENGTH
    lines = await _window(_rows(reply, shown), start, start + PAGE_LENGTH + 1)
    return page_card(lines, shown, await _key_names(reply))


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


async def _files(name: str, pages: AsyncGenerator[list[Listed]], names: Names) -> AsyncGenerator[discord.File]:
    """Write the list page by page; never more than one file of it is in memory."""
    table, number = OrdersCsv(names), 1
    async for page in pages:
        for at in range(0, len(page), _AT_ONCE):
            table.add(page[at : at + _AT_ONCE])
            await asyncio.sleep(0)  # a thread would keep the loop from its turn for longer
        if table.size > _MOST_BYTES:
            yield table.file(f"{name}-part-{number}.csv")
            table, number = OrdersCsv(names), number + 1
    yield table.file(f"{name}.csv" if number == 1 else f"{name}-part-{number}.csv")


@answers(actions.COPY_IDS)
async def copy_ids(reply: Reply, card: ListKind, list_id: int, chosen: str) -> CardView:
    """Show the IDs of the group that was chosen, as it is now; for the owner alone."""
    state = State(chosen)
    async with reply.services.list_turns.turn(reply.user_id):
        orders = await reply.services.cancels.named(card, list_id, reply.user_id, lambda line: line.shown_as is state)
    return ids_card(orders, state, card, list_id)
