"""/forget-me: erases all that is stored about the user, once they have said yes."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import buttons
from bot.cards.answers import all_kept, erased, erasure_question, nothing_stored, still_erasing
from bot.cards.layout import CardView
from bot.client import Client
from cogs.common import Interaction, PersistentItem, acknowledge, answer


async def ask_to_erase(client: Client, user_id: int) -> CardView:
    """Return the question that comes first, with what there is to erase."""
    if await client.services.erasing.is_being_erased(user_id):
        return still_erasing()
    view = await client.services.erasing.stored(user_id)
    return erasure_question(view) if view else nothing_stored()


class Forget(commands.Cog):
    """Being forgotten."""

    @app_commands.command(
        name="forget-me", description=locale_str("Erase everything that is stored about you (asks first)")
    )
    async def forget_me(self, interaction: Interaction) -> None:
        """Ask first."""
        await acknowledge(interaction)
        await answer(interaction, await ask_to_erase(interaction.client, interaction.user.id))


class Erase(PersistentItem, template=buttons.ERASE):
    """Erases what is stored about the presser."""

    async def press(self, interaction: Interaction) -> None:
        """Erase it."""
        await acknowledge(interaction, update=True)
        await answer(interaction, erased(await interaction.client.services.erasing.erase(interaction.user.id)))


class KeepAll(PersistentItem, template=buttons.KEEP_ALL):
    """Leaves everything as it is."""

    async def press(self, interaction: Interaction) -> None:
        """Do nothing, and say so."""
        await acknowledge(interaction, update=True)
        await answer(interaction, all_kept())
