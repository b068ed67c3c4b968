"""/queued: which cancel requests have not ended."""

from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.ui.cards import open_card
from cogs.common import Interaction, acknowledge, answer


class Queued(commands.Cog):
    """What is still open."""

    @app_commands.command()
    async def queued(self, interaction: Interaction) -> None:
        """Which of your cancel requests are still open"""
        await acknowledge(interaction)
        orders = await interaction.client.use_cases.accounts.open_orders(interaction.user.id)
        await answer(interaction, open_card(orders))


async def setup(bot: Client) -> None:
    """Register with the client."""
    await bot.add_cog(Queued())
