"""The buttons and menus: what they are called, and how their custom_id is built.

cogs/ answers them by that id alone, so that a button works after a restart and on any process.
"""

from collections.abc import Mapping
from typing import Any

import discord

from bot.cards.language import plural, t
from bot.cards.words import OUTCOMES
from bot.domain.states import CANCELLED_IN_0_1_0, State
from bot.ledger import ListKind, NotifyVia, NotifyWhen

Button = discord.ui.Button[discord.ui.LayoutView]
Menu = discord.ui.Select[discord.ui.LayoutView]

CONNECT = r"np:connect(?::(?P<name>.{1,32}))?"
CONFIRM = r"np:confirm:(?P<request>\d{1,19})"
STATUS = r"np:status:(?P<request>\d{1,19})"
KEEP = r"np:keep:(?P<request>\d{1,19})"
REMOVE_KEY = r"np:remove-key:(?P<account>\d{1,19})"
ASK_REMOVE = r"np:ask-remove:(?P<account>\d{1,19})"
KEEP_KEY = r"np:keep-key"
UPDATES = r"np:news:(?P<user>\d{1,20})"
PASTE = r"np:paste"
STOP = r"np:stop:(?P<request>\d{1,19})"
_ANY_LIST = r"(?P<kind>" + "|".join(ListKind) + r"):(?P<list>\d{1,19})"
_CARDS_LIST = r"(?P<kind>request|notice):(?P<list>\d{1,19})"
_OUTCOME = r"(?::(?P<outcome>" + "|".join((*OUTCOMES, CANCELLED_IN_0_1_0)) + r"))?"
_ACCOUNT = r":(?P<account>\d{1,19})"
LIST = f"np:list:{_ANY_LIST}{_OUTCOME}"
BROWSE = f"np:browse:{_ANY_LIST}{_OUTCOME}"
PAGE = f"np:page:{_ANY_LIST}" + r":(?P<page>\d{1,4})" + _OUTCOME
ERASE = r"np:erase"
KEEP_ALL = r"np:keep-all"
CHECK_NOW = r"np:look"
ASK_UNWATCH = r"np:ask-unwatch"
UNWATCH = r"np:unwatch"
KEEP_WATCHING = r"np:keep-watching"
IDS = f"np:ids:{_CARDS_LIST}"
RETRY = r"np:retry:(?P<request>\d{1,19})"
REFILL = f"np:refill:{_CARDS_LIST}{_ACCOUNT}"
CONFIRM_REFILL = f"np:refill-go:{_CARDS_LIST}{_ACCOUNT}" + r":(?P<count>\d{1,19})"
NO_REFILL = r"np:refill-no"
TRY_UNDER = f"np:try:{_CARDS_LIST}{_ACCOUNT}"
TRY_OTHERS = f"np:try-others:{_CARDS_LIST}"
WEBHOOK = r"np:webhook:(?P<step>show|make|ask|register|secret|forget|off)"
WAY = r"np:way"
TIMING = r"np:timing"
LANGUAGE = r"np:language"
SILENT = r"np:silent:(?P<wanted>on|off)"

ALL = (
    *(CONNECT, CONFIRM, STATUS, KEEP, ASK_REMOVE, REMOVE_KEY, KEEP_KEY, UPDATES, PASTE, STOP),
    *(ERASE, KEEP_ALL, CHECK_NOW, ASK_UNWATCH, UNWATCH, KEEP_WATCHING),
    *(LIST, BROWSE, PAGE, IDS, RETRY, REFILL, CONFIRM_REFILL, NO_REFILL, TRY_UNDER, TRY_OTHERS),
    WEBHOOK,
    *(WAY, TIMING, LANGUAGE, SILENT),
)


def connect(label: str = "", name: str = "") -> Button:
    """Open the modal that takes an API key: the one of that name, or the default."""
    custom_id = f"np:connect:{name}" if name else "np:connect"
    return discord.ui.Button(
        label=label or t("Connect your key"), style=discord.ButtonStyle.primary, custom_id=custom_id
    )


