"""What a user is told of each reason for which the panel says no."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.cards.language import N_, _
from bot.domain.accounts import AccountState
from bot.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Said:
    """The texts about one reason, each for another place."""

    answer: str = ""
    """The answer to a command."""
    account: str = ""
    """On cards of what waits for the panel."""
    stop: str = ""
    """Why the rest of a preview was not asked, inside a sentence."""
    step: str = ""
    """What to do about a refused order, beside the panel's message."""


_NO_STOPPING = Said(step=N_("If something's wrong, open a ticket with NotPanel."))
REASONS: Mapping[Reason, Said] = {
    Reason.INVALID_KEY: Said(
        N_("NotPanel doesn't accept this key. It may be mistyped, revoked or from another panel."),
        N_("NotPanel rejects your key; it may be revoked or replaced. Connect a valid one, and open orders go on."),
        N_("NotPanel rejects your key"),
    ),
    Reason.SUSPENDED: Said(
        N_("NotPanel says this account is suspended. Settle that with NotPanel first."),
        N_(
            "NotPanel says your account is suspended. Settle that with NotPanel, then connect your key again, and open "
            "orders go on."
        ),
        N_("NotPanel says your account is suspended"),
    ),
    Reason.KEY_REMOVED: Said(account=N_("The key was removed."), stop=N_("the key was removed")),
    Reason.KEYS_REFUSED: Said(
        account=N_(
            "⚠️ NotPanel refuses many keys right now, not only yours, so I keep yours. I ask again every minute; "
            "nothing is lost."
        )
    ),
    Reason.RATE_LIMITED: Said(
        N_("NotPanel's rate limit is used up. Try again in a minute."),
        N_("⚠️ NotPanel's rate limit is used up. I go on as soon as it allows."),
        N_("NotPanel's rate limit is used up"),
    ),
    Reason.BLOCKED: Said(
        N_("NotPanel is blocking this bot right now. Try again later."),
        N_("⚠️ NotPanel is blocking this bot right now. I keep trying; nothing is lost."),
        N_("NotPanel is blocking this bot"),
    ),
    Reason.UNAVAILABLE: Said(
        N_("NotPanel can't be reached right now. Try again in a minute."),
        N_("⚠️ NotPanel can't be reached right now. I keep trying; nothing is lost."),
        N_("NotPanel can't be reached"),
    ),
    Reason.UNEXPECTED_RESPONSE: Said(
        N_("I can't read NotPanel's answer. Try again in a minute."),
        N_("⚠️ I can't read NotPanel's answers right now. I keep trying; nothing is lost."),
        N_("I can't read NotPanel's answer"),
    ),
    Reason.REFUSED: Said(N_("NotPanel refused: {words}."), stop=N_("NotPanel refused the question as a whole")),
    Reason.NOT_FOUND: Said(
        step=N_("Not found under your key. Check the ID, and that it's from this NotPanel account.")
    ),
    Reason.ALREADY_COMPLETED: Said(
        step=N_("It had ended before you asked. If too little was delivered, `/refill` it instead.")
    ),
    Reason.REFILL_OPEN: Said(
        step=N_("NotPanel allows one open refill for an order. Wait until it has ended, then ask again.")
    ),
    Reason.REFILL_LIMIT: Said(
        step=N_("NotPanel refills an order 3 times by default. If you need more, open a ticket with NotPanel.")
    ),
    Reason.REFILL_TOO_EARLY: Said(
        step=N_("Only completed or partly delivered orders can be refilled. `/status` shows how far it is.")
    ),
    Reason.REFILL_UNSUPPORTED: Said(
        step=N_("This service has no refill. If something's wrong, open a ticket with NotPanel.")
    ),
    Reason.CANCEL_UNSUPPORTED: _NO_STOPPING,
    Reason.UNSUPPORTED: _NO_STOPPING,
    Reason.INTERRUPTED: Said(stop=N_("I was restarted meanwhile")),
    Reason.BROKEN: Said(
        N_("Something went wrong on my side; it has been logged."), stop=N_("something went wrong on my side")
    ),
}


def account_text(reason: Reason | AccountState) -> str:
    """Say why an account's orders make no progress."""
    return _(REASONS[Reason(reason)].account)


def next_step(reason: Reason | None) -> str:
    """Say what to do about a refused order; empty where nobody knows."""
    step = REASONS[reason].step if reason and reason in REASONS else ""
    return _(step) if step else ""
