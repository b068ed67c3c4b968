"""Order IDs out of free text (pure). An ID is never cut short, and two never become one."""

import re
import unicodedata
from dataclasses import dataclass

# A combining accent belongs to the letter before it: without this, `ord_A` would be cut out of a longer word.
_WORD = re.compile(r"\w[\w\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]*")
_ID = re.compile(r"[oO][rR][dD]_[0-9A-Za-z]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_BREAK = re.compile(r"[\s,;|\"'`()\[\]{}<>\u00ab\u00b4\u00bb\u2018-\u201f\u2039\u203a]+")

_CUTS = ("\n", "\r", "\t", " ", ",", ";", "|")
"""Separators that no word goes on behind: where a long text may be cut."""

_SHOWN_WHOLE = 16
_SHOWN_OF_LONG = 8


MOST_IGNORED = 1_000
"""Tokens that were no order, to be remembered of one text."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a text names: each order once, as written; and the first tokens that are no order, shortened."""

    orders: tuple[str, ...]
    repeats: int
    ignored: tuple[str, ...]


def find_orders(text: str) -> Found:
    """Return the order IDs in a text, whatever separates them.

    An ID is a whole word of `ord_` and 1 to 64 letters and digits (NotPanel documents no length); what is
    glued to more (`ord_Aord_B`, `ord_A_B`) is not guessed at but reported. Whole numbers, the IDs of other
    panels of this family, count only in a text of nothing but numbers: "any number in a sentence" taken
    for an order is how other bots cancel what nobody named.
    """
    finder = Finder()
    finder.feed(text)
    return finder.found()


def last_word(text: str) -> tuple[str, str]:
    """Part a text that is being typed behind its last separator: what is to stay, and the word that may go on."""
    end = max(map(text.rfind, _CUTS)) + 1
    return text[:end], text[end:]


def is_plain_id(word: str) -> bool:
    """Tell a word that is an order ID wherever it stands; a number is one only where it is named as such."""
    return bool(_ID.fullmatch(word))


def together(one: Found, other: Found) -> Found:
    """Return what two texts name, each order once."""
    orders = tuple(dict.fromkeys(one.orders + other.orders))
    named = len(one.orders) + one.repeats + len(other.orders) + other.repeats
    return Found(orders, named - len(orders), tuple(dict.fromkeys(one.ignored + other.ignored))[:MOST_IGNORED])


class Finder:
    """Finds the orders of a text that comes in pieces, wherever it was cut; `find_orders` says what counts.

    With `most` it stops at so many: more is more than anybody will take.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._cut = ""
        self._form = _NUMBER
        self._orders: dict[str, None] = {}
        self._named = 0
        self._ignored: dict[str, None] = {}

    def feed(self, text: str) -> None:
        """Read on; the last word may go on in the next piece."""
        whole, self._cut = last_word(self._cut + text)
        self._read(whole)

    def found(self) -> Found:
        """Return what the whole text names."""
        self._read(self._cut)
        self._cut = ""
        ignored = () if self._form is _NUMBER else tuple(self._ignored)
        return Found(tuple(self._orders), self._named - len(self._orders), ignored)

    def _read(self, text: str) -> None:
        if not text.isascii():
            # Invisible characters come along with copied text; taken for separators they would cut an ID in two.
            text = "".join(character for character in text if unicodedata.category(character) != "Cf")
        words = _WORD.findall(text)
        if self._form is _NUMBER and not all(map(_NUMBER.fullmatch, words)):
            self._form, self._named = _ID, 0
            self._orders.clear()
        for word in filter(self._form.fullmatch, words):
            if self._most is None or len(self._orders) < self._most:
                self._orders[word] = None
                self._named += 1
        self._ignore(text)

    def _ignore(self, text: str) -> None:
        """Remember what is no order ID; what comes to nothing if the text turns out to be of numbers alone."""
        if len(self._ignored) >= MOST_IGNORED:
            return
        rest = _WORD.sub(lambda word: " " if _ID.fullmatch(word[0]) else word[0], text)
        tokens = (shorten(token) for token in _BREAK.split(rest) if _WORD.search(token))
        for token in tokens:
            if len(self._ignored) < MOST_IGNORED:
                self._ignored[token] = None


def shorten(token: str) -> str:
    """Make a token safe to store and show, in at most 16 characters: a long one may be an API key."""
    return token if len(token) <= _SHOWN_WHOLE else f"{token[:_SHOWN_OF_LONG]}…"
