"""What every command does the same way: acknowledge first, answer once, report every error, show kept news."""

import asyncio
from typing import Any

import aiohttp
import discord
from pydantic import SecretStr

from bot.cancels import Place
from bot.client import Client, NotAcknowledged, answer_error
from bot.ui.cards import notice_card
from bot.ui.layout import CardView

Interaction = discord.Interaction[Client]

_ACKNOWLEDGE_WITHIN = 2.5
"""Seconds; Discord takes a first answer for three."""


async def acknowledge(interaction: Interaction, *, update: bool = False) -> int:
    """Tell Discord that an answer is coming, before anything else is done; return the id of the card to be.

    `update`: the answer replaces the message whose button was pressed. Raise NotAcknowledged where that
    fails or stays unclear: the user then sees a failure, so the caller must do nothing.
    """
    try:
        async with asyncio.timeout(_ACKNOWLEDGE_WITHIN):
            response = await interaction.response.defer(ephemeral=True, thinking=not update)
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise NotAcknowledged(str(error) or "no answer in time") from error
    message_id = interaction.message.id if update and interaction.message else response and response.message_id
    if message_id is None:
        raise NotAcknowledged("Discord named no message")
    return message_id


async def answer(interaction: Interaction, shown: CardView) -> None:
    """Put a card where the acknowledgement stands, then show what could not be delivered before."""
    await interaction.edit_original_response(view=shown.view, attachments=shown.files)
    await show_news(interaction)


async def show_news(interaction: Interaction) -> bool:
    """Show the user, and nobody else, every notice that Discord refused to deliver; tell whether there was one."""
    courier = interaction.client.use_cases.courier
    kept = await courier.kept_for(interaction.user.id)
    for news in kept:
        shown = notice_card(news.items, news.notice.reference)
        message = await interaction.followup.send(view=shown.view, files=shown.files, ephemeral=True, wait=True)
        await courier.seen(news, message.id)
    return bool(kept)


def place(interaction: Interaction, message_id: int) -> Place:
    """Return where the card of an acknowledged interaction stands."""
    assert interaction.channel_id is not None
    return Place(interaction.channel_id, interaction.guild_id, message_id, SecretStr(interaction.token))


class Pressed(discord.ui.DynamicItem[discord.ui.Button[Any]], template="np:never"):
    """A button known by its custom_id alone; base of all, since discord.py reports no error of a DynamicItem."""

    def __init__(self, match: Any) -> None:
        super().__init__(discord.ui.Button(custom_id=match.string))
        self.values: dict[str, int] = {name: int(value) for name, value in match.groupdict().items()}

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction[Any], item: Any, match: Any, /) -> "Pressed":
        """Build the button from what was pressed."""
        return cls(match)

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Answer the press, and every error of it."""
        try:
            await self.press(interaction)
        except Exception as error:
            await answer_error(interaction, error)

    async def press(self, interaction: Interaction) -> None:
        """Do what the button says."""
        raise NotImplementedError
