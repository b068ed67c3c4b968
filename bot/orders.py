"""Order IDs out of free text (pure). An ID is never cut short, and two never become one."""

import re
import unicodedata
from dataclasses import dataclass

# A combining accent belongs to the letter before it: without this, `ord_A` would be cut out of a longer word.
_WORD = re.compile(r"\w[\w\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]*")
_ID = re.compile(r"[oO][rR][dD]_[0-9A-Za-z]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_BREAK = re.compile(r"[\s,;|\"'`()\[\]{}<>\u00ab\u00b4\u00bb\u2018-\u201f\u2039\u203a]+")

_SHOWN_WHOLE = 16
_SHOWN_OF_LONG = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What a text names: each order once, as written; and the tokens that are no order, shortened."""

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
    # Invisible characters come along with copied text; taken for separators they would cut an ID in two.
    text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    words = _WORD.findall(text)
    form = _NUMBER if all(map(_NUMBER.fullmatch, words)) else _ID
    found = [word for word in words if form.fullmatch(word)]
    orders = tuple(dict.fromkeys(found))
    rest = _WORD.sub(lambda word: " " if form.fullmatch(word[0]) else word[0], text)
    ignored = dict.fromkeys(shorten(token) for token in _BREAK.split(rest) if _WORD.search(token))
    return Found(orders, len(found) - len(orders), tuple(ignored))


def shorten(token: str) -> str:
    """Make a token safe to store and show, in at most 16 characters: a long one may be an API key."""
    return token if len(token) <= _SHOWN_WHOLE else f"{token[:_SHOWN_OF_LONG]}…"
