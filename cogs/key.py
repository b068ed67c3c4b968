"""/key: connect, show, remove and choose among API keys. A key travels in a modal only."""

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import buttons
from bot.cards.keys import (
    connected,
    default_chosen,
    key_kept,
    key_problem,
    keys_card,
    removal_question,
    removed,
    which_to_remove,
)
from bot.cards.modals import KEY, key_form
from bot.client import Client
from bot.panel import PanelError
from bot.services.keyring import LONGEST_NAME, read_name
from cogs.common import Interaction, PersistentItem, acknowledge, answer, answering, meant, open_form, typed
from cogs.suggestions import suggest_keys

Name = app_commands.Range[str, 1, LONGEST_NAME]


async def ask_for_key(interaction: Interaction, name: str = "") -> None:
    """Open the form; a modal must be the very first answer, so nothing is looked up before."""
    await open_form(interaction, key_form(name))


async def _take_key(interaction: Interaction, text: str, name: str) -> None:
    await acknowledge(interaction)
    try:
        result = await interaction.client.services.accounts.connect(interaction.user.id, text, name)
    except PanelError as error:
        await answer(interaction, key_problem(error, name))
        return
    await answer(interaction, connected(result))


async def _remove(interaction: Interaction, key: str | int) -> None:
    """Remove a key, after a question where orders need it."""
    accounts, user_id = interaction.client.services.accounts, interaction.user.id
    view = await accounts.show_one(user_id, key)
    if view.waiting:
        await answer(interaction, removal_question(view))
    else:
        await answer(interaction, removed(await accounts.remove(user_id, view.account.id)))


class Key(commands.GroupCog, group_name="key", group_description=locale_str("Your NotPanel API keys")):
    """The commands around keys."""

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Answer the form."""
        text = typed(interaction, KEY)
        if text is not None:
            await answering(interaction, _take_key(interaction, text, meant(interaction, KEY)))

    @app_commands.command(
        name="set", description=locale_str("Connect a NotPanel API key, or replace it (opens a form only you see)")
    )
    @app_commands.autocomplete(name=suggest_keys)
    @app_commands.describe(name=locale_str("Its name, to have several keys; without one your default key is replaced"))
    async def set_key(self, interaction: Interaction, name: Name | None = None) -> None:
        """Open the form."""
        await ask_for_key(interaction, read_name(name) if name else "")

    @app_commands.command(
        description=locale_str("Which keys are connected (their last four characters) and how many orders they watch")
    )
    async def show(self, interaction: Interaction) -> None:
        """Show them."""
        await acknowledge(interaction)
        await answer(interaction, keys_card(await interaction.client.services.accounts.show(interaction.user.id)))

    @app_commands.command(description=locale_str("Forget a key"))
    @app_commands.autocomplete(name=suggest_keys)
    @app_commands.describe(name=locale_str("Which of your keys, if you have several"))
    async def remove(self, interaction: Interaction, name: Name | None = None) -> None:
        """Remove it, after a question where orders need it or several could be meant."""
        await acknowledge(interaction)
        keys = await interaction.client.services.accounts.stored(interaction.user.id)
        if name is None and len(keys) > 1:
            await answer(interaction, which_to_remove(keys))
        else:
            await _remove(interaction, name or "")

    @app_commands.command(description=locale_str("Choose the key that commands without a key use"))
    @app_commands.autocomplete(name=suggest_keys)
    @app_commands.describe(name=locale_str("Which of your keys"))
    async def default(self, interaction: Interaction, name: Name) -> None:
        """Choose it."""
        await acknowledge(interaction)
        account = await interaction.client.services.accounts.make_default(interaction.user.id, name)
        await answer(interaction, default_chosen(account))


class Connect(PersistentItem, template=buttons.CONNECT):
    """Opens the form, wherever a key is missing; for the presser's own key of that name."""

    async def press(self, interaction: Interaction) -> None:
        """Open the form."""
        await ask_for_key(interaction, self.values["name"])


class AskRemove(PersistentItem, template=buttons.ASK_REMOVE):
    """Removes one of the presser's own keys, after a question where orders need it."""

    async def press(self, interaction: Interaction) -> None:
        """Ask, or remove it."""
        await acknowledge(interaction, update=True)
        await _remove(interaction, int(self.values["account"]))


class RemoveKey(PersistentItem, template=buttons.REMOVE_KEY):
    """Removes one of the presser's own keys although orders are open."""

    async def press(self, interaction: Interaction) -> None:
        """Remove the key."""
        await acknowledge(interaction, update=True)
        accounts = interaction.client.services.accounts
        await answer(interaction, removed(await accounts.remove(interaction.user.id, int(self.values["account"]))))


class KeepKey(PersistentItem, template=buttons.KEEP_KEY):
    """Leaves the key where it is."""

    async def press(self, interaction: Interaction) -> None:
        """Do nothing, and say so."""
        await acknowledge(interaction, update=True)
        await answer(interaction, key_kept())
