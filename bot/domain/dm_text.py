"""What a direct message asks for (pure): a command as it would be typed, or a sentence that needs a question first."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from bot.domain.markup import as_read
from bot.domain.order_ids import SPACELESS, find_orders, visible

CANCEL, STATUS, REFILL = VERBS = ("cancel", "status", "refill")
"""What can be done with the orders that a message names."""

EXAMPLES = {
    CANCEL: "cancel ord_…",
    STATUS: "status ord_…",
    REFILL: "refill ord_…",
    "queued": "queued",
    "history": "history",
    "balance": "balance",
    "settings": "settings",
    "key": "key show",
    "forget": "forget me",
    "help": "help",
}
"""What is understood, by its first word."""

_POLITE = {
    *("please", "pls", "plz", "kindly", "thanks", "thank", "you", "thx", "ty", "hi", "hey", "hello", "now", "asap"),
    *("and", "also", "the", "these", "this", "my", "order", "orders", "id", "ids"),
}
"""Words that change nothing of what a command means; "not", "or" and "all" are none of them."""
_POLITE_WORDS = re.compile(rf"(?<!\w)(?:{'|'.join(_POLITE)})(?!\w)", re.IGNORECASE)
_FIRST = re.compile(r"[\W_]*(?P<word>[^\W\d_]+)(?!\w)\W*(?P<rest>.*)", re.DOTALL)
_LIKE_IDS = re.compile(r"(?<!\w)\w*ord_\w*", re.IGNORECASE | re.ASCII)
_WORD = re.compile(rf"[{SPACELESS}]+|[^\W_{SPACELESS}]+")
_DOUBTFUL = re.compile(r"\?|~~|^\s*>", re.MULTILINE)
"""Asked, struck out or quoted: a person who reads that is not sure that it is meant."""
_MOST_COMPARED, _ALIKE = 20, 0.6


@dataclass(frozen=True, slots=True)
class DmText:
    """A direct message as it is read: its command (empty: none), what comes behind that, and the whole text.

    `plain`: it is a verb with order IDs and polite words alone, and means what the slash command of that name means.
    `verbs`: the verbs that stand anywhere in it.
    """

    command: str
    rest: str
    text: str
    plain: bool
    verbs: frozenset[str]


def read_message(content: str) -> DmText:
    """Read a direct message: polite words, punctuation, capitals and markup make no difference to a command."""
    text = visible(as_read(content)).strip()
    command, rest = _command(text)
    words = _words(rest)
    rest_of_verb = _POLITE_WORDS.sub(" ", rest) if command in VERBS else rest
    numbers = {order for order in find_orders(rest_of_verb).orders if order.isdecimal()}
    only_ids = words <= _POLITE | numbers
    plain = command in VERBS and only_ids and not _DOUBTFUL.search(content)
    return DmText(command, rest_of_verb.strip(), text, plain, frozenset(_words(text).intersection(VERBS)))


def _words(text: str) -> set[str]:
    """Return the words of a text that are no IDs."""
    return {word.casefold() for word in _WORD.findall(_LIKE_IDS.sub(" ", text))}


def _command(text: str) -> tuple[str, str]:
    """Return the first word that is more than polite and what comes behind it; a greeting alone is a command too."""
    first = found = _FIRST.match(text)
    while found and found["word"].casefold() in _POLITE:
        found = _FIRST.match(found["rest"])
    found = found or (first if first and not find_orders(first["rest"]).orders else None)
    return (found["word"].casefold(), found["rest"]) if found else ("", text)


def nearest_examples(text: str) -> tuple[str, ...]:
    """Return the two things to type that are most like a text that was not understood."""
    words = [word.casefold() for word in _WORD.findall(text)[:_MOST_COMPARED]]

    def likeness(name: str) -> float:
        return max((SequenceMatcher(None, word[:_MOST_COMPARED], name).ratio() for word in words), default=0)

    likenesses = {name: likeness(name) for name in EXAMPLES}
    alike = sorted((name for name in EXAMPLES if likenesses[name] >= _ALIKE), key=likenesses.__getitem__, reverse=True)
    return tuple(EXAMPLES[name] for name in list(dict.fromkeys([*alike, CANCEL, "help"]))[:2])
