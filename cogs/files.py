"""Attached lists of orders: order IDs out of files that a user uploads, piece by piece."""

import asyncio
import codecs
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
_DOWNLOAD_WITHIN = 30
"""Seconds; whoever comes with a file meanwhile has to wait for this one."""


async def orders_in(client: Client, text: str, files: Sequence[discord.Attachment]) -> Found:
    """Return the orders that a text and files name together, tables by their column of orders; raise BadFile.

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
    """Yield a file's text in pieces, in the encodings that editors and spreadsheets write; raise BadFile for others."""
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        for _ in _pieces(content, encoding):
            pass
    except UnicodeDecodeError:
        encoding = "latin-1"
    for piece in _pieces(content, encoding):
        if "\0" in piece:
            raise BadFile(FileFault.NOT_TEXT)
        yield piece


def _pieces(content: bytes, encoding: str) -> Iterator[str]:
    return codecs.iterdecode((content[at : at + _PIECE] for at in range(0, len(content), _PIECE)), encoding)
