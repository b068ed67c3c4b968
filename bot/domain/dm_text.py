"""What a direct message asks for (pure): a command as it would be typed, or a sentence that needs a question first."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from bot.domain.dm_words import (
    ASKED,
    BALANCE,
    CANCEL,
    FORGET,
    HELLO,
    HELP,
    HISTORY,
    KEY,
    NEGATIONS,
    POLITE,
    QUEUED,
    REFILL,
    SETTINGS,
    STATUS,
    THANKS,
    VERBS,
    WORDS,
)
from bot.domain.markup import as_read
from bot.domain.order_ids import SPACELESS, find_orders, visible

READ_ONLY: frozenset[str] = frozenset({QUEUED, HISTORY, BALANCE, SETTINGS, HELP})
"""Commands that change nothing: what mentions one of them and no order means it."""
_SUGGESTED: tuple[str, ...] = (CANCEL, STATUS, REFILL, QUEUED, HISTORY, BALANCE, SETTINGS, KEY, FORGET, HELP)

_MARKS = (
    "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0951-\u0957\u0962\u0963"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
"""Accents, vowels and strokes that belong to the letter before them, as in Arabic and Hindi."""
_LETTERS = rf"[^\W_{SPACELESS}]"
_WORD = re.compile(
    rf"(?P<id>(?<![0-9A-Za-z_])[0-9A-Za-z_]*[oO][rR][dD]_[0-9A-Za-z_]*)"
    rf"|(?P<word>[{SPACELESS}]+|{_LETTERS}(?:{_LETTERS}|[{_MARKS}])*(?:['\u2019][tT](?!\w))?)"
)
_NO_GAP = re.compile(r"[ \u00a0-]{0,3}")
_DROPPED = str.maketrans(
    {
        **dict.fromkeys([0x0307, 0x0640, 0x0621, 0x0670, *range(0x064B, 0x0653)]),
        **{"\u0131": "i", "\u2019": "'"},
        **dict.fromkeys("\u0622\u0623\u0625\u0671", "\u0627"),  # alef with hamza, madda or wasla
        **{"\u0629": "\u0647", "\u0649": "\u064a", "\u06cc": "\u064a", "\u06a9": "\u0643"},  # ta marbuta, ya, kaf
    }
)
"""What is written or left out as people like: the dot of a Turkish i, Arabic vowels, hamza and stretched lines."""
_DOUBTFUL = re.compile(r"[?\u00bf\u061f\u2047-\u2049\u203d\uff1f\U0001f6ab\u26d4\u20e0]|~~|^\s*>", re.MULTILINE)
"""Asked, struck out, forbidden or quoted: a person who reads that is not sure that it is meant."""
_ONLY_ASKED = re.compile(r"[\s!.\u00a1]*[?\u00bf\u061f\uff1f][\s!.?\u00a1\u00bf\u061f\uff1f]*")
_MOST_COMPARED, _ALIKE = 20, 0.6
_MOST_WORDS = 400
"""Words that are read, a list counted as one; what has more of them is no command."""


@dataclass(frozen=True, slots=True)
class DmText:
    """A direct message as it is read: its command (empty: none), what comes behind that, and the whole text.

    `plain`: it is a verb with order IDs and polite words alone, and means what the slash command of that name means.
    `verbs`: the verbs that stand anywhere in it; none where a word takes back what they say.
    """

    command: str
    rest: str
    text: str
    plain: bool
    verbs: frozenset[str]


class _Phrase(NamedTuple):
    """A word or some that mean a thing (empty: nothing that is known, or an ID), and where they stand."""

    name: str
    sure: bool
    is_id: bool
    words: tuple[str, ...]
    start: int
    end: int


def folded(word: str) -> str:
    """Return a word without what people write either way: capitals, a Turkish i's dot, Arabic vowels and hamzas."""
    if word.isascii():
        return word.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", word).casefold().translate(_DROPPED))


def _without_accents(word: str) -> str:
    letters = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", letters).replace("đ", "d"))


def phrases_of(listed: str) -> list[tuple[str, ...]]:
    """Return the phrases of a list in the table, as words are looked up."""
    return [tuple(folded(word[0]) for word in _WORD.finditer(phrase)) for phrase in listed.split(",")]


@cache
def _known() -> Mapping[tuple[str, ...], tuple[str, bool]]:
    """Return all phrases, what each means, and whether it is sure; without accents no verb is sure."""
    known: dict[tuple[str, ...], tuple[str, bool]] = {}
    written = [
        (phrase, name)
        for language in WORDS.values()
        for name, listed in language.items()
        for phrase in phrases_of(listed)
    ]
    for phrase, name in written:
        known.setdefault(phrase, (CANCEL, False) if name == ASKED else (name, True))
    for phrase, name in written:
        sure = name not in (*VERBS, ASKED)
        known.setdefault(tuple(map(_without_accents, phrase)), (CANCEL if name == ASKED else name, sure))
    return known


@cache
def _longest() -> Mapping[str, int]:
    """Return of how many words the longest phrase is that begins with a word."""
    longest: dict[str, int] = {}
    for phrase in _known():
        longest[phrase[0]] = max(len(phrase), longest.get(phrase[0], 0))
    return longest


@cache
def _negations() -> frozenset[tuple[str, ...]]:
    words = [phrase for listed in NEGATIONS.values() for phrase in phrases_of(listed)]
    return frozenset([*words, *(tuple(map(_without_accents, phrase)) for phrase in words)])


