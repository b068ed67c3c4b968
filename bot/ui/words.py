"""Every sentence about a state, an error or a refusal, in one place.

The words "refunded" and "cancelled" stand only where the panel's status has said so. What is marked here is
translated with `t` by whoever shows it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.language import mark, plural, t
from bot.orders import MOST_IGNORED
from bot.panel import InvalidKey, PanelError, RateLimited, Refused, Suspended, TurnedAway, Unavailable
from bot.problems import (
    BadFile,
    BadKey,
    BadName,
    BadSecret,
    Erased,
    FileFault,
    KeyFault,
    KeyPaused,
    NoKey,
    NoOrders,
    NoSuchKey,
    NotOperator,
    NotYours,
    NoWebhook,
    NoWebhooks,
    RefillUnderWay,
    RegistrationUnderWay,
    SameKey,
    TooFast,
    TooMany,
    TooManyKeys,
    TooManyOpen,
    TooManyQuestions,
    UserError,
)
from bot.states import State
from bot.store import AccountState, PreviewState, Trouble
from bot.ui.text import ago, code


@dataclass(frozen=True, slots=True)
class Wording:
    """How a group of orders in the same state is headed, counted and explained."""

    emoji: str
    title: str
    short: str
    meaning: str


WORDINGS: Mapping[State, Wording] = {
    State.REFUNDED: Wording("✅", mark("Refunded"), mark("refunded"), mark("The panel's own status says so.")),
    State.QUEUED: Wording(
        "⏳",
        mark("Queued at the provider"),
        mark("queued"),
        mark(
            "The panel took the request and passed it on. **Not final:** it can take up to 72 hours, and the provider "
            "may still deliver instead. You get a message when it ends."
        ),
    ),
    State.ACCEPTED: Wording(
        "🔎",
        mark("Taken by the panel, being checked"),
        mark("being checked"),
        mark("Its status tells in a moment what that meant."),
    ),
    State.SENDING: Wording("📨", mark("Being sent"), mark("being sent"), mark("Waiting for the panel's answer.")),
    State.REQUESTED: Wording(
        "🕓",
        mark("Waiting to be sent"),
        mark("waiting"),
        mark("Not with the panel yet; nothing has happened to them."),
    ),
    State.UNKNOWN: Wording(
        "❔",
        mark("Unclear, being checked"),
        mark("unclear"),
        mark(
            "The panel gave no clear answer, so it may or may not have acted. I ask for each order's status, and send "
            "again only what is plainly still running. Tell your customer nothing yet."
        ),
    ),
    State.REFUSED: Wording(
        "⛔", mark("Refused by the panel"), mark("refused"), mark("Nothing was changed at the panel.")
    ),
    State.PARTIAL: Wording(
        "🌓",
        mark("Ended partly delivered"),
        mark("partial"),
        mark("The panel's status says *partial*; such orders often get no refill."),
    ),
    State.COMPLETED: Wording(
        "📦",
        mark("Delivered before the request took effect"),
        mark("delivered"),
        mark("The panel's status says *completed*."),
    ),
    State.FAILED: Wording(
        "❌",
        mark("Failed"),
        mark("failed"),
        mark("The panel's status says *failed*. Check the charge in your NotPanel orders."),
    ),
    State.EXPIRED: Wording(
        "⌛",
        mark("No longer watched"),
        mark("no longer watched"),
        mark("How these ended is not known. Check them in your NotPanel orders."),
    ),
    State.WITHDRAWN: Wording(
        "↩️",
        mark("Not sent"),
        mark("not sent"),
        mark("Never with the panel: it was stopped or its key removed first, or 30 days went by."),
    ),
}
"""In the order in which cards show them."""

OUTCOMES: Mapping[State, str] = {
    State.REFUNDED: mark("refunded"),
    State.PARTIAL: mark("partly delivered"),
    State.COMPLETED: mark("delivered"),
    State.FAILED: mark("failed"),
    State.REFUSED: mark("refused"),
    State.EXPIRED: mark("no longer watched"),
    State.WITHDRAWN: mark("not sent"),
}
"""How a cancellation can end, as a person asks for it."""


class PreviewKind(StrEnum):
    """What would come of an order, by what the panel says of it before anything is sent; in the order of the card."""

    PENDING = "pending"
    IN_FLIGHT = "in flight"
    ENDED = "ended"
    REFUSED = "refused"
    STRANGE = "strange"
    SILENT = "silent"


PREVIEWS: Mapping[PreviewKind, str] = {
    PreviewKind.PENDING: mark("🟢 **{count}** pending: would be refunded at once, if still pending when sent"),
    PreviewKind.IN_FLIGHT: mark(
        "⏳ **{count}** in flight: would be passed on to the provider, which takes up to 72 hours and may fail"
    ),
    PreviewKind.ENDED: mark("⛔ **{count}** ended already, so there is nothing left to stop"),
    PreviewKind.REFUSED: mark("⛔ **{count}** with an error in place of a status, in the panel's own words"),
    PreviewKind.STRANGE: mark("❔ **{count}** with a status that I do not know, so I cannot tell"),
    PreviewKind.SILENT: mark("❔ **{count}** of which I got no answer that I can read"),
}
PREVIEW_PROVES = mark(
    "-# What counts is how they stand when they are sent; and a service may not allow stopping at all."
)
PREVIEW_TOO_LONG = mark(
    "-# I do not ask the panel about so many beforehand: that would take as many calls as sending them."
)

PREVIEW_STOPS: Mapping[PreviewState, str] = {
    PreviewState.RATE_LIMITED: mark("the panel's rate limit is used up"),
    PreviewState.UNAVAILABLE: mark("the panel cannot be reached"),
    PreviewState.UNINTELLIGIBLE: mark("the panel answered with something I cannot read"),
    PreviewState.TURNED_AWAY: mark("the panel lets none of my calls through"),
    PreviewState.REFUSED: mark("the panel refused the question as a whole"),
    PreviewState.REJECTED: mark("NotPanel no longer accepts your API key"),
    PreviewState.SUSPENDED: mark("NotPanel says that your account is suspended"),
    PreviewState.REMOVED: mark("the key was removed"),
    PreviewState.INTERRUPTED: mark("I was restarted meanwhile"),
    PreviewState.BROKEN: mark("something went wrong on my side"),
}
"""Why the rest of a preview was not asked."""


class RefillFate(StrEnum):
    """What is known of one order for which a refill was asked."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    UNSENT = "unsent"


