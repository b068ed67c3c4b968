"""The languages the bot speaks: which one a task speaks, its catalogue, and how it writes numbers.

Texts stand in English where they are used, inside `_`, `plural` or `N_`. `make messages` collects them into
bot/cards/locale/*/LC_MESSAGES/bot.po for translators, and compiles those to the .mo files that are read here.
"""

import gettext
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from bot.cards.direction import isolate, isolate_typed, right_to_left
from bot.cards.mentions import with_mentions
from bot.domain.languages import RIGHT_TO_LEFT, Language

CATALOGUES = Path(__file__).parent / "locale"
DOMAIN = "bot"


OWN_NAMES = {
    Language.ENGLISH: "English",
    Language.TURKISH: "Türkçe",
    Language.SPANISH: "Español",
    Language.PORTUGUESE: "Português (Brasil)",
    Language.HINDI: "हिन्दी",
    Language.INDONESIAN: "Bahasa Indonesia",
    Language.RUSSIAN: "Русский",
    Language.VIETNAMESE: "Tiếng Việt",
    Language.ARABIC: "العربية",
}
"""What each is called by those who speak it."""

_SEPARATORS = {
    Language.ENGLISH: ",",
    Language.TURKISH: ".",
    Language.SPANISH: ".",
    Language.PORTUGUESE: ".",
    Language.HINDI: ",",
    Language.INDONESIAN: ".",
    Language.RUSSIAN: "\u00a0",
    Language.VIETNAMESE: ".",
    Language.ARABIC: ",",  # with Latin digits, as IDs and amounts are
}
"""Between the groups of a whole number's digits, as Unicode's CLDR has them.

A test compares them with Babel: in the bot it would hold 11 MB of all that is known of these languages, and the loop
would stand still for up to 40 ms whenever one of them has its first number to write.
"""
_COMMAS = {Language.ARABIC: "،\u200f "}
"""Between the parts of an enumeration, where that is not a comma of Latin script.

The mark behind it is of a direction: by that a list of Latin names, too, begins at the right.
"""
_THOUSANDS = re.compile(r"(?<=[0-9])(?=(?:[0-9]{3})+$)")
_LAKHS = re.compile(r"(?<=[0-9])(?=(?:[0-9]{2})*[0-9]{3}$)")
"""Where one group ends and the next begins; in Hindi those before the last three digits have two."""

_ENDING = re.compile(r"(?<=\w)\((\w{1,3})\)")
"""The ending of a word for more than one: the words of tables have one form in a catalogue, beside any count."""

_spoken: ContextVar[Language] = ContextVar("current_language", default=Language.ENGLISH)


def current_language() -> Language:
    """Return the language that the current task speaks."""
    return _spoken.get()


def speak(language: Language) -> None:
    """Go on in a language, until the current task ends: an interaction or a message has a task of its own."""
    _spoken.set(language)


@contextmanager
def use_language(language: Language) -> Generator[None]:
    """Speak a language for a while: where one task writes to many users."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def _(message: str, /, **values: str | int) -> str:
    """Return a text in the current language with its {values} filled in, numbers as that language writes them.

    A `count` that stands beside a word of a table says whether its ending is shown: `cancelado(s)`.
    """
    return _filled(_catalogue(current_language()).gettext(message), values)


def plural(one: str, many: str, count: int, /, **values: str | int) -> str:
    """Return the text for a count, in the current language's plural form; `{count}` is filled in like the values."""
    return _filled(_catalogue(current_language()).ngettext(one, many, count), {"count": count, **values})


def N_(message: str) -> str:
    """Mark a text of a table for translation; whoever shows it translates it with `_`."""
    return message


def number(value: int) -> str:
    """Return a number as the spoken language writes it: a comma is a decimal sign in most of them."""
    language = current_language()
    return (_LAKHS if language is Language.HINDI else _THOUSANDS).sub(_SEPARATORS[language], str(value))


def comma() -> str:
    """Return what stands between the parts of an enumeration in the spoken language."""
    return _COMMAS.get(current_language(), ", ")


def enumerated(parts: Iterable[str]) -> str:
    """Return some words or names in one line, as the spoken language separates them."""
    return comma().join(parts)


def runs_right_to_left() -> bool:
    """Return whether the spoken language is written from right to left."""
    return current_language() in RIGHT_TO_LEFT


def isolated(text: str) -> str:
    """Return what stands in a line as it is, whatever the direction of the spoken language."""
    return isolate(text) if runs_right_to_left() else text


def directed(text: str) -> str:
    """Return a whole text whose lines run as the spoken language does."""
    return right_to_left(text) if runs_right_to_left() else text


def _filled(text: str, values: dict[str, str | int]) -> str:
    count = values.get("count")
    if isinstance(count, int):
        text = _ENDING.sub("" if count == 1 else r"\1", text)
    text = with_mentions(text)  # before values are in it, which may be somebody else's words
    if runs_right_to_left():
        text = isolate_typed(text)
    shown = {name: isolated(number(value) if isinstance(value, int) else value) for name, value in values.items()}
    return text.format(**shown) if shown else text


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    if language is Language.ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, CATALOGUES, [language])
