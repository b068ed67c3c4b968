"""The card of /help: one phone screen, with the ways out of it."""

from bot.cards import actions
from bot.cards.language import N_, _, number
from bot.cards.layout import CardView, Tone, card
from bot.cards.mentions import with_mentions
from bot.cards.text import titled
from bot.domain.links import Links, Way

_LABELS = {
    Way.INVITE: N_("Add me"),
    Way.SUPPORT: N_("Support"),
    Way.PRIVACY: N_("Privacy"),
    Way.TERMS: N_("Terms"),
    Way.SOURCE: N_("Source"),
}
_OTHERS = "`/status` `/queued` `/history` `/refill` `/balance` `/key show` `/settings` `/forget-me`"


def help_card(links: Links, *, connected: bool) -> CardView:
    """Explain the bot to somebody who sees it for the first time; `connected`: they have a key already."""
    what = _(
        "NotPanel says *success* even when a cancel is only queued. I check until it's really settled, then tell you."
    )
    steps = (
        _("`/key set` connects your NotPanel key."),
        _("`/cancel` takes any number of order IDs, pasted or as a file."),
        _("I tell you how each one ended."),
    )
    anywhere = _("Works in DMs, and wherever you add me.")
    return card(
        Tone.PLAIN,
        [
            titled(_("Cancel NotPanel orders and hear how they really end"), what),
            "\n".join(f"{number(place)}. {step}" for place, step in enumerate(steps, 1)),
            "\n".join([with_mentions(_OTHERS), f"-# {anywhere}"]),
        ],
        buttons=[actions.PASTE.button() if connected else actions.KEY_STEPS.button()],
        links=[(_(_LABELS[way]), url) for way, url in links.items()],
    )
