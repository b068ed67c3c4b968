"""/settings: where the bot notifies, how often, in which language, and whether with sound."""

from collections.abc import Callable
from dataclasses import replace

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.language import speak
from bot.cards.layout import CardView
from bot.cards.preferences import AS_DISCORD_SAYS, preferences_card
from bot.domain.languages import Language
from bot.ledger import NotifyVia, NotifyWhen, Preferences
from cogs.acknowledge import Interaction
from cogs.dispatch import answers
from cogs.reply import Reply, answer


async def preferences(reply: Reply) -> CardView:
    """Return a card with what is chosen."""
    return preferences_card(await reply.services.records.preferences(reply.user_id))


class PreferencesCog(commands.Cog):
    """How the bot behaves towards one user."""

    @app_commands.command(description=locale_str("Where and how often I write to you, in which language, how loudly"))
    async def settings(self, interaction: Interaction) -> None:
        """Show what is chosen."""
        await answer(interaction, preferences)


async def _choose(reply: Reply, change: Callable[[Preferences], Preferences]) -> CardView:
    """Change the presser's own preferences, whoever's card it is, and show them in its place."""
    chosen = await reply.services.records.prefer(reply.user_id, change)
    speak(chosen.language or reply.language)
    return preferences_card(chosen)


@answers(actions.WAY, update=True)
async def choose_way(reply: Reply, chosen: str) -> CardView:
    """Choose where to be notified."""
    return await _choose(reply, lambda before: replace(before, notify_via=NotifyVia(chosen)))


@answers(actions.TIMING, update=True)
async def choose_timing(reply: Reply, chosen: str) -> CardView:
    """Choose when to be notified."""
    return await _choose(reply, lambda before: replace(before, notify_when=NotifyWhen(chosen)))


@answers(actions.LANGUAGE, update=True)
async def choose_language(reply: Reply, chosen: str) -> CardView:
    """Choose the language."""
    language = None if chosen == AS_DISCORD_SAYS else Language(chosen)
    return await _choose(reply, lambda before: replace(before, language=language))


@answers(actions.SILENT, update=True)
async def choose_sound(reply: Reply, *, silent: bool) -> CardView:
    """Have messages come without a push notification, or with one again."""
    return await _choose(reply, lambda before: replace(before, silent=silent))
