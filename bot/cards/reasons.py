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


_NO_STOPPING = Said(
    step=N_("This service cannot stop orders. If something is wrong with it, open a ticket with NotPanel.")
)
REASONS: Mapping[Reason, Said] = {
    Reason.INVALID_KEY: Said(
        N_("NotPanel does not accept this key. It may be mistyped, revoked or from another panel."),
        N_(
            "NotPanel no longer accepts your API key (it may have been revoked or replaced). "
            "Connect a valid key; open orders then go on by themselves."
        ),
        N_("NotPanel no longer accepts your API key"),
    ),
    Reason.SUSPENDED: Said(
        N_("NotPanel says that this account is suspended. Settle that with NotPanel first."),
        N_(
            "NotPanel says that your account is suspended. Settle that with NotPanel, "
            "then connect your key again; open orders then go on by themselves."
        ),
        N_("NotPanel says that your account is suspended"),
    ),
    Reason.KEY_REMOVED: Said(account=N_("The key was removed."), stop=N_("the key was removed")),
    Reason.KEYS_REFUSED: Said(
        account=N_(
            "⚠️ The panel refuses many keys at the moment, not only yours, so I keep yours. "
            "I ask again every minute; nothing is lost."
        )
    ),
    Reason.RATE_LIMITED: Said(
        N_("The panel's rate limit is used up. Try again in a minute."),
        N_("⚠️ The panel's rate limit is used up. I go on as soon as it lets me."),
        N_("the panel's rate limit is used up"),
    ),
    Reason.BLOCKED: Said(
        N_("The panel lets none of my calls through at the moment. Try again later."),
        N_("⚠️ The panel lets none of my calls through. I keep trying; nothing is lost."),
        N_("the panel lets none of my calls through"),
    ),
    Reason.UNAVAILABLE: Said(
        N_("The panel cannot be reached at the moment. Try again in a minute."),
        N_("⚠️ The panel cannot be reached at the moment. I keep trying; nothing is lost."),
        N_("the panel cannot be reached"),
    ),
    Reason.UNEXPECTED_RESPONSE: Said(
        N_("The panel answered with something I cannot read. Try again in a minute."),
        N_("⚠️ The panel answers with something I cannot read. I keep trying; nothing is lost."),
        N_("the panel answered with something I cannot read"),
    ),
    Reason.REFUSED: Said(
        N_("The panel refused, with the words {words}."), stop=N_("the panel refused the question as a whole")
    ),
    Reason.NOT_FOUND: Said(
        step=N_("No such order under your key. Check the ID, and that it is from this NotPanel account.")
    ),
    Reason.ALREADY_COMPLETED: Said(
        step=N_("It had ended before you asked. If too little was delivered, `/refill` it instead.")
    ),
    Reason.REFILL_OPEN: Said(
        step=N_("NotPanel keeps one refill of an order open at a time. Wait until it has ended, then ask again.")
    ),
    Reason.REFILL_LIMIT: Said(
        step=N_("NotPanel refills an order 3 times by default. If there should be more, open a ticket with NotPanel.")
    ),
    Reason.REFILL_TOO_EARLY: Said(
        step=N_("Only completed or partly delivered orders are refilled. `/status` shows how far it is.")
    ),
    Reason.REFILL_UNSUPPORTED: Said(
        step=N_("This service comes without refill. If something is wrong with it, open a ticket with NotPanel.")
    ),
    Reason.CANCEL_UNSUPPORTED: _NO_STOPPING,
    Reason.UNSUPPORTED: _NO_STOPPING,
    Reason.INTERRUPTED: Said(stop=N_("I was restarted meanwhile")),
    Reason.BROKEN: Said(
        N_("Something went wrong on my side, and it has been logged."), stop=N_("something went wrong on my side")
    ),
}


def account_text(reason: Reason | AccountState) -> str:
    """Say why an account's orders make no progress."""
    return _(REASONS[Reason(reason)].account)


def next_step(reason: Reason | None) -> str:
    """Say what to do about a refused order; empty where nobody knows."""
    step = REASONS[reason].step if reason and reason in REASONS else ""
    return f"\n-# {_(step)}" if step else ""
