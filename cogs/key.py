"""/key: connect, show and remove the API key. The key travels in a modal only."""

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.client import Client
from bot.panel import PanelError
from bot.ui import buttons
from bot.ui.answers import connected, key_card, key_kept, key_problem, removal_question, removed
from bot.ui.modals import KEY, key_form
from cogs.common import Interaction, Pressed, acknowledge, answer, answering, typed


async def ask_for_key(interaction: Interaction) -> None:
    """Open the form; a modal must be the very first answer, so nothing is looked up before."""
    await interaction.response.send_modal(key_form())


async def _take_key(interaction: Interaction, text: str) -> None:
    await acknowledge(interaction)
    try:
        result = await interaction.client.use_cases.accounts.connect(interaction.user.id, text)
    except PanelError as error:
        await answer(interaction, key_problem(error))
        return
    await answer(interaction, connected(result))


class Key(commands.GroupCog, group_name="key", group_description=locale_str("Your NotPanel API key")):
    """The commands around the key."""

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Answer the form."""
        text = typed(interaction, KEY)
        if text is not None:
            await answering(interaction, _take_key(interaction, text))

    @app_commands.command(
        name="set", description=locale_str("Connect your NotPanel API key, or replace it (opens a form only you see)")
    )
    async def set_key(self, interaction: Interaction) -> None:
        """Open the form."""
        await ask_for_key(interaction)

    @app_commands.command(
        description=locale_str("Which key is connected (its last four characters) and how many orders it is watching")
    )
    async def show(self, interaction: Interaction) -> None:
        """Show it."""
        await acknowledge(interaction)
        await answer(interaction, key_card(await interaction.client.use_cases.accounts.show(interaction.user.id)))

    @app_commands.command(description=locale_str("Forget your key and every trace of it"))
    async def remove(self, interaction: Interaction) -> None:
        """Remove it, after a question where orders need it."""
        await acknowledge(interaction)
        accounts = interaction.client.use_cases.accounts
        key = await accounts.show(interaction.user.id)
        if key.waiting:
            await answer(interaction, removal_question(key.waiting))
        else:
            await answer(interaction, removed(await accounts.remove(interaction.user.id)))


class Connect(Pressed, template=buttons.CONNECT):
    """Opens the form, wherever a key is missing."""

    async def press(self, interaction: Interaction) -> None:
        """Open the form."""
        await ask_for_key(interaction)


class RemoveKey(Pressed, template=buttons.REMOVE_KEY):
    """Removes the presser's own key although orders are open."""

    async def press(self, interaction: Interaction) -> None:
        """Remove the key."""
        await acknowledge(interaction, update=True)
        await answer(interaction, removed(await interaction.client.use_cases.accounts.remove(interaction.user.id)))


class KeepKey(Pressed, template=buttons.KEEP_KEY):
    """Leaves the key where it is."""

    async def press(self, interaction: Interaction) -> None:
        """Do nothing, and say so."""
        await acknowledge(interaction, update=True)
        await answer(interaction, key_kept())


async def setup(bot: Client) -> None:
    """Register with the client."""
    await bot.add_cog(Key())
    bot.add_dynamic_items(Connect, RemoveKey, KeepKey)