def read_message(content: str) -> DmText:
    """Read a direct message: polite words, punctuation, capitals and markup make no difference to a command."""
    text = visible(as_read(content)).strip()
    words = _words(text)
    if len(words) > _MOST_WORDS:
        return DmText("", text, text, plain=False, verbs=frozenset())
    phrases = list(_phrases(words, text))
    first = _command(phrases)
    command, end = (first.name, first.end) if first else ("", 0)
    rest = text[end:].strip()
    behind = [phrase for phrase in phrases if phrase.start >= end and not phrase.is_id]
    if command in VERBS:
        rest = _without(text, end, [phrase for phrase in behind if _is_polite(phrase)]).strip()
    numbers = {order for order in find_orders(rest).orders if order.isdecimal()} if command in VERBS else set[str]()
    only_ids = all(_is_polite(phrase) or numbers.issuperset(phrase.words) for phrase in behind)
    negated = _is_negated(phrases)
    plain = bool(first and first.sure and command in VERBS and only_ids and not negated)
    verbs = frozenset[str]() if negated else frozenset({phrase.name for phrase in phrases} & {*VERBS})
    return DmText(command or _mentioned(phrases), rest, text, plain and not _DOUBTFUL.search(content), verbs)


def only_asks(text: str) -> bool:
    """Tell a message of nothing but question marks."""
    return bool(_ONLY_ASKED.fullmatch(text))


def _words(text: str) -> list[re.Match[str]]:
    """Return the words of a text, of IDs or numbers behind each other the first; no more than _MOST_WORDS and one.

    More objects at once would make Python look through all that it has, which holds everybody up.
    """
    words: list[re.Match[str]] = []
    last = ""
    for word in _WORD.finditer(text):
        kind = _is_one_of_many(word)
        if not (kind and kind == last):
            words.append(word)
        last = kind
        if len(words) > _MOST_WORDS:
            break
    return words


def _is_one_of_many(word: re.Match[str]) -> str:
    """Tell IDs and numbers, of which a list has many, from words; empty for these."""
    return "id" if word["id"] else "number" if word[0].isdecimal() else ""


def _phrases(words: Sequence[re.Match[str]], text: str) -> Iterator[_Phrase]:
    """Yield the words of a text, those that mean something together as one."""
    known, longest = _known(), _longest()
    folded_words = {word: folded(word) for word in {word[0] for word in words}}
    at = 0
    while at < len(words):
        first, length = words[at], 1
        if first["id"]:
            yield _Phrase("", False, True, (), *first.span())
        else:
            run = (folded_words[first[0]],)
            for one, other in pairwise(words[at : at + longest.get(run[0], 1)]):
                if other["id"] or not _NO_GAP.fullmatch(text, one.end(), other.start()):
                    break
                run = (*run, folded_words[other[0]])
            length = next((length for length in range(len(run), 0, -1) if run[:length] in known), 1)
            name, sure = known.get(run[:length], ("", False))
            yield _Phrase(name, sure, False, run[:length], first.start(), words[at + length - 1].end())
        at += length


def _is_polite(phrase: _Phrase) -> bool:
    return phrase.name in (POLITE, HELLO, THANKS)


def _command(phrases: Iterable[_Phrase]) -> _Phrase | None:
    """Return what is first said that is more than polite, if it is a command; a greeting alone is one, too."""
    said = [phrase for phrase in phrases if phrase.name != POLITE]
    more = next((phrase for phrase in said if not _is_polite(phrase)), None)
    if more:
        return more if more.name else None
    return next(iter(said), None)


def _mentioned(phrases: Iterable[_Phrase]) -> str:
    """Return the one command that changes nothing and that is spoken of, if it is one and there is no other."""
    named = {phrase.name for phrase in phrases} - {"", POLITE, HELLO, THANKS}
    return named.pop() if len(named) == 1 and named <= READ_ONLY else ""


def _is_negated(phrases: Iterable[_Phrase]) -> bool:
    words = [word for phrase in phrases for word in phrase.words]
    return not _negations().isdisjoint([*((word,) for word in words), *pairwise(words)])


def _without(text: str, start: int, phrases: Iterable[_Phrase]) -> str:
    """Return the text from there on without some of its phrases."""
    parts: list[str] = []
    for phrase in phrases:
        parts += [text[start : phrase.start], " "]
        start = phrase.end
    return "".join([*parts, text[start:]])


def example(name: str, language: str) -> str:
    """Return what can be typed for a command, in that language."""
    written = WORDS.get(language, {}).get(name) or WORDS["en"][name]
    return f"{written.split(',')[0]}{' ord_…' if name in VERBS else ''}"


def nearest_examples(text: str, language: str = "en") -> tuple[str, ...]:
    """Return the two things to type that are most like a text that was not understood, in the user's language."""
    words = [folded(word["word"])[:_MOST_COMPARED] for word in _words(text) if word["word"]][:_MOST_COMPARED]
    aliases = {name: {_alias(name, "en"), _alias(name, language)} for name in _SUGGESTED}
    likenesses = dict.fromkeys(_SUGGESTED, 0.0)
    compared: SequenceMatcher[str] = SequenceMatcher()
    for word in words:
        compared.set_seq2(word)
        for name, alike in aliases.items():
            for alias in alike:
                compared.set_seq1(alias)
                if compared.quick_ratio() >= _ALIKE and (ratio := compared.ratio()) >= _ALIKE:
                    likenesses[name] = max(likenesses[name], ratio)
    alike = sorted(
        (name for name in _SUGGESTED if likenesses[name] >= _ALIKE), key=likenesses.__getitem__, reverse=True
    )
    return tuple(example(name, language) for name in list(dict.fromkeys([*alike, CANCEL, HELP]))[:2])


def _alias(name: str, language: str) -> str:
    """Return the first word of what a command is called."""
    return folded(example(name, language).split()[0])