def confirm(request_id: int, count: int, *, undecided: bool = False) -> Button:
    """Send a request that asks first; `undecided`: in the words of the question what to do with its orders."""
    if undecided:
        label = plural("Cancel {count} order", "Cancel {count} orders", count)
    else:
        label = t("Confirm: ask to cancel {count}", count=count)
    return discord.ui.Button(label=label, style=discord.ButtonStyle.danger, custom_id=f"np:confirm:{request_id}")


def status(request_id: int) -> Button:
    """Show what the panel says of a request's orders."""
    return discord.ui.Button(label=t("Show status"), custom_id=f"np:status:{request_id}")


def keep(request_id: int) -> Button:
    """Drop a request that asks first."""
    return discord.ui.Button(label=t("Keep the orders"), custom_id=f"np:keep:{request_id}")


def ask_remove(account_id: int, name: str) -> Button:
    """Remove one of several keys, after a question where orders need it."""
    return discord.ui.Button(
        label=t("Remove {name}", name=name), style=discord.ButtonStyle.danger, custom_id=f"np:ask-remove:{account_id}"
    )


def remove_key(account_id: int) -> Button:
    """Remove a key although orders are being watched."""
    custom_id = f"np:remove-key:{account_id}"
    return discord.ui.Button(label=t("Remove anyway"), style=discord.ButtonStyle.danger, custom_id=custom_id)


def keep_key() -> Button:
    """Leave the key where it is."""
    return discord.ui.Button(label=t("Keep the key"), custom_id="np:keep-key")


def updates(user_id: int) -> Button:
    """Show, to that user alone, what could not be sent to them."""
    return discord.ui.Button(label=t("Show me"), style=discord.ButtonStyle.primary, custom_id=f"np:news:{user_id}")


def paste() -> Button:
    """Open the modal to paste order IDs into."""
    return discord.ui.Button(label=t("Paste order IDs"), style=discord.ButtonStyle.primary, custom_id="np:paste")


def stop(request_id: int) -> Button:
    """Send nothing more of a long list."""
    return discord.ui.Button(
        label=t("Stop sending"), style=discord.ButtonStyle.danger, custom_id=f"np:stop:{request_id}"
    )


def whole_list(kind: ListKind, list_id: int, outcome: State | None = None) -> Button:
    """Show all orders of a list, as a file; of a history its number is the days, and there may be an outcome."""
    return discord.ui.Button(label=t("Whole list (CSV)"), custom_id=f"np:list:{kind}:{list_id}{_only(outcome)}")


def browse(kind: ListKind, list_id: int, outcome: State | None = None) -> Button:
    """Show a list page by page, beginning with the first."""
    return discord.ui.Button(label=t("Page through"), custom_id=f"np:browse:{kind}:{list_id}{_only(outcome)}")


def page(kind: ListKind, list_id: int, number: int, outcome: State | None, *, forward: bool) -> Button:
    """Turn to a page of a list."""
    label = t("Next page") if forward else t("Page before")
    return discord.ui.Button(label=label, custom_id=f"np:page:{kind}:{list_id}:{number}{_only(outcome)}")


def _only(outcome: State | None) -> str:
    return f":{outcome}" if outcome else ""


def erase() -> Button:
    """Erase all that is stored about whoever presses it."""
    return discord.ui.Button(label=t("Erase everything"), style=discord.ButtonStyle.danger, custom_id="np:erase")


def keep_all() -> Button:
    """Erase nothing."""
    return discord.ui.Button(label=t("Keep it"), custom_id="np:keep-all")


def check_now() -> Button:
    """Have all that is open for whoever presses it looked at."""
    return discord.ui.Button(label=t("Check now"), style=discord.ButtonStyle.primary, custom_id="np:look")


def ask_unwatch() -> Button:
    """Ask whether to stop watching."""
    return discord.ui.Button(label=t("Stop watching"), custom_id="np:ask-unwatch")


