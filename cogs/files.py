"""Attached lists of orders: text out of a file that a user uploads."""

import aiohttp
import discord

from bot.problems import BadFile, FileFault

MOST_BYTES = 1_000_000


async def read_text(file: discord.Attachment) -> str:
    """Return the text of an attachment; raise BadFile."""
    if file.size > MOST_BYTES:
        raise BadFile(FileFault.TOO_LARGE)
    try:
        content = await file.read()
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
        raise BadFile(FileFault.NOT_GIVEN) from error
    return decode(content)


def decode(content: bytes) -> str:
    """Return a file's text in the encodings that editors and spreadsheets write; raise BadFile for others."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise BadFile(FileFault.NOT_TEXT)
    return text
