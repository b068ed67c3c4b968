"""Attached lists of orders: which they are, who may come with one, how they get from Discord to the reading room."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import aiohttp
import discord

from bot.client import Client
from bot.domain.errors import BadFile, FileFault
from bot.domain.order_ids import Found, find_orders
from bot.services.cancels import MAX_ORDERS
from bot.services.file_reader import MOST_BYTES
from cogs.common import read_beside

_PIECE = 1 << 16
_LISTS = (".txt", ".csv", ".tsv", ".log")
_UNPACKED = {"Accept-Encoding": "identity"}
"""So that what comes is as large as the file, and no more."""


async def orders_in(
    client: Client, user_id: int, text: str, files: Sequence[discord.Attachment], *, key: str = ""
) -> Found:
    """Return the orders that a text (as bot/domain/markup.py reads it) and a user's files name; raise BadFile.

    Nothing is fetched for whoever could not cancel anything: raise as `Cancels.may_begin` does.
    """
    if not files:
        return await read_beside(find_orders, text)
    await client.services.cancels.may_begin(user_id, key)
    if sum(file.size for file in files) > MOST_BYTES:
        raise BadFile(FileFault.TOO_LARGE)
    pieces = [_pieces(client, file.url) for file in files]
    return await client.reading_room.read(user_id, text, pieces, MAX_ORDERS + 1)


async def _pieces(client: Client, url: str) -> AsyncGenerator[bytes]:
    """Yield a file as it comes; raise BadFile. discord.py itself would hold all of it, however large it is."""
    http: Any = client.http
    session: aiohttp.ClientSession = http._HTTPClient__session
    try:
        async with session.get(url, headers=_UNPACKED, proxy=http.proxy, proxy_auth=http.proxy_auth) as response:
            if response.status != 200 or "Content-Encoding" in response.headers:
                raise BadFile(FileFault.NOT_GIVEN)
            async for piece in response.content.iter_chunked(_PIECE):
                yield piece
    except aiohttp.ClientError as error:
        raise BadFile(FileFault.NOT_GIVEN) from error


def is_list(file: discord.Attachment) -> bool:
    """Tell lists from the pictures and sounds that messages have with them."""
    return (file.content_type or "").startswith("text/") or file.filename.casefold().endswith(_LISTS)
