"""How a user will hear of what comes later, promised only where that is proven; and that nothing or no DM comes."""

from bot.cards.language import N_, _
from bot.ledger import Reach

_SETTLED = {
    Reach.DM: N_("I'll DM you when it's settled."),
    Reach.UNPROVEN_DM: N_("I'll try to DM you when it's settled."),
    Reach.CHANNEL: N_("When it's settled, I'll try to ping you in the last channel you used."),
    Reach.COMMAND: N_("When it's settled, I'll tell you at your next command."),
}
_ALL_SENT = {
    Reach.DM: N_("I'll DM you when all are sent."),
    Reach.UNPROVEN_DM: N_("I'll try to DM you when all are sent."),
    Reach.CHANNEL: N_("When all are sent, I'll try to ping you in the last channel you used."),
    Reach.COMMAND: N_("When all are sent, I'll tell you at your next command."),
}


def when_settled(reach: Reach) -> str:
    """Say how a user will hear how their orders ended."""
    return _(_SETTLED[reach])


def when_all_sent(reach: Reach) -> str:
    """Say how a user will hear that a long list has been sent."""
    return _(_ALL_SENT[reach])


def no_longer_updating() -> str:
    """Say that a card or message is not edited any more, and what shows more."""
    return _("-# No longer updating: see `/queued`.")


def dms_refused() -> str:
    """Say that Discord lets no DM through to this user, and what helps."""
    return _("⚠️ I can't DM you. Allow DMs from this server (Privacy settings) or use `/queued`.")
