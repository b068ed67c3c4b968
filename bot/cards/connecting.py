"""The cards around connecting a key: where one comes from, what it can do, and whether messages arrive."""

from enum import Enum, auto

from bot.cards import actions
from bot.cards.keys import balance, code_end, names_of
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import code, titled
from bot.services.keys import Connected


class Hello(Enum):
    """What came of the first DM to a user."""

    ARRIVED = auto()
    REFUSED = auto()
    UNKNOWN = auto()
    UNWANTED = auto()
    """They want no DMs."""


def key_steps(keys_page: str, kept: int = 0) -> CardView:
    """Say how to come by a key and what it can do; `keys_page`: where keys are made, `kept`: orders that wait."""
    title = plural(
        "Connect your NotPanel key first. Your {count} order is kept.",
        "Connect your NotPanel key first. Your {count} orders are kept.",
        kept,
    )
    steps = (
        _("1. Open NotPanel and make an API key just for this bot: you can revoke it alone."),
        _("2. Press *Paste my key*. Discord shows a standard warning on every form."),
    )
    powers = _(
        "A NotPanel key can also place orders and spend your balance. I never do that, and I store the key encrypted."
    )
    return card(
        Tone.WAITING,
        [titled(title if kept else _("Connect your NotPanel key first"), *steps), f"-# {powers}"],
        buttons=[actions.CONNECT.button()],
        links=[_to_keys(keys_page)],
    )


def _to_keys(keys_page: str) -> tuple[str, str]:
    return _("Open NotPanel"), keys_page


def not_connected(problem: str, keys_page: str, name: str = "", kept: int = 0) -> CardView:
    """Say why a key was not connected; what was typed is shown nowhere again."""
    waiting = plural("Your {count} order is still kept.", "Your {count} orders are still kept.", kept)
    return card(
        Tone.BAD,
        [titled(_("Not connected"), problem, waiting if kept else "")],
        buttons=[actions.CONNECT.button(name, label=_("Try again"))],
        links=[_to_keys(keys_page)],
    )


def connected(result: Connected, *, dms_refused: bool = False, goes_on: bool = False) -> CardView:
    """Confirm that a key works; `dms_refused`: no DM got through, `goes_on`: another card asks about kept orders."""
    works = _("Key {end} works. Balance: **{balance}**.", end=code_end(result.last4), balance=balance(result.balance))
    tried = plural(
        "{count} open order will be tried with it.", "{count} open orders will be tried with it.", result.waiting
    )
    what_now = _("Now `/cancel` takes your order IDs. `/key remove` deletes the key at any time.")
    return card(
        Tone.GOOD,
        [
            titled(_("Connected"), works, tried if result.waiting else "", _stored_as(result)),
            *([f"-# {what_now}"] if not goes_on else []),
            *([allow_dms()] if dms_refused else []),
        ],
        buttons=[actions.HELLO.button()] if dms_refused else [],
    )


def _stored_as(result: Connected) -> str:
    """Say what a key is called and when it is used, to somebody who has several or has just given it a name."""
    name, default = code(result.account.name), next(one.name for one in result.keys if one.is_default)
    if not names_of(result.keys):
        return ""
    if result.account.is_default:
        return _("Saved as {name}, your default key.", name=name)
    return _(
        "Saved as {name}. Your default is still {default}; pick {name} with the `key` option.",
        name=name,
        default=code(default),
    )


def hello() -> CardView:
    """Prove to a user that messages reach them."""
    return card(Tone.GOOD, [_("Connected. I'll DM you here when cancels are settled.")])


def allow_dms() -> str:
    """Say how to let the bot's DMs through, since one was refused."""
    return _("⚠️ I can't DM you. In this server's menu, open *Privacy Settings* and allow *Direct Messages*.")


def dms_tried(came: Hello) -> CardView:
    """Say what came of a DM that a user has asked for."""
    again = [actions.HELLO.button()]
    match came:
        case Hello.ARRIVED:
            return card(Tone.GOOD, [titled(_("DMs work"), _("I'll DM you when cancels are settled."))])
        case Hello.REFUSED:
            return card(Tone.WAITING, [allow_dms()], buttons=again)
        case Hello.UNKNOWN:
            unknown = _("Discord didn't say whether my DM arrived. Try again in a minute.")
            return card(Tone.WAITING, [unknown], buttons=again)
        case Hello.UNWANTED:
            return card(Tone.PLAIN, [_("You've chosen not to get DMs. `/settings` changes that.")])