def unwatch() -> Button:
    """Stop watching all that is open for whoever presses it."""
    return discord.ui.Button(label=t("Stop watching"), style=discord.ButtonStyle.danger, custom_id="np:unwatch")


def keep_watching() -> Button:
    """Go on watching."""
    return discord.ui.Button(label=t("Keep watching"), custom_id="np:keep-watching")


def retry(request_id: int) -> Button:
    """Try once more what is only watched."""
    return discord.ui.Button(label=t("Retry unclear"), custom_id=f"np:retry:{request_id}")


def refill(kind: ListKind, list_id: int, account_id: int, name: str = "") -> Button:
    """Ask whether to refill those of a card's orders that the panel calls completed or partial; under one key."""
    label = t("Refill these: {name}", name=name) if name else t("Refill these")
    return discord.ui.Button(label=label, custom_id=f"np:refill:{kind}:{list_id}:{account_id}")


def confirm_refill(kind: ListKind, list_id: int, account_id: int, count: int) -> Button:
    """Return the button that asks the panel for the refills; `count`: the orders that the question named."""
    custom_id = f"np:refill-go:{kind}:{list_id}:{account_id}:{count}"
    return discord.ui.Button(label=t("Confirm refill"), style=discord.ButtonStyle.danger, custom_id=custom_id)


def no_refill() -> Button:
    """Ask the panel for nothing."""
    return discord.ui.Button(label=t("No"), custom_id="np:refill-no")


def try_under(kind: ListKind, list_id: int, account_id: int, name: str) -> Button:
    """Ask whether to try under another key what the panel did not find."""
    label = t("Try under {name}", name=name)
    return discord.ui.Button(label=label, custom_id=f"np:try:{kind}:{list_id}:{account_id}")


def try_others(kind: ListKind, list_id: int) -> Button:
    """Ask under which of many other keys to try what the panel did not find."""
    return discord.ui.Button(label=t("Try my other keys"), custom_id=f"np:try-others:{kind}:{list_id}")


def webhook(step: str, label: str, *, main: bool = False, danger: bool = False) -> Button:
    """Go a step with the presser's own webhook address."""
    style = discord.ButtonStyle.danger if danger else discord.ButtonStyle.primary if main else None
    return discord.ui.Button(label=label, style=style or discord.ButtonStyle.secondary, custom_id=f"np:webhook:{step}")


def copy_ids(kind: ListKind, list_id: int, groups: Mapping[State, str]) -> Menu:
    """Hand over the order IDs of one of a card's groups, to copy; `groups` says how each is called."""
    options = [
        discord.SelectOption(label=t("Copy IDs: {group}", group=group), value=state) for state, group in groups.items()
    ]
    return discord.ui.Select(placeholder=t("Copy IDs …"), options=options, custom_id=f"np:ids:{kind}:{list_id}")


def choose_way(names: Mapping[NotifyVia, str], chosen: NotifyVia) -> Menu:
    """Choose where whoever chooses is told news."""
    return discord.ui.Select(options=_options(names, chosen), custom_id="np:way")


def choose_timing(names: Mapping[NotifyWhen, str], chosen: NotifyWhen) -> Menu:
    """Choose when whoever chooses is told how orders ended."""
    return discord.ui.Select(options=_options(names, chosen), custom_id="np:timing")


def choose_language(names: Mapping[str, str], chosen: str) -> Menu:
    """Choose which language whoever chooses is written to in."""
    return discord.ui.Select(options=_options(names, chosen), custom_id="np:language")


def silence(*, wanted: bool) -> Button:
    """Have messages come without a push notification, or with one again."""
    label = t("Make messages silent") if wanted else t("Make messages notify")
    return discord.ui.Button(label=label, custom_id=f"np:silent:{'on' if wanted else 'off'}")


def _options(names: Mapping[Any, str], chosen: str) -> list[discord.SelectOption]:
    return [discord.SelectOption(label=name, value=value, default=value == chosen) for value, name in names.items()]
