"""Order IDs out of free text (pure). An ID is never cut short, and two never become one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

SPACELESS = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u101c\u101e-\u103f\u1780-\u17d3\u3005\u3006\u3041-\u309f"
    "\u30a1-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese and Korean letters, as a character class has them.

Their writers put no space between a word and an ID. None of them looks like a letter or digit of an ID, so that
none can be a mistyped part of one: that is why other scripts, and the round ones of these, are not among them.
"""
# A combining accent belongs to the letter before it, and a character that was lost (U+FFFD) to the word around it:
# without this, `ord_A` would be cut out of a longer word.
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\ufffd"
_LETTERS = rf"[^\W{SPACELESS}]+"
_WORD = re.compile(rf"[{SPACELESS}]+|(?:(?<!\ufffd)\ufffd+)?{_LETTERS}(?:[{_MARKS}]+(?:{_LETTERS})?)*")
_ASCII_WORD = re.compile(r"\w+", re.ASCII)  # the same where nothing else can be in the text, in a third of the time
_ID = re.compile(r"[oO][rR][dD]_[0-9A-Za-z]{1,64}")
_IN_WORD = rf"[^\W{SPACELESS}]|\ufffd"
# What such words find that are IDs, at once: twenty times as fast in texts of other alphabets. Lookbehinds stand behind
# the first character, so that others are skipped without a try.
_WHOLE_ID = re.compile(rf"[oO](?<![^\W{SPACELESS}].)(?<!\ufffd.)[rR][dD]_[0-9A-Za-z]{{1,64}}(?!{_IN_WORD})")
_ACCENT = re.compile(f"[{_MARKS.removesuffix(chr(0xFFFD))}]")
_NUMBER = re.compile(r"[0-9]{1,20}")
_ELLIPSIS = r"(?:[\u2025\u2026\u22ef]|\.\.)"
_ELLIPSES = ("..", "\u2025", "\u2026", "\u22ef")
_CUT_SHORT = re.compile(rf"(?<![^\W{SPACELESS}])(?<![{_MARKS}])({_ID.pattern}|{_NUMBER.pattern}){_ELLIPSIS}[.\u2026]*")
_NOTED_CUT = re.compile(rf"({_ID.pattern}|{_NUMBER.pattern})\.\.\.")
_DAMAGED = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]{1,3}|[0-9]{16,20}[.,]00?")
"""What a spreadsheet makes of a long number: some of its digits are gone, or may be."""
_LIKE_PREFIX = re.compile(r"[oO0][rR][dD]_|^[oO0][rR][dD](?:$|[\W\d])")
_MAYBE_ID = re.compile(r"[0-9]|[oO0][rR][dD]")
"""A token without this was not meant as an order (`looks_like_id`)."""
_FIRST_DIGIT, _ALONE = r"[0-9](?<![\w.+-].)", r"(?!\w|\.\w)"
_DAMAGED_WORD = re.compile(rf"{_FIRST_DIGIT}(?:[0-9]*\.[0-9]+[eE]\+?[0-9]{{1,3}}|[0-9]{{15,19}}\.00?){_ALONE}")
_WHOLE_DECIMAL = re.compile(rf"({_FIRST_DIGIT}[0-9]{{0,14}})\.00?{_ALONE}")
"""As a spreadsheet writes an ID that it takes for an amount; in free text a comma separates."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001-\U000e01ef]+"
)
"""All that Unicode calls format characters (Cf), and letters and marks that are shown as nothing."""
_BREAK = re.compile(r"[\s,;|\"'`()\[\]{}<>\u00ab\u00b4\u00bb\u2018-\u201f\u2039\u203a]+")

_PREFIX = "ord_"
_CUTS = ("\n", "\r", "\t", " ", ",", ";", "|")
"""Separators that no word goes on behind: where a long text may be cut."""
_RARE_CUTS = (
    *"\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\"'`()[]{}<>\u00ab\u00b4\u00bb\u2039\u203a",
    *map(chr, (*range(0x2000, 0x200B), *range(0x2018, 0x2020))),
    *"\u3001\u3002\uff0c\uff1a\uff1b",
)
"""More of them, to look for in what has none of the others."""
_LONGEST_WORD = 1 << 16
"""Characters of what stands between two separators; more of them are no list of orders."""

_DIGITS = frozenset("0123456789")
_FEWEST_DIGITS = 3
"""Digits of a number that is reported as no order; a shorter one is a count."""

_SHOWN_WHOLE = 16
_SHOWN_OF_LONG = 8
_SHOWN_OF_KEY = 3
SHORTEST_KEY = 8
"""Characters of the shortest API key that is taken (bot/services/keyring.py)."""


MOST_IGNORED = 1_000
"""Tokens that were no order, to be remembered of one text."""
MOST_SAMPLES = 20
"""Of these, tokens that are kept with a request; of the rest it is their number."""
SHOWN = 8
"""Tokens of a kind that a card shows."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a text names: each order once, as written; and the first tokens that are no order, shortened.

    An ID that was cut short is among those as it was found, with three dots behind it (`looks_cut_short`).
    """

    orders: tuple[str, ...]
    repeats: int
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """The first tokens of a kind, and how many there were; `over`: at least, since nobody counted on."""

    tokens: tuple[str, ...] = ()
    count: int = 0
    over: bool = False


@dataclass(frozen=True, slots=True)
class Junk:
    """What a text had that may have been meant as an order, as much as is kept and shown of it.

    IDs cut short, damaged numbers, and what looks like an ID otherwise. Plain words are neither kept nor shown.
    """

    cut_short: Sample = Sample()
    damaged: Sample = Sample()
    incomplete: Sample = Sample()

    @classmethod
    def of(cls, tokens: Iterable[str], counts: Iterable[int] | None = None) -> Self:
        """Sort tokens by what they are; `counts`: how many there were of each kind, where these are the first."""
        kinds: tuple[list[str], list[str], list[str]] = ([], [], [])
        for token in filter(looks_like_id, tokens):
            kinds[0 if looks_cut_short(token) else 1 if looks_damaged(token) else 2].append(token)
        named = tuple(map(len, kinds))
        numbers = tuple(map(max, counts or named, named))
        full, left, samples = sum(numbers) >= MOST_IGNORED, MOST_SAMPLES, list[Sample]()
        for at, (kind, number) in enumerate(zip(kinds, numbers, strict=True)):
            first = tuple(kind[: min(left, SHOWN)])
            left -= len(first)
            samples.append(Sample(first, number, full and (at == len(kinds) - 1 or number >= MOST_IGNORED)))
        return cls(*samples)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that are kept."""
        return self.cut_short.tokens + self.damaged.tokens + self.incomplete.tokens

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many there were of each kind."""
        return self.cut_short.count, self.damaged.count, self.incomplete.count


def find_orders(text: str) -> Found:
    """Return the order IDs in a text, whatever separates them.

    An ID is a whole word of `ord_` and 1 to 64 letters and digits (NotPanel documents no length); what is
    glued to more (`ord_Aord_B`, `ord_A_B`) is not guessed at but reported; so is one with an ellipsis behind it
    (`ord_01HG9…`), of which only the beginning was copied. Whole numbers, the IDs of other
    panels of this family, count only in a text of nothing but numbers: "any number in a sentence" taken
    for an order is how other bots cancel what nobody named.
    """
    finder = Finder()
    finder.feed(text)
    return finder.found()


def last_word(text: str, cuts: Iterable[str] = _CUTS) -> tuple[str, str]:
    """Part a text that is being typed behind its last separator: what is to stay, and the word that may go on."""
    end = max(map(text.rfind, cuts)) + 1
    return text[:end], text[end:]


def is_plain_id(word: str) -> bool:
    """Tell a word that is an order ID wherever it stands; a number is one only where it is named as such."""
    return bool(_ID.fullmatch(word))


def looks_cut_short(token: str) -> bool:
    """Tell, among the tokens that are no order, the beginning of an order's ID or number."""
    return bool(_NOTED_CUT.fullmatch(token))


