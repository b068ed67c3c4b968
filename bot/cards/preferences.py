"""The card of /settings: how its user wants to hear from the bot, with a menu for each choice."""

from collections.abc import Mapping

from bot.cards import actions
from bot.cards.language import N_, OWN_NAMES, _
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import titled
from bot.ledger import NotifyVia, NotifyWhen, Preferences

AS_DISCORD_SAYS = "auto"
"""The value of the choice to be spoken to as one's Discord client is."""

_WAYS: Mapping[NotifyVia, tuple[str, str]] = {
    NotifyVia.DM: (
        N_("By direct message"),
        N_(
            "I write to you directly. Where Discord refuses that, I leave a hint without details in the channel of "
            "your last command, and show you the news at your next command."
        ),
    ),
    NotifyVia.CHANNEL: (
        N_("In the channel where I asked"),
        N_(
            "Others read a channel, so what I post there says only that I have news for you, with a button that shows "
            "them to you alone; one such hint at a time. If you last asked for something in a DM, or I may not write "
            "in that channel, I write to you directly."
        ),
    ),
    NotifyVia.OFF: (
        N_("Off"),
        N_(
            "I send you nothing, also when I need your key again. Nothing is lost: I keep all news and show them at "
            "your next command."
        ),
    ),
}
_TIMINGS: Mapping[NotifyWhen, tuple[str, str]] = {
    NotifyWhen.REQUEST: (
        N_("One message for each request"),
        N_("It updates itself as orders end. I write again when something went wrong, and at the end."),
    ),
    NotifyWhen.EACH: (
        N_("Each outcome as it comes"),
        N_("Orders that end at about the same time come in one message."),
    ),
    NotifyWhen.FINISHED: (
        N_("Only when a request is finished"),
        N_(
            "I wait until all orders of a request have ended, but for no longer than 72 hours: then I tell you what "
            "has ended, and what is still open. That I need your key again I tell you at once."
        ),
    ),
}


def preferences_card(chosen: Preferences) -> CardView:
    """Show what a user has chosen, and let them choose anew."""
    language = OWN_NAMES[chosen.language] if chosen.language else _("As my Discord client says")
    where = _("Forms and commands stay in your Discord client's language.")
    louder_or_not = _("Make messages notify") if chosen.silent else _("Make messages silent")
    sound = _("without a push notification") if chosen.silent else _("with a push notification")
    way, timing = _WAYS[chosen.notify_via], _TIMINGS[chosen.notify_when]
    return card(
        Tone.PLAIN,
        [
            titled(_("Your settings"), _("For you alone, wherever you use me.")),
            _setting(_("Where I notify you"), _(way[0]), _(way[1])),
            _setting(_("How often"), _(timing[0]), _(timing[1])),
            _setting(_("Language"), language, where),
            _setting(_("Sound"), sound, _("For direct messages and for hints in channels.")),
        ],
        buttons=[actions.SILENT.button("off" if chosen.silent else "on", label=louder_or_not)],
        menus=[
            actions.WAY.menu(options={way: _(texts[0]) for way, texts in _WAYS.items()}, chosen=chosen.notify_via),
            actions.TIMING.menu(
                options={time: _(texts[0]) for time, texts in _TIMINGS.items()}, chosen=chosen.notify_when
            ),
            actions.LANGUAGE.menu(
                options={AS_DISCORD_SAYS: _("As my Discord client says"), **OWN_NAMES},
                chosen=chosen.language or AS_DISCORD_SAYS,
            ),
        ],
    )


def _setting(name: str, chosen: str, meaning: str) -> str:
    return f"**{name}:** {chosen}\n-# {meaning}"
