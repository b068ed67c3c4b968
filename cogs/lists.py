"""What a card has no room for: hands its owner the whole list as files, or the IDs of one group to copy."""

from collections.abc import AsyncGenerator

import discord

from bot.client import Client
from bot.states import State
from bot.store import Listed, ListKind
from bot.ui import buttons
from bot.ui.answers import ids_card, list_card
from bot.ui.csv import OrdersCsv
from cogs.common import Interaction, Pressed, acknowledge, answer

_MOST_BYTES = 8_000_000
"""Discord takes files of up to 10 MB from a bot."""


class WholeList(Pressed, template=buttons.LIST):
    """Reads the ledger anew at every press; for the owner alone."""

    async def press(self, interaction: Interaction) -> None:
        """Send the list, in as many files as it takes, one after another."""
        await acknowledge(interaction)
        async for file in _files(self._name(), self._rows(interaction)):
            shown = list_card(file)
            await interaction.followup.send(view=shown.view, files=shown.files, ephemeral=True)

    def _rows(self, interaction: Interaction) -> AsyncGenerator[list[Listed]]:
        kind, number, user_id = ListKind(self.values["kind"]), int(self.values["list"]), interaction.user.id
        use_cases = interaction.client.use_cases
        if kind is not ListKind.HISTORY:
            return use_cases.cancels.rows(kind, number, user_id)
        outcome = self.values["outcome"]
        return use_cases.records.history_rows(user_id, State(outcome) if outcome else None, number)

    def _name(self) -> str:
        kind, number = self.values["kind"], self.values["list"]
        return "-".join([kind, "orders" if kind == ListKind.OPEN else number, *filter(None, [self.values["outcome"]])])


async def _files(name: str, pages: AsyncGenerator[list[Listed]]) -> AsyncGenerator[discord.File]:
    """Write the list page by page; never more than one file of it is in memory."""
    table, number = OrdersCsv(), 1
    async for page in pages:
        table.add(page)
        if table.size > _MOST_BYTES:
            yield table.file(f"{name}-part-{number}.csv")
            table, number = OrdersCsv(), number + 1
    yield table.file(f"{name}.csv" if number == 1 else f"{name}-part-{number}.csv")


class CopyIds(Pressed, template=buttons.IDS):
    """Reads the ledger anew at every choice; for the owner alone."""

    async def press(self, interaction: Interaction) -> None:
        """Show the IDs of the group that was chosen, as it is now."""
        await acknowledge(interaction)
        kind, list_id, state = ListKind(self.values["kind"]), int(self.values["list"]), State(self.chosen)
        orders = await interaction.client.use_cases.cancels.named(
            kind, list_id, interaction.user.id, lambda line: line.told_as is state
        )
        await answer(interaction, ids_card(orders, state, kind, list_id))


async def setup(bot: Client) -> None:
    """Register with the client."""
    bot.add_dynamic_items(WholeList, CopyIds)
