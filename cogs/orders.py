"""Which orders a user means: from what they typed, a message or attached files, wherever these came from."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, TypeVar

import aiohttp
import discord

from bot.client import Client
from bot.domain.errors import BadFile, FileFault
from bot.domain.markup import as_read
from bot.domain.order_ids import Found, cut_at, find_orders
from bot.services.cancels import MAX_ORDERS
from bot.services.file_reader import MOST_BYTES
from cogs.reply import Reply

T = TypeVar("T")

MOST_IN_OPTION = 6_000
"""Characters of a command's option (Discord)."""
MOST_IN_MESSAGE = (2_000, 4_000)
"""Characters of a message, and of one by somebody with Nitro (Discord)."""
_LONG_TEXT = 500
"""Characters above which a text is read in a thread; shorter ones take a millisecond."""
_PIECE = 1 << 16
_LISTS = (".txt", ".csv", ".tsv", ".log")
_UNPACKED = {"Accept-Encoding": "identity"}
"""So that what comes is as large as the file, and no more."""


async def read_beside(read: Callable[[str], T], text: str) -> T:
    """Read a text; a long one in a thread, beside everybody else's work, which 6,000 characters would hold up."""
    return await asyncio.to_thread(read, text) if len(text) > _LONG_TEXT else read(text)


async def typed_orders(
    reply: Reply, text: str, files: Sequence[discord.Attachment] = (), key: str = "", room: int = MOST_IN_OPTION
) -> Found:
    """Return the orders that a user has typed into an option or a form, or attached; raise as `orders_in` does.

    `room`: the characters that the field takes; see `cut_at`.
    """
    return await orders_in(reply, await read_beside(as_read, cut_at(text, room)), files, key)


async def orders_in(reply: Reply, text: str, files: Sequence[discord.Attachment] = (), key: str = "") -> Found:
    """Return the orders that a text without markup (bot/domain/markup.py) and a user's files name; raise BadFile.

    Nothing is fetched for whoever has too much open under that key: raise as `Cancels.may_begin` does. Whoever has no
    key has files read, too, since what they name is kept.
    """
    if not files:
        return await read_beside(find_orders, text)
    await reply.services.cancels.may_begin(reply.user_id, key)
    if sum(file.size for file in files) > MOST_BYTES:
        raise BadFile(FileFault.TOO_LARGE)
    pieces = [_pieces(reply.client, file.url) for file in files]
    return await reply.services.reading_room.read(reply.user_id, text, pieces, MAX_ORDERS + 1)


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
