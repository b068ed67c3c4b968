"""What /settings shows: the form in which a user chooses how to hear from the bot, and the card of what is chosen."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import discord

from bot.cards import actions
from bot.cards.language import N_, OWN_NAMES, _
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import titled
from bot.ledger import NotifyVia, NotifyWhen, Preferences

Choice = TypeVar("Choice", NotifyVia, NotifyWhen)

WAY_FIELD, TIMING_FIELD, LANGUAGE_FIELD, SOUND_FIELD = "way", "timing", "language", "sound"
"""The custom_ids of what is filled in, and the parts (bot/cards/actions.py) that three of them are."""

_WAYS: Mapping[NotifyVia, tuple[str, str]] = {
    NotifyVia.DM: (
        N_("My DMs"),
        N_("If Discord blocks them, I try to leave a short note in the last channel you used."),
    ),
    NotifyVia.CHANNEL: (N_("The channel where I asked"), N_("A ping without details; only you can open it.")),
    NotifyVia.OFF: (N_("Nowhere"), N_("I show them at your next command.")),
}
_TIMINGS: Mapping[NotifyWhen, tuple[str, str]] = {
    NotifyWhen.REQUEST: (
        N_("One message for each request"),
        N_("It updates itself. I write again if something goes wrong, and at the end."),
    ),
    NotifyWhen.EACH: (
        N_("Each outcome as it comes"),
        N_("Orders that end at about the same time share a message."),
    ),
    NotifyWhen.FINISHED: (
        N_("Only when a request is finished"),
        N_("After 72 hours I also tell you what's still open."),
    ),
}


def preferences_form(chosen: Preferences) -> discord.ui.Modal:
    """Take all choices at once, filled in with those that are made."""
    form = discord.ui.Modal(title=_("Settings"), custom_id=actions.SETTINGS_FORM.custom_id())
    form.add_item(_one_of(_("Send updates to"), WAY_FIELD, _WAYS, chosen.notify_via))
    form.add_item(_one_of(_("When"), TIMING_FIELD, _TIMINGS, chosen.notify_when))
    form.add_item(
        discord.ui.Label(
            text=_("Language"),
            component=discord.ui.Select(custom_id=LANGUAGE_FIELD, options=list(_languages(chosen)), required=True),
        )
    )
    form.add_item(
        discord.ui.Label(
            text=_("Push notification and sound"),
            description=_("If off, updates arrive silently."),
            component=discord.ui.Checkbox(custom_id=SOUND_FIELD, default=not chosen.silent),
        )
    )
    return form


def _one_of(
    text: str, field: str, choices: Mapping[Choice, tuple[str, str]], chosen: Choice
) -> discord.ui.Label[discord.ui.Modal]:
    options = [
        discord.RadioGroupOption(label=_(name), value=value.value, description=_(meaning), default=value == chosen)
        for value, (name, meaning) in choices.items()
    ]
    return discord.ui.Label(text=text, component=discord.ui.RadioGroup(custom_id=field, options=options))


def _languages(chosen: Preferences) -> Iterator[discord.SelectOption]:
    spoken = chosen.language or actions.AS_DISCORD_SAYS
    for value, name in {actions.AS_DISCORD_SAYS: _("As in Discord"), **OWN_NAMES}.items():
        yield discord.SelectOption(label=name, value=value, default=value == spoken)


def preferences_card(chosen: Preferences, *, saved: bool = False) -> CardView:
    """Say what a user has chosen; `saved`: just now."""
    way, meaning = _WAYS[chosen.notify_via]
    language = OWN_NAMES[chosen.language] if chosen.language else _("As in Discord")
    sound = _("off") if chosen.silent else _("on")
    lines = [
        _line(_("Send updates to"), _(way)),
        f"-# {_(meaning)}",
        _line(_("When"), _(_TIMINGS[chosen.notify_when][0])),
        _line(_("Language"), language),
        _line(_("Push notification and sound"), sound),
    ]
    title = _("Saved") if saved else _("Your settings")
    return card(Tone.GOOD if saved else Tone.PLAIN, [titled(title, *lines)], buttons=[actions.CHANGE.button()])


def _line(name: str, chosen: str) -> str:
    return f"**{name}:** {chosen}"
