"""What a user is told of an error: what happened, what was and was not done, what to do next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.cards.language import N_, _, enumerated, plural
from bot.cards.reasons import REASONS, account_text
from bot.cards.text import ago, code
from bot.cards.words import ignored
from bot.domain.errors import (
    AlikeName,
    BadFile,
    BadKey,
    BadName,
    BeingErased,
    FileFault,
    KeyFault,
    KeyPaused,
    NoKey,
    NoOrders,
    NoSuchKey,
    NotOwner,
    NoWebhooks,
    OutdatedControl,
    QuestionClosed,
    RefillUnderWay,
    RefusedTooOften,
    RegistrationUnderWay,
    SameKey,
    Throttled,
    TooMany,
    TooManyKeys,
    TooManyLists,
    TooManyOpen,
    TooManyQuestions,
    UserErased,
    UserError,
)
from bot.domain.order_ids import Junk
from bot.domain.reasons import Reason
from bot.panel import PanelError, RateLimited

UNWRITABLE = N_(
    "I can't save anything right now, so nothing was sent, stored or removed. Try again in a few minutes. If this "
    "lasts, tell the bot's operator."
)
UNREACHABLE = N_(
    "I can't read or save anything right now. What I took on before is kept and goes on by itself. Before you repeat "
    "this, check `/queued` in a few minutes. If this lasts, tell the bot's operator."
)
TOO_BUSY = N_("Nothing was done: too many people are using me right now. Try again in a minute.")
INTERNAL = N_(
    "Something went wrong on my side; it has been logged. Before you repeat anything, check your card and `/queued`: "
    "what's there goes on."
)

_TEXTS: Mapping[type[UserError], str] = {
    UserErased: N_(
        "Everything about you was erased while I checked this key, so it wasn't stored. Send it again if you want to "
        "go on."
    ),
    BeingErased: N_("I'm still erasing your data, so nothing new was stored. Try again in a few minutes."),
    QuestionClosed: N_(
        "That question is closed, so nothing was sent now. Press *Ask again* where its card has that, or send the IDs "
        "again."
    ),
    OutdatedControl: N_("What you pressed or chose is out of date, so nothing was done. Use the command again."),
    NotOwner: N_("This belongs to somebody else. Use the command yourself to get your own."),
    RefillUnderWay: N_(
        "Your refills are already being requested, or this question was answered before. Nothing was sent twice; the "
        "first card shows the result."
    ),
    TooManyLists: N_("Your last lists are still being written. Press again when they're here."),
    NoWebhooks: N_("This bot isn't set up for webhooks. It checks your orders by itself."),
    RegistrationUnderWay: N_("I'm already asking NotPanel. The result comes on the card you pressed first."),
    SameKey: N_(
        "That key is already stored as {name}. Each key is kept once, so that no order is cancelled twice. Nothing "
        "was changed."
    ),
    BadName: N_("A key's name has 1 to {most} visible characters. Nothing was sent or stored."),
    AlikeName: N_(
        "That name looks just like {name}, another key of yours. Choose one that looks different. Nothing was sent or "
        "stored."
    ),
    TooManyKeys: N_(
        "You can have {most} keys, and {most_names} names with those of removed keys. Remove a key, or reuse a name, "
        "which replaces its key: {names}. Nothing was stored."
    ),
    RefusedTooOften: N_("NotPanel refused your last keys. Try again {when}. Nothing was sent or stored."),
    TooMany: N_("That's more than {most} orders, the most I take at once. Nothing was sent. Split the list."),
    Throttled: N_("Too many commands. Try again {when}. Nothing was done."),
    TooManyOpen: N_(
        "You have {count} open orders. With these it'd be more than {most}, the most I watch for one person. Nothing "
        "was sent. `/queued` shows what's open."
    ),
    TooManyQuestions: N_(
        "{most} of your requests still wait for your answer, the most I keep. Nothing was sent. Answer one, or come "
        "back {when}, when the oldest expires."
    ),
}
"""Those that say all with what they know; user_error has the others."""

_KEY_FAULTS: Mapping[KeyFault, str] = {
    KeyFault.EMPTY: N_("That was empty. Copy the key again."),
    KeyFault.SPACES: N_("That has a space or a line break in it. Copy the key alone."),
    KeyFault.CHARACTERS: N_("That has characters in it that no key has. Copy it again."),
    KeyFault.LENGTH: N_("That's not a whole key. Copy it again."),
}

_QUOTED = frozenset({Reason.BLOCKED, Reason.UNAVAILABLE, Reason.UNEXPECTED_RESPONSE})
"""Reasons for which the answer is quoted, be it the panel's or of something in front of it."""

