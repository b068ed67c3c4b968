"""What a card has no room for: hands its owner the list as files or page by page, or the IDs of one group to copy."""

import asyncio
from collections.abc import AsyncGenerator

from bot.cards import actions
from bot.cards.answers import ids_card
from bot.cards.csv import OrdersCsv, list_file_name
from bot.cards.keys import Names, names_of
from bot.cards.layout import CardView
from bot.cards.pages import list_card, page_card
from bot.domain.states import State
from bot.ledger import Listed, ListKind
from bot.services.lists import LAST_PAGE, ListRef
from bot.services.throttle import LIGHT
from cogs.dispatch import answers
from cogs.reply import Reply

_MOST_BYTES = 8_000_000
"""Discord takes files of up to 10 MB from a bot."""
_AT_ONCE = 5
"""Lines of a file written before others have their turn: what takes longest to defuse takes a millisecond."""


async def _key_names(reply: Reply) -> Names:
    return names_of(await reply.services.accounts.all_keys(reply.user_id))


@answers(actions.LIST)
async def whole_list(reply: Reply, kind: ListKind, list_id: int, outcome: State | None = None) -> None:
    """Send the list as it is now, in as many files as it takes, one after another; for the owner alone."""
    which, lists = ListRef(kind, list_id, outcome), reply.services.lists
    async with reply.services.list_turns.turn(reply.user_id):
        async for table, part in _tables(lists.rows(which, reply.user_id), await _key_names(reply)):
            file = table.file(list_file_name(which, lists.today(), table.orders, part))
            await reply.add(list_card(file, table.orders))


@answers(actions.BROWSE, cost=LIGHT)
async def browse(reply: Reply, kind: ListKind, list_id: int, outcome: State | None = None) -> CardView:
    """Show the first page of a list, in an answer of its own; for the owner alone."""
    return await turn_page(reply, kind, list_id, 0, outcome)


@answers(actions.PAGE, update=True, cost=LIGHT)
async def turn_page(
    reply: Reply, kind: ListKind, list_id: int, page: int, outcome: State | None = None, turn: str = ""
) -> CardView:
    """Show another page as it is now, for the owner alone: orders may have moved between pages meanwhile.

    `turn` is the button: the last page is the one that is the last by now.
    """
    wanted = LAST_PAGE if turn == "last" else page
    shown = await reply.services.lists.page(ListRef(kind, list_id, outcome), wanted, reply.user_id)
    return page_card(shown, await _key_names(reply))


async def _tables(pages: AsyncGenerator[list[Listed]], names: Names) -> AsyncGenerator[tuple[OrdersCsv, int]]:
    """Write the list page by page; never more than one file of it is in memory. A second one is part 2."""
    table, part = OrdersCsv(names), 0
    async for page in pages:
        for at in range(0, len(page), _AT_ONCE):
            table.add(page[at : at + _AT_ONCE])
            await asyncio.sleep(0)  # a thread would keep the loop from its turn for longer
        if table.size > _MOST_BYTES:
            part += 1
            yield table, part
            table = OrdersCsv(names)
    if table.orders or not part:
        yield table, part + 1 if part else 0


@answers(actions.COPY_IDS)
async def copy_ids(reply: Reply, kind: ListKind, list_id: int, state: State) -> CardView:
    """Show the IDs of a group as it is now; for the owner alone."""
    found = dict[str, None]()
    async with reply.services.list_turns.turn(reply.user_id):
        async for lines in reply.services.lists.rows(ListRef(kind, list_id), reply.user_id):
            found.update((line.order_id, None) for line in lines if line.shown_as is state)
    return ids_card(tuple(found), state, kind, list_id)
