"""/help: what this is and how to begin."""

import logging

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards.help import help_card
from bot.cards.layout import CardView
from bot.ledger import LedgerError
from cogs.acknowledge import Interaction
from cogs.reply import Reply, answer

log = logging.getLogger(__name__)


async def explain(reply: Reply) -> CardView:
    """Return what this is and how to begin; also while the ledger cannot be read."""
    try:
        connected = bool(await reply.services.accounts.key_names(reply.user_id))
    except LedgerError as error:
        log.warning("help is given as to a stranger: %s", error)
        connected = False
    return help_card(reply.client.links, connected=connected)


class HelpCog(commands.Cog):
    """The first thing many people type."""

    @app_commands.command(description=locale_str("What this bot does and how to begin"))
    async def help(self, interaction: Interaction) -> None:
        """Explain."""
        await answer(interaction, explain)
