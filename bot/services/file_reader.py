"""Order IDs out of files that a user uploads: a program of its own, run for each request that comes with files.

`python -m bot.services.file_reader` gets the files on its standard input and writes what they name on its standard
output; bot/services/file_reading.py runs it. It imports nothing of the bot but what reads orders, and gets none of its
secrets. Whatever a file does to it, it ends after some seconds.
"""

import codecs
import json
import re
import signal
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO

from bot.domain.order_ids import Finder, Found, merge_found
from bot.domain.order_tables import read_table

MOST_BYTES = 10_000_000
"""Of all files of one request together."""
SECONDS = 5
"""For which the files of one request may be read."""
_MOST_MEMORY = 128 << 20
"""Bytes of address space, of which Python itself takes some twenty millions and a file of numbers as many more."""
_PIECE = 1 << 16
_LINES = 1_000
_LENGTH = struct.Struct(">I")
END = _LENGTH.pack(0)
"""Stands on the standard input behind a text or a file."""


class NotText(Exception):
    """The file is no text."""


def framed(piece: bytes) -> bytes:
    """Return a piece of a text or a file as it is to stand on the standard input."""
    return _LENGTH.pack(len(piece)) + piece


def read_files(text: str, files: Iterable[bytearray], most: int) -> Found:
    """Return the orders that a text and files name, at most `most`; raise NotText. The files are used up.

    Tables are read by their column of orders; what is none is read on as one text.
    """
    finder, tables = Finder(most), Found((), 0, ())
    finder.feed(text)
    for content in files:
        if table := read_table(decoded(content), most):
            tables = merge_found(tables, table)
            continue
        finder.feed("\n")
        for piece in decoded(content, use_up=True):
            if finder.is_full:
                break
            finder.feed(piece)
    return merge_found(finder.found(), tables)


def decoded(content: bytes | bytearray, *, use_up: bool = False) -> Iterator[str]:
    """Yield a file's text in pieces, in the encodings that editors and spreadsheets write; raise NotText for others.

    There is no need to guess a code page: order IDs, numbers and the names of columns are ASCII, which all of them
    share. What UTF-8 cannot read is punctuation or lost (`_AGREED`), and a lost character costs the word it stands in,
    nothing else. `use_up`: what has been read of a bytearray is given up.
    """
    utf_16 = _utf_16(content[:_PIECE])
    pieces = _used_up(content) if use_up and isinstance(content, bytearray) else _pieces(content)
    for piece in codecs.iterdecode(pieces, utf_16 or "utf-8", "replace" if utf_16 else "surrogateescape"):
        if "\0" in piece:
            raise NotText
        yield piece if piece.isascii() or not _ESCAPED.search(piece) else _agreed(piece)


def _pieces(content: bytes | bytearray) -> Iterator[bytes]:
    return (bytes(content[at : at + _PIECE]) for at in range(0, len(content), _PIECE))


def _used_up(content: bytearray) -> Iterator[bytes]:
    while content:
        yield bytes(content[:_PIECE])
        del content[:_PIECE]


def _utf_16(begin: bytes | bytearray) -> str | None:
    """Return which UTF-16 a file is written in, by its mark or else by where its ASCII characters have their zeros."""
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = begin[0::2], begin[1::2]
    for characters, zeros, encoding in ((even, odd, "utf-16-le"), (odd, even, "utf-16-be")):
        ascii_letters = sum(not high and low in _ASCII for low, high in zip(characters, zeros, strict=False))
        if ascii_letters > len(even) / 4:
            return encoding
    return None


_ASCII = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)))
_CODE_PAGES = ("cp1251", "cp1252", "cp1254")
_ESCAPED = re.compile("[\udc80-\udcff]+")
"""What Python makes of bytes that are not UTF-8."""


def _punctuation() -> Iterator[tuple[int, str]]:
    """Yield the bytes that are the same punctuation in every code page: quotation marks, dashes, the ellipsis."""
    for byte in range(0x80, 0x100):
        meanings = {bytes([byte]).decode(page, "replace") for page in _CODE_PAGES}
        if len(meanings) == 1 and not (meaning := meanings.pop()).isalnum():
            yield byte, meaning


_AGREED = [(chr(0xDC00 + byte), meaning) for byte, meaning in _punctuation()]
"""Such bytes as the code pages agree on them."""


def _agreed(text: str) -> str:
    """Return a text with such bytes as the code pages agree on them; others are one lost character, however many."""
    for byte, meaning in _AGREED:
        text = text.replace(byte, meaning)
    return _ESCAPED.sub("\ufffd", text)


def written(found: Found) -> Iterator[bytes]:
    """Yield what files name as it stands on the standard output: quick to read again, however much it is."""
    yield json.dumps([found.repeats, found.ignored]).encode()
    for at in range(0, len(found.orders), _LINES):
        yield "\n".join(["", *found.orders[at : at + _LINES]]).encode()


class Reread:
    """Reads what `written` has given, in pieces, so that of a long list there are no two copies."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """Read on."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self._lines += [line.decode() for line in lines]

    def found(self) -> Found:
        """Return what was given."""
        head, *orders = [*self._lines, self._rest.decode()]
        repeats, ignored = json.loads(head)
        return Found(tuple(orders), repeats, tuple(ignored))


def _stored(source: BinaryIO) -> Iterator[bytearray]:
    """Yield the text and then each file; raise EOFError where whoever hands them over has gone."""
    while head := source.read(_LENGTH.size):
        content = bytearray()
        while length := _LENGTH.unpack(head)[0]:
            content += source.read(length)
            head = source.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                raise EOFError
        yield content


def _limit() -> None:
    """See that this process ends and stays small, also where nobody is left to end it; Windows has no such limits."""
    if sys.platform == "win32":
        return
    import resource

    signal.alarm(2 * SECONDS)
    for limit, most in ((resource.RLIMIT_AS, _MOST_MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):  # systemd's filter of calls may forbid it; time is limited all the same
            resource.setrlimit(limit, (most, most))


def _main(most: int) -> int:
    _limit()
    files = _stored(sys.stdin.buffer)
    try:
        found = read_files(next(files).decode(), files, most)
    except NotText:
        return NOT_TEXT
    sys.stdout.buffer.writelines(written(found))
    return 0


NOT_TEXT = 3
"""The exit code for a file that is no text."""

if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1])))
