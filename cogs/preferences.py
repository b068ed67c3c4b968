"""/settings: where news go, how often, in which language, and whether with a push notification."""

from collections.abc import Callable
from dataclasses import replace

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import buttons
from bot.cards.language import speak
from bot.cards.preferences import AS_DISCORD_SAYS, preferences_card
from bot.domain.languages import Language, resolve_locale
from bot.ledger import NotifyVia, NotifyWhen, Preferences
from cogs.common import Interaction, PersistentItem, acknowledge, answer


class Settings(commands.Cog):
    """How the bot behaves towards one user."""

    @app_commands.command(description=locale_str("Where and how often I write to you, in which language, how loudly"))
    async def settings(self, interaction: Interaction) -> None:
        """Show what is chosen."""
        await acknowledge(interaction)
        chosen = await interaction.client.services.records.preferences(interaction.user.id)
        await answer(interaction, preferences_card(chosen))


async def _choose(interaction: Interaction, change: Callable[[Preferences], Preferences]) -> None:
    """Change the presser's own preferences, whoever's card it is, and show them in its place."""
    await acknowledge(interaction, update=True)
    chosen = await interaction.client.services.records.prefer(interaction.user.id, change)
    speak(chosen.language or resolve_locale(str(interaction.locale)))
    await answer(interaction, preferences_card(chosen))


class ChooseWay(PersistentItem, template=buttons.WAY):
    """Chooses where news go."""

    async def press(self, interaction: Interaction) -> None:
        """Choose it."""
        await _choose(interaction, lambda before: replace(before, notify_via=NotifyVia(self.chosen)))


class ChooseTiming(PersistentItem, template=buttons.TIMING):
    """Chooses how often there are news."""

    async def press(self, interaction: Interaction) -> None:
        """Choose it."""
        await _choose(interaction, lambda before: replace(before, notify_when=NotifyWhen(self.chosen)))


class ChooseLanguage(PersistentItem, template=buttons.LANGUAGE):
    """Chooses the language."""

    async def press(self, interaction: Interaction) -> None:
        """Choose it."""
        language = None if self.chosen == AS_DISCORD_SAYS else Language(self.chosen)
        await _choose(interaction, lambda before: replace(before, language=language))


class Silence(PersistentItem, template=buttons.SILENT):
    """Has messages come without a push notification, or with one again."""

    async def press(self, interaction: Interaction) -> None:
        """Choose it."""
        await _choose(interaction, lambda before: replace(before, silent=self.values["wanted"] == "on"))
