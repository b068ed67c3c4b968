"""/settings: where the bot notifies, how often, in which language, and whether with sound; all in one form."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.language import speak
from bot.cards.layout import CardView
from bot.cards.preferences import (
    LANGUAGE_FIELD,
    SOUND_FIELD,
    TIMING_FIELD,
    WAY_FIELD,
    preferences_card,
    preferences_form,
)
from bot.domain.languages import Language
from bot.ledger import LedgerError, NotifyVia, NotifyWhen, Preferences
from cogs.acknowledge import Interaction, open_form
from cogs.dispatch import Form, answers, handles
from cogs.reply import Reply, answer

log = logging.getLogger(__name__)

_AT_ONCE = 1.0
"""Seconds in which what is chosen is to be read: a form must be the first answer, and Discord waits for three."""


async def preferences(reply: Reply) -> CardView:
    """Return a card with what is chosen."""
    return preferences_card(await reply.services.records.preferences(reply.user_id))


class PreferencesCog(commands.Cog):
    """How the bot behaves towards one user."""

    @app_commands.command(description=locale_str("Choose where, when and in which language I update you"))
    async def settings(self, interaction: Interaction) -> None:
        """Open the form."""
        await choose_anew(interaction)


@handles(actions.CHANGE)
async def choose_anew(interaction: Interaction) -> None:
    """Open the form with what is chosen; where that cannot be read at once, show the card that leads to it."""
    chosen = await _read_at_once(interaction)
    if chosen is None:
        await answer(interaction, preferences)
        return
    if chosen.language:
        speak(chosen.language)
    await open_form(interaction, preferences_form(chosen))


async def _read_at_once(interaction: Interaction) -> Preferences | None:
    reading = asyncio.ensure_future(interaction.client.services.records.preferences(interaction.user.id))
    try:
        async with asyncio.timeout(_AT_ONCE):
            return await asyncio.shield(reading)  # a read that is broken off can cost its connection
    except (TimeoutError, LedgerError) as error:
        log.warning("interaction %d: settings could not be read at once: %s", interaction.id, error or "no answer")
        return None


@handles(actions.SETTINGS_FORM)
async def save(interaction: Interaction, form: Form) -> None:
    """Take what was filled in, and say what is chosen now: on the card that led to the form, if one did."""
    await answer(interaction, partial(_save, form=form), update=interaction.message is not None)


async def _save(reply: Reply, form: Form) -> CardView:
    chosen = Preferences(
        form.part(WAY_FIELD),
        form.part(TIMING_FIELD),
        form.part(LANGUAGE_FIELD),
        silent=not form.ticked(SOUND_FIELD),
    )
    return await _choose(reply, lambda _before: chosen)


async def _choose(reply: Reply, change: Callable[[Preferences], Preferences]) -> CardView:
    """Change the presser's own preferences, whoever's card it is, and show them in its place."""
    chosen = await reply.services.records.prefer(reply.user_id, change)
    speak(chosen.language or reply.language)
    return preferences_card(chosen, saved=True)


# What follows answers the menus and the button on cards of 0.1.0.


@answers(actions.WAY, update=True)
async def choose_way(reply: Reply, way: NotifyVia) -> CardView:
    """Choose where to be notified."""
    return await _choose(reply, lambda before: replace(before, notify_via=way))


@answers(actions.TIMING, update=True)
async def choose_timing(reply: Reply, timing: NotifyWhen) -> CardView:
    """Choose when to be notified."""
    return await _choose(reply, lambda before: replace(before, notify_when=timing))


@answers(actions.LANGUAGE, update=True)
async def choose_language(reply: Reply, language: Language | None) -> CardView:
    """Choose the language."""
    return await _choose(reply, lambda before: replace(before, language=language))


@answers(actions.SILENT, update=True)
async def choose_sound(reply: Reply, *, silent: bool) -> CardView:
    """Have messages come without a push notification, or with one again."""
    return await _choose(reply, lambda before: replace(before, silent=silent))
