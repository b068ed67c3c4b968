"""What a card has no room for: hands its owner the list as files or page by page, or the IDs of one group to copy."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing

import discord

from bot.cards import buttons
from bot.cards.answers import ids_card, list_card
from bot.cards.csv import OrdersCsv
from bot.cards.keys import Names, names_of
from bot.cards.pages import PAGE_LENGTH, ListPage, page_card
from bot.domain.errors import TooManyLists
from bot.domain.states import State
from bot.ledger import Listed, ListKind
from bot.services.throttle import LIGHT
from cogs.common import Interaction, PersistentItem, acknowledge, answer

_MOST_BYTES = 8_000_000
"""Discord takes files of up to 10 MB from a bot."""
_MOST_WAITING = 3
"""Whole lists of one person that may wait for their turn; one more is being written."""
_AT_ONCE = 5
"""Lines of a file written before others have their turn: what takes longest to defuse takes a millisecond."""


def _page(values: Mapping[str, str]) -> ListPage:
    """Return which page of which list a button is for; the first where it names none."""
    outcome = State(values["outcome"]) if values["outcome"] else None
    return ListPage(ListKind(values["kind"]), int(values["list"]), outcome, int(values.get("page", 0)))


def _rows(interaction: Interaction, page: ListPage) -> AsyncGenerator[list[Listed]]:
    """Read a list of the presser's own from its beginning."""
    services, user_id = interaction.client.services, interaction.user.id
    if page.kind is ListKind.HISTORY:
        return services.records.history_rows(user_id, page.outcome, page.list_id)
    return services.cancels.rows(page.kind, page.list_id, user_id)


class WholeList(PersistentItem, template=buttons.LIST):
    """Reads the ledger anew at every press; for the owner alone."""

    async def press(self, interaction: Interaction) -> None:
        """Send the list, in as many files as it takes, one after another."""
        await acknowledge(interaction)
        async with _turn(interaction):
            page = _page(self.values)
            names = names_of(await interaction.client.services.accounts.all_keys(interaction.user.id))
            async for file in _files(_name(page), _rows(interaction, page), names):
                shown = list_card(file)
                await interaction.followup.send(view=shown.view, files=shown.files, ephemeral=True)


def _turn(interaction: Interaction) -> AbstractAsyncContextManager[None]:
    """Wait for a turn to read a whole list; raise TooManyLists where as many of the presser's wait as may."""
    turns, user_id = interaction.client.list_turns, interaction.user.id
    if turns.waiting_of(user_id) >= _MOST_WAITING:
        raise TooManyLists
    return turns.turn(user_id)


def _name(page: ListPage) -> str:
    which = "orders" if page.kind is ListKind.OPEN else str(page.list_id)
    return "-".join([page.kind, which, *([page.outcome] if page.outcome else [])])


class Browse(PersistentItem, template=buttons.BROWSE):
    """Shows the first page of a list, in an answer of its own; for the owner alone."""

    async def press(self, interaction: Interaction) -> None:
        """Show it."""
        await acknowledge(interaction, cost=LIGHT)
        await _show_page(interaction, _page(self.values))


class TurnPage(PersistentItem, template=buttons.PAGE):
    """Shows another page in the place of the one before; for the owner alone."""

    async def press(self, interaction: Interaction) -> None:
        """Show it as it is now: orders may have moved between pages meanwhile."""
        await acknowledge(interaction, update=True, cost=LIGHT)
        await _show_page(interaction, _page(self.values))


async def _show_page(interaction: Interaction, page: ListPage) -> None:
    start = page.number * PAGE_LENGTH
    lines = await _window(_rows(interaction, page), start, start + PAGE_LENGTH + 1)
    keys = await interaction.client.services.accounts.all_keys(interaction.user.id)
    await answer(interaction, page_card(lines, page, names_of(keys)))


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


class CopyIds(PersistentItem, template=buttons.IDS):
    """Reads the ledger anew at every choice; for the owner alone."""

    async def press(self, interaction: Interaction) -> None:
        """Show the IDs of the group that was chosen, as it is now."""
        await acknowledge(interaction)
        (kind, list_id), state = self.whole_list, State(self.chosen)
        async with _turn(interaction):
            orders = await interaction.client.services.cancels.named(
                kind, list_id, interaction.user.id, lambda line: line.shown_as is state
            )
        await answer(interaction, ids_card(orders, state, kind, list_id))