def looks_damaged(token: str) -> bool:
    """Tell, among the tokens that are no order, a number some of whose digits a spreadsheet has dropped."""
    return bool(_DAMAGED.fullmatch(token))


def looks_like_id(token: str) -> bool:
    """Tell, among the tokens that are no order, what may have been meant as one; `24h` and `please` were not."""
    if looks_damaged(token) or _LIKE_PREFIX.search(token):
        return True
    signs = [sign for sign in token if sign.isalnum()]
    digits = sum(sign in _DIGITS for sign in signs)
    return digits >= _FEWEST_DIGITS or (digits > 0 and (len(signs) > _FEWEST_DIGITS or "\u2026" in token))


def like_ids(found: Found) -> Found:
    """Report only what was once an ID: the words of a sentence are not a list with mistakes, and not to be kept."""
    like_one = tuple(token for token in found.ignored if "ord_" in token.casefold() or looks_damaged(token))
    return replace(found, ignored=like_one)


def cut_at(text: str, *rooms: int) -> str:
    """Return a text as it is to be read; one that fills all the room there was may have been cut, and so its last word.

    `rooms`: how many characters it may have had. Clients cut what is pasted without a word.
    """
    if len(text) not in rooms or not (text[-1].isalnum() or text[-1] == "_"):
        return text
    _before, word = last_word(text)
    # NotPanel's IDs one a line leave but an "o" of the 130th in the 4,000 characters of a form.
    missing = _PREFIX[len(word) :] if _PREFIX.startswith(word.lower()) else ""
    return f"{text}{missing}\u2026"