_FILE_FAULTS: Mapping[FileFault, str] = {
    FileFault.TOO_LARGE: N_("That file is over 10 MB. Split the list."),
    FileFault.NOT_TEXT: N_("That's not a text or CSV file. Save the list as one and try again."),
    FileFault.NOT_GIVEN: N_("Discord didn't hand me that file. Please try again."),
    FileFault.TOO_SLOW: N_(
        "I couldn't read that within 5 seconds. Try again, or send a file with nothing but order IDs, one on each line."
    ),
}


def user_error(error: UserError) -> str:
    """Say what is wrong with a request, what was not done, and what to do."""
    match error:
        case NoKey():
            return _("Connect your NotPanel key first.")
        case KeyPaused(state=state, name=name, several=several, kept=kept):
            which = _("Your key {name}:", name=code(name)) if several else ""
            waiting = plural("Your {count} order is kept.", "Your {count} orders are kept.", kept)
            sent = waiting if kept else _("Nothing was sent.")
            return " ".join(filter(None, [sent, which, account_text(state)]))
        case NoSuchKey(name=name, names=names):
            return _(
                "You have no key called {name}. Yours: {names}. Nothing was done.",
                name=code(name, 40),
                names=_listed(names),
            )
        case BadKey(fault=fault):
            return _(_KEY_FAULTS[fault])
        case BadFile(fault=fault):
            return " ".join([_(_FILE_FAULTS[fault]), _("Nothing was sent.")])
        case NoOrders(found=found):
            none = _(
                "No order ID found, so nothing was done. One looks like `ord_01HG9X7KJP4N…`; separate several any way "
                "you like."
            )
            return "\n".join(filter(None, [none, ignored(Junk.of(found.ignored))]))
        case _:
            return _(_TEXTS.get(type(error), INTERNAL), **_shown(vars(error)))


def _shown(fields: Mapping[str, Any]) -> dict[str, str | int]:
    """Return what an error knows, by the names that its text has for it: keys, numbers, or when to come back."""
    shown: dict[str, str | int] = {}
    for name, value in fields.items():
        match value:
            case datetime():
                shown["when"] = ago(value)
            case int():
                shown[name] = value
            case str():
                shown[name] = code(value)
            case _:
                shown[name] = _listed(value)
    return shown


def _listed(names: Sequence[str]) -> str:
    return enumerated(code(name) for name in names)


def panel_error(error: PanelError) -> str:
    """Say why the panel gave no usable answer to a question; nothing is changed by asking."""
    if isinstance(error, RateLimited) and error.reset:
        return _("NotPanel's rate limit is used up. Try again {when}.", when=ago(error.reset))
    said = _(REASONS[error.reason].answer, words=code(error.panel_message))
    if not error.panel_message or error.reason not in _QUOTED:
        return said
    return said + " " + _("It answered {words}.", words=code(error.panel_message))


def stopped(error: Exception) -> str:
    """Say why the rest of a list was not sent."""
    match error:
        case PanelError(may_have_acted=False):
            return panel_error(error)
        case PanelError():
            return _("I stopped where NotPanel gave no clear answer.")
        case KeyPaused() | NoKey():
            return account_text(error.reason)
        case _:
            return _(REASONS[Reason.BROKEN].answer)
