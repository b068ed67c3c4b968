"""The message menus: find the order IDs in any message, and ask before anything is sent."""

import asyncio
from collections.abc import Iterator
from functools import partial

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.cards.layout import CardView
from bot.domain.errors import TooMany
from bot.domain.markup import as_read
from bot.domain.order_ids import Found, cut_at, like_ids
from bot.services.panel_calls import MAX_REFILL
from cogs.acknowledge import Interaction
from cogs.cancel import begin
from cogs.orders import MOST_IN_MESSAGE, is_list, orders_in
from cogs.reply import Reply, answer
from cogs.status import look_up

_Said = discord.Message | discord.MessageSnapshot


@app_commands.context_menu(name=locale_str("Cancel orders in this message"))  # NOTE: at most 32 characters
async def cancel_in_message(interaction: Interaction, message: discord.Message) -> None:
    """Find the orders, then ask: whoever presses has not typed them.

    That is also why a message of nothing but numbers is read as a list of orders, as everywhere else: it may be a
    price, but the question shows what was found. In a message that says anything more no number is an order.
    """
    await answer(interaction, partial(_cancel_in, message=message))


async def _cancel_in(reply: Reply, message: discord.Message) -> None:
    await begin(reply, await _orders_of(reply, message), always=True)


@app_commands.context_menu(name=locale_str("Status of orders in this message"))  # NOTE: at most 32 characters
async def status_in_message(interaction: Interaction, message: discord.Message) -> None:
    """Find the orders and tell how they stand, which changes nothing."""
    await answer(interaction, partial(_status_in, message=message))


async def _status_in(reply: Reply, message: discord.Message) -> CardView:
    return await look_up(reply, await _orders_of(reply, message))


@app_commands.context_menu(name=locale_str("Refill orders in this message"))  # NOTE: at most 32 characters
async def refill_in_message(interaction: Interaction, message: discord.Message) -> None:
    """Find the orders, then ask whether to refill them: that cannot be taken back."""
    await answer(interaction, partial(_refill_in, message=message))


async def _refill_in(reply: Reply, message: discord.Message) -> None:
    found = await _orders_of(reply, message)
    if len(found.orders) > MAX_REFILL:
        raise TooMany(MAX_REFILL)
    await begin(reply, found, to_refill=True)


async def _orders_of(reply: Reply, message: discord.Message) -> Found:
    """Return the orders that a message names; raise as `orders_in` does."""
    files = [file for part in _parts(message) for file in part.attachments if is_list(file)]
    return like_ids(await orders_in(reply, await asyncio.to_thread(text_of, message), files))


def text_of(message: discord.Message) -> str:
    """Return all that a message says and forwards, as its readers see it; a line for each part, so none are joined."""
    return "\n".join(as_read(text) for part in _parts(message) for text in _texts(part) if text)


def _parts(message: discord.Message) -> list[_Said]:
    return [message, *message.message_snapshots]


def _texts(part: _Said) -> Iterator[str | None]:
    yield cut_at(part.content, *MOST_IN_MESSAGE)
    for embed in part.embeds:
        yield from (embed.author.name, embed.title, embed.description, embed.footer.text)
        for field in embed.fields:
            yield from (field.name, field.value)
    for component in part.components:
        yield from _shown(component)


def _shown(component: discord.Component) -> Iterator[str]:
    match component:
        case discord.TextDisplay(content=content):
            yield content
        case discord.Container(children=children) | discord.SectionComponent(children=children):
            for child in children:
                yield from _shown(child)
        case _:
            pass
