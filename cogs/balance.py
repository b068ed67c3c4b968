"""/balance: what is left on the user's NotPanel account."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards.keys import balances_card
from bot.cards.layout import CardView
from bot.client import Client
from cogs.common import Interaction, acknowledge, answer
from cogs.suggestions import suggest_keys


async def what_is_left(client: Client, user_id: int, key: str = "") -> CardView:
    """Return a card with the balance under the key named, or under each."""
    views = await client.services.calls.balances(user_id, key)
    return balances_card(views, await client.services.accounts.all_keys(user_id))


class Balance(commands.Cog):
    """Asking without changing anything."""

    @app_commands.command(description=locale_str("How much is left on your NotPanel account"))
    @app_commands.autocomplete(key=suggest_keys)
    @app_commands.describe(key=locale_str("Which of your keys (otherwise all of them)"))
    async def balance(self, interaction: Interaction, key: str | None = None) -> None:
        """Ask the panel."""
        await acknowledge(interaction)
        await answer(interaction, await what_is_left(interaction.client, interaction.user.id, key or ""))
