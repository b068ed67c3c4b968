"""What a user is told of an error: what happened, what was and was not done, what to do next."""

from collections.abc import Mapping, Sequence

from bot.cards.language import mark, t
from bot.cards.text import ago, code
from bot.cards.words import PAUSES, ignored
from bot.domain.accounts import AccountState
from bot.domain.errors import (
    AlikeName,
    BadFile,
    BadKey,
    BadName,
    BadSecret,
    BeingErased,
    FileFault,
    KeyFault,
    KeyPaused,
    NoKey,
    NoOrders,
    NoSuchKey,
    NotOperator,
    NotOwner,
    NoWebhook,
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
from bot.panel import Blocked, InvalidKey, PanelError, RateLimited, Refused, Suspended, Unavailable

UNWRITABLE = mark(
    "I cannot write anything down at the moment, so I have taken nothing on: nothing was sent, stored or removed. "
    "Try again in a few minutes; if it stays like this, tell whoever runs this bot."
)
TOO_BUSY = mark("Nothing was done: too many people are asking me at this moment. Try again in a minute.")
INTERNAL = mark(
    "Something went wrong on my side, and it has been logged. Before you repeat anything, look at your card and at "
    "`/queued`: what stands there has been taken on and goes on."
)

_PLAIN: Mapping[type[UserError], str] = {
    NoKey: mark("You have not connected a NotPanel key yet, so nothing was sent. It takes ten seconds:"),
    UserErased: mark(
        "While I was checking this key you had everything about you erased, so it was not stored. Send it once more if "
        "you want to go on."
    ),
    BeingErased: mark(
        "I am still erasing what was stored about you, so nothing new was stored. Try again in a few minutes."
    ),
    QuestionClosed: mark(
        "That question is closed, and I have not kept its order IDs. Nothing was sent. Send the IDs again."
    ),
    NotOwner: mark("This belongs to somebody else. Use the command yourself to get your own."),
    NotOperator: mark("That is for whoever runs this bot. Everything of yours is under `/help`."),
    RefillUnderWay: mark(
        "Refills of yours are being asked for, or that question was confirmed before: its card tells what came of it. "
        "Nothing was sent a second time."
    ),
    TooManyLists: mark(
        "I write your lists one after the other, and several are still waiting. Press again once they are here."
    ),
    NoWebhooks: mark(
        "Whoever runs this bot has not opened it for webhooks. I find out by asking the panel, as always."
    ),
    NoWebhook: mark("You have no webhook address, so nothing was stored. `/webhook` makes one."),
    RegistrationUnderWay: mark("I am asking the panel already; what it says comes on the card that you pressed first."),
    BadSecret: mark("That is no signing secret: it has 8 to 300 characters and no spaces. Nothing was stored."),
}
"""Of those that say the same to everybody."""

_KEY_FAULTS: Mapping[KeyFault, str] = {
    KeyFault.EMPTY: mark("That was empty."),
    KeyFault.SPACES: mark("That has a space or a line break in it, so it is not a key alone."),
    KeyFault.CHARACTERS: mark("That has characters in it that no API key has."),
    KeyFault.LENGTH: mark("An API key has between 8 and 256 characters; that one has not."),
}

_FILE_FAULTS: Mapping[FileFault, str] = {
    FileFault.TOO_LARGE: mark("That is more than 10 MB. Please split the list."),
    FileFault.NOT_TEXT: mark("That is not a text or CSV file. Save the list as text or CSV and try again."),
    FileFault.NOT_GIVEN: mark("Discord did not hand me that file. Please try again."),
    FileFault.TOO_SLOW: mark(
        "I could not read that within 5 seconds. Try again, or send a file with nothing but order IDs, "
        "one on each line."
    ),
}


def user_error(error: UserError) -> str:
    """Say what is wrong with a request, what was not done, and what to do."""
    match error:
        case KeyPaused(state=state, name=name, several=several):
            which = t("Your key {name}:", name=code(name)) if several else ""
            return " ".join(filter(None, [t("Nothing was sent."), which, t(PAUSES[state])]))
        case NoSuchKey(name=name, names=names):
            return t(
                "You have no key called {name}. Yours: {names}. Nothing was sent or changed.",
                name=code(name, 40),
                names=_listed(names),
            )
        case SameKey(name=name):
            return t(
                "That key is stored already, under the name {name}. I keep each key once: under two names the same "
                "order could be cancelled twice. Nothing was changed.",
                name=code(name),
            )
        case BadName(most=most):
            return t(
                "The name of a key has 1 to {most} characters, all of them visible. Nothing was sent or stored.",
                most=most,
            )
        case AlikeName(name=name):
            return t(
                "That name looks like {name}, which is another key of yours, but is written with other letters. Take a "
                "name that looks different. Nothing was sent or stored.",
                name=code(name),
            )
        case TooManyKeys(names=names, most=most, most_names=most_names):
            return t(
                "I keep at most {most} keys of yours, and {most_names} names with those of removed keys. Take one of "
                "these names, which replaces its key, or remove a key: {names}. Nothing was stored.",
                names=_listed(names),
                most=most,
                most_names=most_names,
            )
        case BadKey(fault=fault):
            fault_text = t(_KEY_FAULTS[fault])
            return t("{fault} Nothing was sent or stored. Copy the key again and paste it alone.", fault=fault_text)
        case BadFile(fault=fault):
            return " ".join([t("Nothing was sent."), t(_FILE_FAULTS[fault])])
        case NoOrders(found=found):
            none = t(
                "I found no order ID in that. An ID looks like `ord_01HG9X7KJP4N…`; separate several in any way you "
                "like. Nothing was sent."
            )
            return "\n".join(filter(None, [none, ignored(Junk.of(found.ignored))]))
        case RefusedTooOften(again_at=again_at):
            return t(
                "Nothing was sent or stored: the panel has refused your last keys, one after the other. "
                "Try again {when}.",
                when=ago(again_at),
            )
        case TooMany() | Throttled() | TooManyOpen() | TooManyQuestions():
            return _too_much(error)
        case _:
            return t(_PLAIN.get(type(error), INTERNAL))


def _too_much(error: TooMany | Throttled | TooManyOpen | TooManyQuestions) -> str:
    match error:
        case TooMany(most=most):
            return t(
                "That names more than {most} orders, the most I take at once. Nothing was sent. Split the list.",
                most=most,
            )
        case Throttled(again_at=again_at):
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
        case Blocked():
            return _quoting(error, t("The panel lets none of my calls through at the moment. Try again later."))
        case Unavailable():
            return _quoting(error, t("The panel cannot be reached at the moment. Try again in a minute."))
        case Refused(panel_message=said):
            return t("The panel refused, with the words {words}.", words=code(said))
        case _:
            return _quoting(error, t("The panel answered with something I cannot read. Try again in a minute."))


def _quoting(error: PanelError, sentence: str) -> str:
    """Add what the answer says, be it the panel's or of something in front of it."""
    return (
        sentence + " " + t("The answer was {words}.", words=code(error.panel_message))
        if error.panel_message
        else sentence
    )


def stopped(error: Exception) -> str:
    """Say why the rest of a list was not sent."""
    match error:
        case PanelError(may_have_acted=False):
            return panel_error(error)
        case PanelError():
            return t("I stopped where the panel gave no clear answer.")
        case KeyPaused(state=state):
            return t(PAUSES[state])
        case NoKey():
            return t(PAUSES[AccountState.REMOVED])
        case _:
            return t("Something went wrong on my side, and it has been logged.")
