"""Everything a person can press, choose from or fill in, each declared once: its custom_id, its label and its colour.

cogs/ answer by the custom_id alone (cogs/dispatch.py), so that a button works after a restart and on any process. The
custom_ids of messages that are alive never change (`RELEASED` in tests/examples.py).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import discord

from bot.cards.language import N_, _
from bot.cards.words import OUTCOMES
from bot.domain.dm_words import REFILL as REFILL_VERB
from bot.domain.dm_words import STATUS as STATUS_VERB
from bot.domain.errors import OutdatedControl
from bot.domain.languages import Language
from bot.domain.states import CANCELLED_IN_0_1_0, State
from bot.ledger import ListKind, NotifyVia, NotifyWhen

Button = discord.ui.Button[discord.ui.LayoutView]
Menu = discord.ui.Select[discord.ui.LayoutView]

AS_DISCORD_SAYS = "auto"
"""The value of the choice to be spoken to as one's Discord client is."""
_LARGEST = 2**63 - 1


def _row_id(digits: str) -> int:
    """Return a row's number; what is too large for one is forged, and as little to be found as the largest."""
    return min(int(digits), _LARGEST)


def _language(value: str) -> Language | None:
    return None if value == AS_DISCORD_SAYS else Language(value)


_ROW_ID = (r"\d{1,19}", _row_id)
_PARTS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "request_id": _ROW_ID,
    "account_id": _ROW_ID,
    "list_id": _ROW_ID,  # of a history: the days to look back
    "user_id": (r"\d{1,20}", _row_id),
    "count": _ROW_ID,
    "page": (r"\d{1,4}", int),
    "turn": ("first|previous|next|last", str),  # two buttons of one message may lead to the same page
    "kind": ("|".join(ListKind), ListKind),
    "card": (f"{ListKind.REQUEST}|{ListKind.NOTICE}", ListKind),
    "outcome": ("|".join((*OUTCOMES, CANCELLED_IN_0_1_0)), State),
    "name": (".{1,32}", str),
    "state": ("|".join((*State, CANCELLED_IN_0_1_0)), State),
    "step": ("show|make|ask|register|secret|forget|off", str),  # secret, forget: on old cards; they show the new one
    "verb": (f"{STATUS_VERB}|{REFILL_VERB}", str),
    "silent": ("on|off", lambda value: value == "on"),
    "way": ("|".join(NotifyVia), NotifyVia),
    "timing": ("|".join(NotifyWhen), NotifyWhen),
    "language": ("|".join((AS_DISCORD_SAYS, *Language)), _language),
    "option": (".{1,100}", str),  # a custom_id
}
"""What can come from Discord, in a custom_id or chosen from a menu or form: how it is written, and how it is read."""


def read_part(part: str, text: str) -> Any:
    """Return a part that was chosen apart from a custom_id; raise OutdatedControl where it cannot be that."""
    pattern, read = _PARTS[part]
    if not re.fullmatch(pattern, text):
        raise OutdatedControl
    return read(text)


MAIN, DANGER = discord.ButtonStyle.primary, discord.ButtonStyle.danger


class Action:
    """A button, menu or form: its custom_id is a name and, behind colons, parts of _PARTS; a last "part?" may miss.

    The last part of a menu is what is chosen from it, which its custom_id itself leaves out.
    """

    def __init__(
        self,
        name: str,
        *parts: str,
        label: str = "",
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
        is_form: bool = False,
    ) -> None:
        """`label`: of a button, or what stands on a menu from which nothing is chosen; marked for translation."""
        self.name = name
        self.parts = tuple(part.removesuffix("?") for part in parts)
        self.is_form = is_form
        self._label = label
        self._style = style
        self._pattern = re.compile(name + "".join(map(_pattern, parts)))

    def __repr__(self) -> str:
        return self.name

    def custom_id(self, *values: object) -> str:
        """Return the custom_id with these values of its parts, in their order; one that may miss is None or empty."""
        return ":".join([self.name, *(str(value) for value in values if value not in (None, ""))])

    def read(self, custom_id: str, *chosen: str) -> dict[str, Any] | None:
        """Return the parts of a custom_id of this action and what was chosen, or None where it belongs to another."""
        found = self._pattern.fullmatch(":".join([custom_id, *chosen]))
        return found and {part: _PARTS[part][1](text) for part, text in found.groupdict().items() if text is not None}

    def button(
        self, *values: object, label: str = "", style: discord.ButtonStyle | None = None, **words: str | int
    ) -> Button:
        """Return its button; `words` are filled into its label, which `label` replaces."""
        return discord.ui.Button(
            label=label or _(self._label, **words), style=style or self._style, custom_id=self.custom_id(*values)
        )

    def option(self, *values: object, label: str) -> dict[str, str]:
        """Return it as an option of the menu MORE, answered like its button."""
        return {self.custom_id(*values): label}

    def menu(self, *values: object, options: Mapping[Any, str], chosen: str = "") -> Menu:
        """Return its menu; `options` says how each value is called."""
        return discord.ui.Select(
            placeholder=_(self._label) if self._label else None,
            options=[
                discord.SelectOption(label=label, value=value, default=value == chosen)
                for value, label in options.items()
            ],
            custom_id=self.custom_id(*values),
        )


