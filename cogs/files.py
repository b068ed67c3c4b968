"""Attached lists of orders: order IDs out of files that a user uploads, piece by piece."""

import asyncio
import codecs
import re
from collections.abc import Iterator, Sequence

import aiohttp
import discord

from bot.cancels import MAX_ORDERS
from bot.client import Client
from bot.orders import Finder, Found, together
from bot.problems import BadFile, FileFault
from bot.tables import read_table

MOST_BYTES = 10_000_000
_PIECE = 1 << 16
_LISTS = (".txt", ".csv", ".tsv", ".log")
_DOWNLOAD_WITHIN = 30
"""Seconds; whoever comes with a file meanwhile has to wait for this one."""


async def orders_in(client: Client, text: str, files: Sequence[discord.Attachment]) -> Found:
    """Return the orders that a text, as it is read (bot/markup.py), and files name together; raise BadFile.

    Tables are read by their column of orders.
    Long lists are read beside the event loop, so that nobody has to wait for somebody else's.
    """
    finder, tables = Finder(MAX_ORDERS + 1), Found((), 0, ())
    finder.feed(text)
    for file in files:
        if file.size > MOST_BYTES:
            raise BadFile(FileFault.TOO_LARGE)
        async with client.long_lists:
            tables = together(tables, await asyncio.to_thread(_read, finder, await _download(file)))
    return together(finder.found(), tables)


async def _download(file: discord.Attachment) -> bytes:
    try:
        async with asyncio.timeout(_DOWNLOAD_WITHIN):
            return await file.read()
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
        raise BadFile(FileFault.NOT_GIVEN) from error


def _read(finder: Finder, content: bytes) -> Found:
    """Return what a table names; what is none is left to the finder."""
    table = read_table(decoded(content), MAX_ORDERS + 1)
    if table:
        return table
    finder.feed("\n")
    for piece in decoded(content):
        finder.feed(piece)
    return Found((), 0, ())


def decoded(content: bytes) -> Iterator[str]:
    """Yield a file's text in pieces, in the encodings that editors and spreadsheets write; raise BadFile for others.

    There is no need to guess a code page: order IDs, numbers and the names of columns are ASCII, which all of them
    share. What UTF-8 cannot read is punctuation or lost (`_read_as_code_page`), and a lost character costs the word
    it stands in, nothing else.
    """
    for piece in _pieces(content, _utf_16(content[:_PIECE]) or "utf-8"):
        if "\0" in piece:
            raise BadFile(FileFault.NOT_TEXT)
        yield piece


def _utf_16(begin: bytes) -> str | None:
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


def _punctuation() -> Iterator[tuple[int, str]]:
    """Yield the bytes that are the same punctuation in every code page: quotation marks, dashes, the ellipsis."""
    for byte in range(0x80, 0x100):
        meanings = {bytes([byte]).decode(page, "replace") for page in _CODE_PAGES}
        if len(meanings) == 1 and not (meaning := meanings.pop()).isalnum():
            yield byte, meaning


_AGREED = dict.fromkeys(range(0x80, 0x100), "\ufffd") | dict(_punctuation())
_NOT_UTF_8 = re.compile(rb"(?:[\x80-\xbf]|[\xc0-\xff](?=[\x00-\x7f\xc0-\xff]))*")
"""What goes on behind bytes that are not UTF-8 without being any: one step for a word, not one for each byte."""


def _read_as_code_page(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are not of the encoding as the code pages agree on, or as a lost character where they do not."""
    assert isinstance(error, UnicodeDecodeError)
    if error.encoding.startswith("utf-16"):
        return "\ufffd", error.end
    run = _NOT_UTF_8.match(error.object, error.end)
    end = run.end() if run else error.end
    return error.object[error.start : end].decode("latin-1").translate(_AGREED), end


codecs.register_error("bot-code-page", _read_as_code_page)


def _pieces(content: bytes, encoding: str) -> Iterator[str]:
    pieces = (content[at : at + _PIECE] for at in range(0, len(content), _PIECE))
    return codecs.iterdecode(pieces, encoding, "bot-code-page")


def is_list(file: discord.Attachment) -> bool:
    """Tell lists from the pictures and sounds that messages have with them."""
    return (file.content_type or "").startswith("text/") or file.filename.casefold().endswith(_LISTS)
