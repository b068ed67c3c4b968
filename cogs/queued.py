"""/queued: which cancel requests have not ended; to be checked at once, or watched no longer."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import buttons
from bot.cards.overviews import check_now_card, open_card, unwatched, unwatching_question
from cogs.common import Interaction, PersistentItem, acknowledge, answer


class Queued(commands.Cog):
    """What is still open."""

    @app_commands.command(description=locale_str("Which of your cancel requests are still open"))
    async def queued(self, interaction: Interaction) -> None:
        """Show it."""
        await acknowledge(interaction)
        orders = await interaction.client.services.accounts.open_orders(interaction.user.id)
        await answer(interaction, open_card(orders))


class CheckNow(PersistentItem, template=buttons.CHECK_NOW):
    """Has the presser's open orders looked at."""

    async def press(self, interaction: Interaction) -> None:
        """Make them due, and show them anew."""
        await acknowledge(interaction, update=True)
        await answer(
            interaction, check_now_card(await interaction.client.services.records.check_now(interaction.user.id))
        )


class AskUnwatch(PersistentItem, template=buttons.ASK_UNWATCH):
    """Asks before the presser's open orders are no longer watched."""

    async def press(self, interaction: Interaction) -> None:
        """Ask."""
        await acknowledge(interaction, update=True)
        orders = await interaction.client.services.accounts.open_orders(interaction.user.id)
        await answer(interaction, unwatching_question(orders))


class Unwatch(PersistentItem, template=buttons.UNWATCH):
    """Stops watching the presser's open orders."""

    async def press(self, interaction: Interaction) -> None:
        """Stop, and say for how many."""
        await acknowledge(interaction, update=True)
        await answer(
            interaction, unwatched(await interaction.client.services.records.stop_watching(interaction.user.id))
        )


class KeepWatching(PersistentItem, template=buttons.KEEP_WATCHING):
    """Leaves everything as it is."""

    async def press(self, interaction: Interaction) -> None:
        """Show what is open."""
        await acknowledge(interaction, update=True)
        orders = await interaction.client.services.accounts.open_orders(interaction.user.id)
        await answer(interaction, open_card(orders))