REFILLS: Mapping[RefillFate, Wording] = {
    RefillFate.TAKEN: Wording(
        "🔁",
        mark("Accepted by the panel"),
        mark("accepted"),
        mark(
            "Each with the panel's refill ID. That it has been delivered this does not say: look in your NotPanel "
            "orders."
        ),
    ),
    RefillFate.REFUSED: WORDINGS[State.REFUSED],
    RefillFate.UNCLEAR: Wording(
        "❔",
        mark("Asked for, no clear answer"),
        mark("unclear"),
        mark(
            "It is **not known whether the panel took these**, and no call can find out. I do not send them again: "
            "look in your NotPanel orders before you ask again."
        ),
    ),
    RefillFate.UNSENT: Wording("↩️", mark("Not sent"), mark("not sent"), mark("Nothing was done for these.")),
}
"""In the order in which a card shows them."""

_NO_SUCH_ORDER = mark("No such order under your key. Check the ID, and that it is from this NotPanel account.")
_NO_STOPPING = mark("This service cannot stop orders. If something is wrong with it, open a ticket with NotPanel.")
_ENDED_BEFORE = mark("It had ended before you asked. If too little was delivered, `/refill` it instead.")

_NEXT_STEPS = (
    ("not support", _NO_STOPPING),
    ("already completed", _ENDED_BEFORE),
    ("not found", _NO_SUCH_ORDER),
    ("incorrect order", _NO_SUCH_ORDER),
)


def next_step(refusal: str) -> str:
    """Say what to do instead after a refusal, beside the panel's own words; empty for words not known."""
    folded = refusal.casefold()
    return next((t(step) for text, step in _NEXT_STEPS if text in folded), "")


def panel_status(word: str) -> str:
    """Return an order's status in the panel's own word, said to be one."""
    return t("status {word}", word=code(word, 40))


_ONE_REFILL = mark("NotPanel keeps one refill of an order open at a time. Wait until it has ended, then ask again.")
_MOST_REFILLS = mark(
    "NotPanel refills an order 3 times by default. If there should be more, open a ticket with NotPanel."
)
_REFILLED_WHEN = mark("Only completed or partly delivered orders are refilled. `/status` shows how far it is.")
_NO_REFILL = mark("This service comes without refill. If something is wrong with it, open a ticket with NotPanel.")

_REFILL_STEPS = (
    (r"not found|incorrect order", _NO_SUCH_ORDER),
    (r"not support|not available|disabled|\bno refill|without refill", _NO_REFILL),
    (r"at a time|\bopen\b|already (active|exist|has|in|pending|request)|refill (is )?(pending|in pro)", _ONE_REFILL),
    (r"(?<!rate )limit|maxim|\bmax\b|exceed|\btimes\b|too many|already refilled", _MOST_REFILLS),
    (r"complete|partial|in.progress|pending|processing|cancel|refund", _REFILLED_WHEN),
)
"""NotPanel documents when it refuses a refill, but not in which words: these are guesses, shown beside its own."""


