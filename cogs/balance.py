"""/balance: what is left on the user's NotPanel account."""

from functools import partial

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards.balances import balances_card
from bot.cards.layout import CardView
from cogs.acknowledge import Interaction
from cogs.reply import Reply, answer
from cogs.suggestions import suggest_keys


async def balances(reply: Reply, key: str = "") -> CardView:
    """Return a card with the balance under the key named, or under each."""
    views = await reply.services.calls.balances(reply.user_id, key)
    return balances_card(views, await reply.services.accounts.all_keys(reply.user_id))


class BalanceCog(commands.Cog):
    """Asking without changing anything."""

    @app_commands.command(description=locale_str("How much is left on your NotPanel account"))
    @app_commands.autocomplete(key=suggest_keys)
    @app_commands.describe(key=locale_str("Which of your keys (all if left out)"))
    async def balance(self, interaction: Interaction, key: str = "") -> None:
        """Ask the panel."""
        await answer(interaction, partial(balances, key=key))