def visible(text: str) -> str:
    """Return a text without its invisible characters, which come along with copied text."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def merge_found(one: Found, other: Found) -> Found:
    """Return what two texts name, each order once."""
    for empty, whole in ((one, other), (other, one)):
        if not (empty.orders or empty.ignored):
            return whole  # as it is: of a long list there is no room for a second one
    orders = tuple(dict.fromkeys(one.orders + other.orders))
    named = len(one.orders) + one.repeats + len(other.orders) + other.repeats
    ignored = sorted(dict.fromkeys(one.ignored + other.ignored), key=looks_like_id, reverse=True)
    return Found(orders, named - len(orders), tuple(ignored[:MOST_IGNORED]))


class Finder:
    """Finds the orders of a text that comes in pieces, wherever it was cut; `find_orders` says what counts.

    It stops at `most` orders: nobody takes more.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._cut = ""
        self._too_long = False
        self._form = _NUMBER
        self._orders: dict[str, None] = {}
        self._named = 0
        self._like_ids: dict[str, None] = {}
        self._words: dict[str, None] = {}
        self._cut_short: dict[str, None] = {}
        self._damaged: dict[str, None] = {}

    def feed(self, text: str) -> None:
        """Read on; the last word may go on in the next piece."""
        for at in range(0, len(text), _LONGEST_WORD):
            self._feed(text[at : at + _LONGEST_WORD])

    def _feed(self, piece: str) -> None:
        whole, self._cut = last_word(self._cut + piece)
        if len(self._cut) > _LONGEST_WORD:
            more, self._cut = last_word(self._cut, _RARE_CUTS)
            whole += more
        if self._too_long:  # the end of what has no end so far
            begin = next(iter(_BREAK.finditer(whole)), None)
            whole = whole[begin.start() :] if begin else ""
            self._too_long = begin is None
        self._read(whole)
        if len(self._cut) > _LONGEST_WORD:
            self._drop()

    def _drop(self) -> None:
        """Take what is longer than any word for one that is no order."""
        if not self._too_long:
            self._read(f"{visible(self._cut[:_SHOWN_WHOLE])}_")
        self._cut, self._too_long = "", True

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more can be found."""
        return self._form is _ID and self._most is not None and len(self._orders) >= self._most

    def found(self) -> Found:
        """Return what the whole text names."""
        if not self._too_long:
            self._read(self._cut)
        self._cut = ""
        cut_short = [f"{token}..." for token in self._cut_short if self._form.fullmatch(token)]
        noted = [*cut_short, *self._damaged]
        ignored = noted if self._form is _NUMBER else [*noted, *self._like_ids, *self._words]
        return Found(tuple(self._orders), self._named - len(self._orders), tuple(ignored[:MOST_IGNORED]))

    def _read(self, text: str) -> None:
        text = visible(text)  # taken for separators, invisible characters would cut an ID in two
        word_of = _ASCII_WORD if text.isascii() else _WORD
        if "." in text:
            self._damaged.update(dict.fromkeys(map(shorten, _DAMAGED_WORD.findall(text)[:MOST_IGNORED])))
            text = _DAMAGED_WORD.sub(" ", text)
            text = _WHOLE_DECIMAL.sub(r"\1", text) if self._form is _NUMBER else text
        if self._form is _NUMBER and not all(map(_NUMBER.fullmatch, word_of.findall(text))):
            self._form, self._named = _ID, 0
            self._orders.clear()
        if any(sign in text for sign in _ELLIPSES) and (cut := _CUT_SHORT.findall(text)):
            self._cut_short.update(dict.fromkeys(cut[:MOST_IGNORED]))
            text = _CUT_SHORT.sub(" ", text)
        for word in self._ids_in(text):
            if self._most is None or len(self._orders) < self._most:
                self._orders[word] = None
                self._named += 1
        self._ignore(text)

    def _ids_in(self, text: str) -> Iterable[str]:
        """Return the words of a text that have the form of an order's ID, or of its number."""
        if self._form is _ID and (text.isascii() or not _ACCENT.search(text)):
            return _WHOLE_ID.findall(text)
        return filter(self._form.fullmatch, (_ASCII_WORD if text.isascii() else _WORD).findall(text))

    def _ignore(self, text: str) -> None:
        """Remember what is no order ID; what comes to nothing if the text turns out to be of numbers alone."""
        if len(self._like_ids) >= MOST_IGNORED:
            return
        word_of = _ASCII_WORD if text.isascii() else _WORD
        for written in dict.fromkeys(_BREAK.split(text)):  # the same words stand in every line
            if _ID.fullmatch(written) or (len(self._words) >= MOST_IGNORED and not _MAYBE_ID.search(written)):
                continue
            rest = word_of.sub(lambda word: " " if _ID.fullmatch(word[0]) else word[0], written)
            for token in map(shorten, filter(word_of.search, rest.split())):
                kind = self._like_ids if looks_like_id(token) else self._words
                if len(kind) < MOST_IGNORED:
                    kind[token] = None


def shorten(token: str) -> str:
    """Make a token safe to store and show: what is as long as an API key can be is cut to a few characters.

    A number or a plain word is no key, nor is what has to do with `ord_`: they stay whole up to 16 characters, damaged
    numbers up to 32.
    """
    stem = token.removesuffix("\u2026")  # shortened before
    known = stem.isdecimal() or "ord_" in stem.casefold() or (stem.isalpha() and stem[1:].islower())
    whole = len(token) < SHORTEST_KEY or (len(token) <= _SHOWN_WHOLE and known)
    whole = whole or (len(token) <= 2 * _SHOWN_WHOLE and looks_damaged(token))
    return token if whole else f"{token[: _SHOWN_OF_LONG if known else _SHOWN_OF_KEY]}…"
