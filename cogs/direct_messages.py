"""Plain text in a DM with the bot: the same use cases as the slash commands, under the same names."""

import asyncio
import logging

import discord
from discord.ext import commands

from bot.arrivals import arrived, waited
from bot.cancels import Place
from bot.client import Client, describe
from bot.language import speak
from bot.notices import DELIVERY_ERRORS
from bot.orders import find_orders
from bot.panel import PanelError
from bot.problems import TooFast, UserError
from bot.store import LedgerError
from bot.ui.answers import help_card, key_in_message, not_understood, working
from bot.ui.cards import notice_card
from bot.ui.keys import keys_card
from bot.ui.layout import CardView
from bot.ui.overviews import open_card
from bot.ui.preferences import preferences_card
from cogs.balance import what_is_left
from cogs.files import orders_in
from cogs.forget import ask_to_erase
from cogs.history import look_back
from cogs.refill import ask_for_refills
from cogs.status import look_up

log = logging.getLogger(__name__)

_LOOKS_LIKE_A_KEY = 20
"""A single word of that length that is no command may be somebody's API key."""


class DirectMessages(commands.Cog):
    """Listens in DMs only: the client has no other message intent."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Acknowledge with a message, then do what the text says, then put the answer in its place."""
        if message.guild or message.author.bot:
            return
        arrived(message.id)
        try:
            self._bot.use_cases.courtesy.admit(message.author.id)
        except TooFast as refusal:
            await self._speak_to(message.author.id)
            await self._slow_down(message, refusal)
            return
        reply = await _acknowledge(message)
        if reply is None:
            return
        await self._speak_to(message.author.id)
        self._bot.use_cases.figures.acknowledged.add(waited())
        try:
            shown = await self._answer(message, reply)
        except Exception as error:
            if not isinstance(error, UserError | PanelError):
                log.exception("a direct message could not be answered")
            shown = describe(error)
        try:
            if shown:
                await reply.edit(view=shown.view, attachments=shown.files)
            await self._show_news(message)
        except (*DELIVERY_ERRORS, LedgerError) as error:
            log.warning("the answer to a direct message could not be shown: %s", error)

    async def _speak_to(self, user_id: int) -> None:
        """Go on in the language in which this user is written to; where that cannot be read, in English."""
        try:
            speak(await self._bot.use_cases.records.language_of(user_id))
        except LedgerError as error:
            log.warning("a direct message is answered in English: %s", error)

    async def _slow_down(self, message: discord.Message, refusal: TooFast) -> None:
        """Say once when to come back: an answer to each message would be a flood of our own."""
        if self._bot.use_cases.courtesy.is_to_be_told(message.author.id, refusal):
            try:
                await message.channel.send(view=describe(refusal).view)
            except DELIVERY_ERRORS as error:
                log.info("a refusal could not be shown: %s", error)

    async def _answer(self, message: discord.Message, reply: discord.Message) -> CardView | None:
        """Return the card to show, or None where the request's own card stands there already."""
        command, text = (*message.content.split(maxsplit=1), "", "")[:2]
        user_id = message.author.id
        match command.casefold().strip("/:,."):
            case "cancel":
                await self._cancel(message, reply, text)
                return None
            case "status":
                return await look_up(self._bot, user_id, text)
            case "queued":
                return open_card(await self._bot.use_cases.accounts.open_orders(user_id))
            case "refill":
                found = find_orders(text)
                return await ask_for_refills(self._bot, user_id, found, lambda shown: reply.edit(view=shown.view))
            case "balance":
                return await what_is_left(self._bot, user_id)
            case "settings":
                return preferences_card(await self._bot.use_cases.records.preferences(user_id))
            case "history":
                return await look_back(self._bot, user_id, text)
            case "forget" | "forget-me" if text.casefold().strip(" .!") in ("", "me"):
                return await ask_to_erase(self._bot, user_id)
            case "key" if text.casefold() in ("", "show"):
                return keys_card(await self._bot.use_cases.accounts.show(user_id))
            case "key" if text.casefold().startswith(("remove", "default")):
                return not_understood()
            case "key":
                return key_in_message()
            case "help" | "start" | "hi" | "hello" | "":
                return help_card()
            case word:
                may_be_a_key = not text and len(word) >= _LOOKS_LIKE_A_KEY and not word.startswith("ord_")
                return key_in_message() if may_be_a_key else not_understood()

    async def _cancel(self, message: discord.Message, reply: discord.Message, text: str) -> None:
        found = await orders_in(self._bot, text, message.attachments)
        here = Place(message.channel.id, None, reply.id, None)
        use_cases = self._bot.use_cases
        request_id = await use_cases.cancels.ask(message.author.id, found, here)
        await use_cases.courier.show_at_once(request_id)

    async def _show_news(self, message: discord.Message) -> None:
        courier = self._bot.use_cases.courier
        for news in await courier.kept_for(message.author.id):
            shown = notice_card(news.report, news.notice)
            sent = await message.channel.send(view=shown.view, files=shown.files, nonce=news.notice.nonce)
            await courier.seen(news, sent.id)


async def _acknowledge(message: discord.Message) -> discord.Message | None:
    """Show that the message has been seen; where that fails the user has no card, so nothing is done."""
    try:
        async with asyncio.timeout(15):
            return await message.channel.send(view=working().view)
    except DELIVERY_ERRORS as error:
        log.info("a direct message came to nothing: %s", error)
        return None


async def setup(bot: Client) -> None:
    """Register with the client."""
    await bot.add_cog(DirectMessages(bot))
