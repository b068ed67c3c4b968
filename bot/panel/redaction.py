"""Takes an API key out of what the panel writes, however the panel has written it (pure)."""

import base64
import re
from collections.abc import Iterator
from urllib.parse import quote

_STANDS_FOR = "[key]"
_SIGNS = re.compile("[^0-9A-Za-z]+")
_SHORTEST = 6
"""Letters and digits of a form of the key that is looked for among any signs; shorter ones are found by chance."""


class Redaction:
    """Knows one key in its forms: as it is, backwards, in hex, base64 or percent signs, in capitals, split by signs."""

    def __init__(self, key: str) -> None:
        self._whole = key
        forms = {_plain(form) for form in _forms(key)}
        self._forms = sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True)
        self._shortest = min(map(len, [*self._forms, key]))

    def applied(self, text: str) -> str:
        """Return a text in which something else stands for the key."""
        if not self._whole or len(text) < self._shortest:
            return text
        text = text.replace(self._whole, _STANDS_FOR)
        plain = _plain(text)
        for form in self._forms:
            if form in plain:
                text = _without(text, [*_places(plain, form)], len(form))
                plain = _plain(text)
        return text


def _plain(text: str) -> str:
    """Return a text's letters and digits, without the difference of capitals."""
    return _SIGNS.sub("", text).lower()


def _places(plain: str, form: str) -> Iterator[int]:
    """Yield where a form stands."""
    at = plain.find(form)
    while at >= 0:
        yield at
        at = plain.find(form, at + len(form))


def _without(text: str, begins: list[int], length: int) -> str:
    """Return a text without `length` letters and digits from each place, and without what stands between them."""
    places = [place for place, sign in enumerate(text) if sign.isascii() and sign.isalnum()]
    parts, end = list[str](), 0
    for first in begins:
        parts += [text[end : places[first]], _STANDS_FOR]
        end = places[first + length - 1] + 1
    return "".join([*parts, text[end:]])


def _forms(key: str) -> Iterator[str]:
    for form in (key, key[::-1]):
        written = form.encode(errors="replace")
        yield form
        yield quote(form, safe="", errors="replace")
        yield quote(quote(form, safe="", errors="replace"))
        yield written.hex()
        for before in range(3):
            # Of what stands around the key some bits are in the first and the last character.
            encoded = base64.b64encode(bytes(before) + written + bytes(2)).decode()
            yield encoded[(before * 8 + 5) // 6 : (before + len(written)) * 8 // 6]