def refill_step(refusal: str) -> str:
    """Say what to do after a refused refill, beside the panel's own words; empty for words not known."""
    folded = refusal.casefold()
    return next((t(step) for pattern, step in _REFILL_STEPS if re.search(pattern, folded)), "")


ONLY_WATCHED = mark(
    "Some I only watch now, since they were sent too often without a clear answer or had been asked for before: "
    "`/cancel` them to try again, or press *Retry unclear* on their card."
)

TROUBLES: Mapping[Trouble, str] = {
    Trouble.UNAVAILABLE: mark("⚠️ The panel cannot be reached at the moment. I keep trying; nothing is lost."),
    Trouble.UNINTELLIGIBLE: mark("⚠️ The panel answers with something I cannot read. I keep trying; nothing is lost."),
    Trouble.TURNED_AWAY: mark("⚠️ The panel lets none of my calls through. I keep trying; nothing is lost."),
    Trouble.RATE_LIMITED: mark("⚠️ The panel's rate limit is used up. I go on as soon as it lets me."),
}

PAUSES: Mapping[AccountState, str] = {
    AccountState.REJECTED: mark(
        "NotPanel no longer accepts your API key (it may have been revoked or replaced). "
        "Connect a valid key; open orders then go on by themselves."
    ),
    AccountState.SUSPENDED: mark(
        "NotPanel says that your account is suspended. Settle that with NotPanel, "
        "then connect your key again; open orders then go on by themselves."
    ),
    AccountState.REMOVED: mark("The key was removed."),
}

_KEY_FAULTS: Mapping[KeyFault, str] = {
    KeyFault.EMPTY: mark("That was empty."),
    KeyFault.SPACES: mark("That has a space or a line break in it, so it is not a key alone."),
    KeyFault.CHARACTERS: mark("That has characters in it that no API key has."),
    KeyFault.LENGTH: mark("An API key has between 8 and 256 characters; that one has not."),
}

_FILE_FAULTS: Mapping[FileFault, str] = {
    FileFault.TOO_LARGE: mark("That file is larger than 10 MB. Please split the list."),
    FileFault.NOT_TEXT: mark("That is not a text or CSV file. Save the list as text or CSV and try again."),
    FileFault.NOT_GIVEN: mark("Discord did not hand me that file. Please try again."),
}

NO_ORDERS = mark(
    "I found no order ID in that. An ID looks like `ord_01HG9X7KJP4N…`; separate several in any way you like. "
    "Nothing was sent."
)
NO_SUCH_KEY = mark("You have no key called {name}. Yours: {names}. Nothing was sent or changed.")
SAME_KEY = mark(
    "That key is stored already, under the name {name}. I keep each key once: under two names the same order could be "
    "cancelled twice. Nothing was changed."
)
BAD_NAME = mark("The name of a key has 1 to {most} characters, all of them visible. Nothing was sent or stored.")
TOO_MANY_KEYS = mark(
    "I keep at most {most} keys of yours, and {most_names} names with those of removed keys. Take one of these names, "
    "which replaces its key, or remove a key: {names}. Nothing was stored."
)
NOT_YOURS = mark("This belongs to somebody else. Use the command yourself to get your own.")
ERASED_MEANWHILE = mark(
    "While I was checking this key you had everything about you erased, so it was not stored. Send it once more if you "
    "want to go on."
)
REFILL_UNDER_WAY = mark(
    "Refills of yours are being asked for, or that question was confirmed before: its card tells what came of it. "
    "Nothing was sent a second time."
)
TRACES = mark("Traces may stay in unused parts of the ledger's files until they are written over.")
UNWRITABLE = mark(
    "I cannot write anything down at the moment, so I have taken nothing on: nothing was sent, stored or removed. "
    "Try again in a few minutes; if it stays like this, tell whoever runs this bot."
)
INTERNAL = mark(
    "Something went wrong on my side, and it has been logged. Before you repeat anything, look at your card and at "
    "`/queued`: what stands there has been taken on and goes on."
)


def ignored(tokens: tuple[str, ...], repeats: int = 0) -> str:
    """Name what was no order ID; empty when there was nothing."""
    notes: list[str] = []
    if repeats:
        notes.append(plural("{count} repeat left out.", "{count} repeats left out.", repeats))
    if tokens:
        notes.append(t("Not order IDs, so not sent: {words}.", words=_strange(tokens)))
    return "-# " + " ".join(notes) if notes else ""


