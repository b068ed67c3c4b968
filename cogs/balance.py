"""/balance: what is left on the user's NotPanel account."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.client import Client
from bot.ui.answers import balance_card
from cogs.common import Interaction, acknowledge, answer


class Balance(commands.Cog):
    """Asking without changing anything."""

    @app_commands.command(description=locale_str("How much is left on your NotPanel account"))
    async def balance(self, interaction: Interaction) -> None:
        """Ask the panel."""
        await acknowledge(interaction)
        view = await interaction.client.use_cases.accounts.balance(interaction.user.id)
        await answer(interaction, balance_card(view))


async def setup(bot: Client) -> None:
    """Register with the client."""
    await bot.add_cog(Balance())
