"""What a user is told of an error: what happened, what was and was not done, what to do next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.cards.language import N_, _
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
    NotOperator,
    NotOwner,
    NoWebhooks,
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
    "I cannot write anything down at the moment, so I have taken nothing on: nothing was sent, stored or removed. "
    "Try again in a few minutes; if it stays like this, tell whoever runs this bot."
)
TOO_BUSY = N_("Nothing was done: too many people are asking me at this moment. Try again in a minute.")
INTERNAL = N_(
    "Something went wrong on my side, and it has been logged. Before you repeat anything, look at your card and at "
    "`/queued`: what stands there has been taken on and goes on."
)

_TEXTS: Mapping[type[UserError], str] = {
    NoKey: N_("You have not connected a NotPanel key yet, so nothing was sent. It takes ten seconds:"),
    UserErased: N_(
        "While I was checking this key you had everything about you erased, so it was not stored. Send it once more if "
        "you want to go on."
    ),
    BeingErased: N_(
        "I am still erasing what was stored about you, so nothing new was stored. Try again in a few minutes."
    ),
    QuestionClosed: N_(
        "That question is closed, and I have not kept its order IDs. Nothing was sent. Send the IDs again."
    ),
    NotOwner: N_("This belongs to somebody else. Use the command yourself to get your own."),
    NotOperator: N_("That is for whoever runs this bot. Everything of yours is under `/help`."),
    RefillUnderWay: N_(
        "Refills of yours are being asked for, or that question was confirmed before: its card tells what came of it. "
        "Nothing was sent a second time."
    ),
    TooManyLists: N_(
        "I write your lists one after the other, and several are still waiting. Press again once they are here."
    ),
    NoWebhooks: N_("Whoever runs this bot has not opened it for webhooks. I find out by asking the panel, as always."),
    RegistrationUnderWay: N_("I am asking the panel already; what it says comes on the card that you pressed first."),
    SameKey: N_(
        "That key is stored already, under the name {name}. I keep each key once: under two names the same "
        "order could be cancelled twice. Nothing was changed."
    ),
    BadName: N_("The name of a key has 1 to {most} characters, all of them visible. Nothing was sent or stored."),
    AlikeName: N_(
        "That name looks like {name}, which is another key of yours, but is written with other letters. Take a "
        "name that looks different. Nothing was sent or stored."
    ),
    TooManyKeys: N_(
        "I keep at most {most} keys of yours, and {most_names} names with those of removed keys. Take one of "
        "these names, which replaces its key, or remove a key: {names}. Nothing was stored."
    ),
    RefusedTooOften: N_(
        "Nothing was sent or stored: the panel has refused your last keys, one after the other. Try again {when}."
    ),
    TooMany: N_("That names more than {most} orders, the most I take at once. Nothing was sent. Split the list."),
    Throttled: N_("That was faster than I can serve one person. Nothing was done. Again {when}."),
    TooManyOpen: N_(
        "{count} orders of yours are still open, and with these it would be more than {most}, the most I watch "
        "for one person. Nothing was sent. Come back when some have ended: `/queued` shows them."
    ),
    TooManyQuestions: N_(
        "{most} requests of yours wait for Confirm or Keep, the most I keep for one person. Nothing was sent. "
        "Answer one of them, or come back {when}, when the oldest has lapsed."
    ),
}
"""Those that say all with what they know; user_error has the others."""

_KEY_FAULTS: Mapping[KeyFault, str] = {
    KeyFault.EMPTY: N_("That was empty."),
    KeyFault.SPACES: N_("That has a space or a line break in it, so it is not a key alone."),
    KeyFault.CHARACTERS: N_("That has characters in it that no API key has."),
    KeyFault.LENGTH: N_("An API key has between 8 and 256 characters; that one has not."),
}

_QUOTED = frozenset({Reason.BLOCKED, Reason.UNAVAILABLE, Reason.UNEXPECTED_RESPONSE})
"""Reasons for which the answer is quoted, be it the panel's or of something in front of it."""

_FILE_FAULTS: Mapping[FileFault, str] = {
    FileFault.TOO_LARGE: N_("That is more than 10 MB. Please split the list."),
    FileFault.NOT_TEXT: N_("That is not a text or CSV file. Save the list as text or CSV and try again."),
    FileFault.NOT_GIVEN: N_("Discord did not hand me that file. Please try again."),
    FileFault.TOO_SLOW: N_(
        "I could not read that within 5 seconds. Try again, or send a file with nothing but order IDs, "
        "one on each line."
    ),
}


def user_error(error: UserError) -> str:
    """Say what is wrong with a request, what was not done, and what to do."""
    match error:
        case KeyPaused(state=state, name=name, several=several):
            which = _("Your key {name}:", name=code(name)) if several else ""
            return " ".join(filter(None, [_("Nothing was sent."), which, account_text(state)]))
        case NoSuchKey(name=name, names=names):
            return _(
                "You have no key called {name}. Yours: {names}. Nothing was sent or changed.",
                name=code(name, 40),
                names=_listed(names),
            )
        case BadKey(fault=fault):
            fault_text = _(_KEY_FAULTS[fault])
            return _("{fault} Nothing was sent or stored. Copy the key again and paste it alone.", fault=fault_text)
        case BadFile(fault=fault):
            return " ".join([_("Nothing was sent."), _(_FILE_FAULTS[fault])])
        case NoOrders(found=found):
            none = _(
                "I found no order ID in that. An ID looks like `ord_01HG9X7KJP4N…`; separate several in any way you "
                "like. Nothing was sent."
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
    return ", ".join(code(name) for name in names)


def panel_error(error: PanelError) -> str:
    """Say why the panel gave no usable answer to a question; nothing is changed by asking."""
    if isinstance(error, RateLimited) and error.reset:
        return _("The panel's rate limit is used up. Try again {when}.", when=ago(error.reset))
    said = _(REASONS[error.reason].answer, words=code(error.panel_message))
    if not error.panel_message or error.reason not in _QUOTED:
        return said
    return said + " " + _("The answer was {words}.", words=code(error.panel_message))


def stopped(error: Exception) -> str:
    """Say why the rest of a list was not sent."""
    match error:
        case PanelError(may_have_acted=False):
            return panel_error(error)
        case PanelError():
            return _("I stopped where the panel gave no clear answer.")
        case KeyPaused() | NoKey():
            return account_text(error.reason)
        case _:
            return _(REASONS[Reason.BROKEN].answer)
