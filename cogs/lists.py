"""The button under a card that has no room for all of its orders: hands its owner the whole list as files."""

from collections.abc import AsyncGenerator

import discord

from bot.client import Client
from bot.store import ListKind
from bot.ui import buttons
from bot.ui.answers import list_card
from bot.ui.csv import OrdersCsv
from cogs.common import Interaction, Pressed, acknowledge

_MOST_BYTES = 8_000_000
"""Discord takes files of up to 10 MB from a bot."""


class WholeList(Pressed, template=buttons.LIST):
    """Reads the ledger anew at every press; for the owner alone."""

    async def press(self, interaction: Interaction) -> None:
        """Send the list, in as many files as it takes, one after another."""
        await acknowledge(interaction)
        kind, list_id = ListKind(self.values["kind"]), int(self.values["list"])
        async for file in _files(interaction, kind, list_id):
            shown = list_card(file)
            await interaction.followup.send(view=shown.view, files=shown.files, ephemeral=True)


async def _files(interaction: Interaction, kind: ListKind, list_id: int) -> AsyncGenerator[discord.File]:
    """Write the list page by page; never more than one file of it is in memory."""
    name = f"{kind}-orders" if kind is ListKind.OPEN else f"{kind}-{list_id}"
    table, number = OrdersCsv(), 1
    async for page in interaction.client.use_cases.cancels.rows(kind, list_id, interaction.user.id):
        table.add(page)
        if table.size > _MOST_BYTES:
            yield table.file(f"{name}-part-{number}.csv")
            table, number = OrdersCsv(), number + 1
    yield table.file(f"{name}.csv" if number == 1 else f"{name}-part-{number}.csv")


async def setup(bot: Client) -> None:
    """Register with the client."""
    bot.add_dynamic_items(WholeList)