def _strange(tokens: tuple[str, ...]) -> str:
    shown = ", ".join(code(token, 24) for token in tokens[:8])
    more = len(tokens) - 8
    if more <= 0:
        return shown
    if len(tokens) >= MOST_IGNORED:
        return t("{words} and over {more} more", words=shown, more=more)
    return t("{words} and {more} more", words=shown, more=more)


def user_error(error: UserError) -> str:
    """Say what is wrong with a request, what was not done, and what to do."""
    match error:
        case NoKey():
            return t("You have not connected a NotPanel key yet, so nothing was sent. It takes ten seconds:")
        case KeyPaused(state=state, name=name, several=several):
            which = t("Your key {name}:", name=code(name)) if several else ""
            return " ".join(filter(None, [t("Nothing was sent."), which, t(PAUSES[state])]))
        case NoSuchKey(name=name, names=names):
            return t(NO_SUCH_KEY, name=code(name, 40), names=_listed(names))
        case SameKey(name=name):
            return t(SAME_KEY, name=code(name))
        case BadName(most=most):
            return t(BAD_NAME, most=most)
        case TooManyKeys(names=names, most=most, most_names=most_names):
            return t(TOO_MANY_KEYS, names=_listed(names), most=most, most_names=most_names)
        case BadKey(fault=fault):
            fault_text = t(_KEY_FAULTS[fault])
            return t("{fault} Nothing was sent or stored. Copy the key again and paste it alone.", fault=fault_text)
        case BadFile(fault=fault):
            return " ".join([t("Nothing was sent."), t(_FILE_FAULTS[fault])])
        case TooMany(most=most):
            return t(
                "That names more than {most} orders, the most I take at once. Nothing was sent. Split the list.",
                most=most,
            )
        case TooFast(again_at=again_at):
            return t("That was faster than I can serve one person. Nothing was done. Again {when}.", when=ago(again_at))
        case TooManyOpen(count=count, most=most):
            return t(
                "{count} orders of yours are still open, and with these it would be more than {most}, the most I watch "
                "for one person. Nothing was sent. Come back when some have ended: `/queued` shows them.",
                count=count,
                most=most,
            )
        case TooManyQuestions(most=most, again_at=again_at):
            return t(
                "{most} requests of yours wait for Confirm or Keep, the most I keep for one person. Nothing was sent. "
                "Answer one of them, or come back {when}, when the oldest has lapsed.",
                most=most,
                when=ago(again_at),
            )
        case NoOrders(found=found):
            return "\n".join(filter(None, [t(NO_ORDERS), ignored(found.ignored)]))
        case Erased():
            return t(ERASED_MEANWHILE)
        case NotYours():
            return t(NOT_YOURS)
        case NoWebhooks():
            return t("Whoever runs this bot has not opened it for webhooks. I find out by asking the panel, as always.")
        case NoWebhook():
            return t("You have no webhook address, so nothing was stored. `/webhook` makes one.")
        case RegistrationUnderWay():
            return t("I am asking the panel already; what it says comes on the card that you pressed first.")
        case BadSecret():
            return t("That is no signing secret: it has 8 to 300 characters and no spaces. Nothing was stored.")
        case NotOperator():
            return t("That is for whoever runs this bot. Everything of yours is under `/help`.")
        case RefillUnderWay():
            return t(REFILL_UNDER_WAY)
        case _:
            return t(INTERNAL)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(code(name) for name in names)


def panel_error(error: PanelError) -> str:
    """Say why the panel gave no usable answer to a question; nothing is changed by asking."""
    match error:
        case InvalidKey():
            return t("NotPanel does not accept this key. It may be mistyped, revoked or from another panel.")
        case Suspended():
            return t("NotPanel says that this account is suspended. Settle that with NotPanel first.")
        case RateLimited(reset=reset) if reset:
            return t("The panel's rate limit is used up. Try again {when}.", when=ago(reset))
        case RateLimited():
            return t("The panel's rate limit is used up. Try again in a minute.")
        case TurnedAway():
            return t("The panel lets none of my calls through at the moment. Try again later.")
        case Unavailable():
            return t("The panel cannot be reached at the moment. Try again in a minute.")
        case Refused(words=said):
            return t("The panel refused, with the words {words}.", words=code(said))
        case _:
            return t("The panel answered with something I cannot read. Try again in a minute.")


def refills_stopped(error: Exception) -> str:
    """Say why the rest of a list of refills was not sent."""
    match error:
        case PanelError(reached=False):
            return panel_error(error)
        case PanelError():
            return t("I stopped where the panel gave no clear answer.")
        case KeyPaused(state=state):
            return t(PAUSES[state])
        case NoKey():
            return t(PAUSES[AccountState.REMOVED])
        case _:
            return t("Something went wrong on my side, and it has been logged.")
