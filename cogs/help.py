"""/help: what this is and how to begin."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards.help import help_card
from bot.cards.layout import CardView
from cogs.acknowledge import Interaction
from cogs.reply import Reply, answer


async def explain(_reply: Reply) -> CardView:
    """Return what this is and how to begin."""
    return help_card()


class HelpCog(commands.Cog):
    """The first thing many people type."""

    @app_commands.command(description=locale_str("What this bot does and how to begin"))
    async def help(self, interaction: Interaction) -> None:
        """Explain."""
        await answer(interaction, explain)