def _pattern(part: str) -> str:
    name = part.removesuffix("?")
    pattern = f":(?P<{name}>{_PARTS[name][0]})"
    return f"(?:{pattern})?" if part.endswith("?") else pattern


# Keys
KEY_STEPS = Action("np:key-steps", label=N_("Connect your key"), style=MAIN)
CONNECT = Action("np:connect", "name?", label=N_("Paste my key"), style=MAIN)
KEY_FORM = Action("np:key", "name?", is_form=True)
ASK_REMOVE = Action("np:ask-remove", "account_id", label=N_("Remove {name}"), style=DANGER)
REMOVE_KEY = Action("np:remove-key", "account_id", label=N_("Remove anyway"), style=DANGER)
KEEP_KEY = Action("np:keep-key", label=N_("Keep the key"))
HELLO = Action("np:hello", label=N_("Try the DM again"))

# Cancels
PASTE = Action("np:paste", label=N_("Paste order IDs"), style=MAIN)
ORDERS_FORM = Action("np:orders", is_form=True)
PASTE_FOR = Action("np:paste-for", "verb", label=N_("Paste order IDs"), style=MAIN)
ORDERS_FOR_FORM = Action("np:orders-for", "verb", is_form=True)
CONFIRM = Action("np:confirm", "request_id", style=DANGER)
KEEP = Action("np:keep", "request_id", label=N_("Don't cancel"))
ASK_AGAIN = Action("np:ask-again", "request_id", label=N_("Ask again"), style=MAIN)
STATUS = Action("np:status", "request_id", label=N_("Check status"))
REFILL_NAMED = Action("np:refill-named", "request_id", label=N_("Refill"))
STOP = Action("np:stop", "request_id", label=N_("Stop sending"), style=DANGER)
RETRY = Action("np:retry", "request_id")
TRY_UNDER = Action("np:try", "card", "list_id", "account_id", label=N_("Try under {name}"))
TRY_OTHERS = Action("np:try-others", "card", "list_id")

# Refills
REFILL = Action("np:refill", "card", "list_id", "account_id", "outcome?")
CONFIRM_REFILL = Action("np:refill-go", "card", "list_id", "account_id", "count", "outcome?", style=MAIN)
NO_REFILL = Action("np:refill-no", label=N_("Don't refill"))

# Lists
LIST = Action("np:list", "kind", "list_id", "outcome?", label=N_("Whole list (CSV)"))
BROWSE = Action("np:browse", "kind", "list_id", "outcome?", label=N_("Show all {count}"))
PAGE = Action("np:page", "kind", "list_id", "page", "outcome?", "turn?")
COPY_IDS = Action("np:ids", "kind", "list_id", "state")  # a menu on cards of 0.1.0
MORE = Action("np:more", "kind", "list_id", "option", label=N_("More …"))
"""A menu of what a card has no buttons for; the values of its options are the custom_ids of other actions."""

# What is open
CHECK_NOW = Action("np:look", label=N_("Check now"), style=MAIN)
ASK_UNWATCH = Action("np:ask-unwatch")
UNWATCH_ONE = Action("np:unwatch-one", "request_id", label=N_("Only one request …"))
UNWATCH = Action("np:unwatch", "request_id?", label=N_("Stop watching"), style=DANGER)
KEEP_WATCHING = Action("np:keep-watching", label=N_("Keep watching"))

# How the bot behaves towards a user
UPDATES = Action("np:news", "user_id", label=N_("Show me"), style=MAIN)
CHANGE = Action("np:settings", label=N_("Change"), style=MAIN)
SETTINGS_FORM = Action("np:settings-form", is_form=True)
WAY = Action("np:way", "way")  # these four on cards of 0.1.0 alone
TIMING = Action("np:timing", "timing")
LANGUAGE = Action("np:language", "language")
SILENT = Action("np:silent", "silent")
WEBHOOK = Action("np:webhook", "step")
ERASE = Action("np:erase", label=N_("Erase everything"), style=DANGER)
KEEP_ALL = Action("np:keep-all", label=N_("Keep it"))

ALL: tuple[Action, ...] = tuple(value for value in vars().values() if isinstance(value, Action))
