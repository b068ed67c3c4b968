"""Plain text in a DM with the bot: the same use cases as the slash commands, under the same names."""

import asyncio
import logging
import re
from collections.abc import Sequence

import discord
from discord.ext import commands

from bot.cards.answers import help_card, key_in_message, not_understood, working
from bot.cards.cards import notice_card
from bot.cards.keys import keys_card
from bot.cards.language import speak
from bot.cards.layout import CardView
from bot.cards.overviews import open_card
from bot.cards.preferences import preferences_card
from bot.client import Client, describe
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.domain.dm_text import CANCEL, EXAMPLES, REFILL, STATUS, VERBS, DmText, nearest_examples, read_message
from bot.domain.errors import NoOrders, Throttled, UserError
from bot.domain.order_ids import Found, find_orders, like_ids
from bot.ledger import LedgerError
from bot.ops.request_context import begin_request, waited
from bot.panel import PanelError
from cogs.balance import what_is_left
from cogs.common import read_beside
from cogs.files import is_list, orders_in
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
        begin_request(message.id)
        try:
            self._bot.services.throttle.admit(message.author.id)
        except Throttled as refusal:
            await self._speak_to(message.author.id)
            await self._slow_down(message, refusal)
            return
        reply = await _acknowledge(message)
        if reply is None:
            return
        await self._speak_to(message.author.id)
        self._bot.services.metrics.acknowledged.observe(waited())
        try:
            shown = await self._answer(message, reply)
        except Exception as error:
            if not isinstance(error, UserError | PanelError):
                log.exception("a direct message could not be answered")
            shown = describe(error)
        try:
            if shown:
                await reply.edit(view=shown.view, attachments=shown.files)
            await self._show_undelivered(message)
        except (*DELIVERY_ERRORS, LedgerError) as error:
            log.warning("the answer to a direct message could not be shown: %s", error)

    async def _speak_to(self, user_id: int) -> None:
        """Go on in the language in which this user is written to; where that cannot be read, in English."""
        try:
            speak(await self._bot.services.records.language_of(user_id))
        except LedgerError as error:
            log.warning("a direct message is answered in English: %s", error)

    async def _slow_down(self, message: discord.Message, refusal: Throttled) -> None:
        """Say once when to come back: an answer to each message would be a flood of our own."""
        if self._bot.services.throttle.is_to_be_told(message.author.id, refusal):
            try:
                await message.channel.send(view=describe(refusal).view)
            except DELIVERY_ERRORS as error:
                log.info("a refusal could not be shown: %s", error)

    async def _answer(self, message: discord.Message, reply: discord.Message) -> CardView | None:
        """Return the card to show, or None where the request's own card stands there already."""
        said = await read_beside(read_message, message.content)
        if said.plain and said.command == CANCEL:
            return await self._cancel(message, reply, said.rest, message.attachments)
        if said.plain:
            return await self._ask_panel(message, reply, said, await read_beside(find_orders, said.rest))
        found = like_ids(await read_beside(find_orders, said.text))
        lists = [file for file in message.attachments if is_list(file)]
        if found.orders or lists:
            return await self._about_orders(message, reply, said, found, lists)
        if said.command == CANCEL:
            return await self._cancel(message, reply, said.rest, lists, always=True)
        if found.ignored or said.command in VERBS:
            raise NoOrders(found)
        return await self._without_orders(message.author.id, said)

    async def _about_orders(
        self,
        message: discord.Message,
        reply: discord.Message,
        said: DmText,
        found: Found,
        lists: Sequence[discord.Attachment],
    ) -> CardView | None:
        """Answer a sentence about orders, or their IDs alone: by what changes nothing, or with a question."""
        match tuple(said.verbs):
            case ("status",) if not lists:
                return await self._ask_panel(message, reply, said, found)
            case ("refill",):
                return not_understood((EXAMPLES[REFILL], EXAMPLES[STATUS]))
            case verbs:
                sure = verbs == (CANCEL,)
                return await self._cancel(message, reply, said.text, lists, always=sure, undecided=not sure)

    async def _ask_panel(
        self, message: discord.Message, reply: discord.Message, said: DmText, found: Found
    ) -> CardView:
        """Do what is done while the user waits: look orders up, or ask for refills."""
        user_id = message.author.id
        if STATUS in said.verbs:
            return await look_up(self._bot, user_id, found)
        return await ask_for_refills(self._bot, user_id, found, lambda shown: reply.edit(view=shown.view))

    async def _without_orders(self, user_id: int, said: DmText) -> CardView:
        """Answer what names no order."""
        services, rest = self._bot.services, said.rest.casefold().strip(" .!")
        if len(said.text) >= _LOOKS_LIKE_A_KEY and not re.search(r"\s", said.text):
            return key_in_message()
        match said.command:
            case "queued":
                return open_card(await services.accounts.open_orders(user_id))
            case "balance":
                return await what_is_left(self._bot, user_id)
            case "settings":
                return preferences_card(await services.records.preferences(user_id))
            case "history":
                return await look_back(self._bot, user_id, said.rest)
            case "forget" if rest in ("", "me"):
                return await ask_to_erase(self._bot, user_id)
            case "key" if rest in ("", "show"):
                return keys_card(await services.accounts.show(user_id))
            case "key" if rest.startswith(("remove", "default")):
                return not_understood((f"/key {rest.split()[0]}", "key show"))
            case "key":
                return key_in_message()
            case "help" | "start" | "hi" | "hey" | "hello":
                return help_card()
            case "" if not said.text:
                return help_card()
            case _:
                return not_understood(await read_beside(nearest_examples, said.text))

    async def _cancel(
        self,
        message: discord.Message,
        reply: discord.Message,
        text: str,
        files: Sequence[discord.Attachment],
        *,
        always: bool = False,
        undecided: bool = False,
    ) -> None:
        """Write a request down, to be asked about first where it was no plain command, and show its card."""
        found = await orders_in(self._bot, message.author.id, text, files)
        if always or undecided:
            found = like_ids(found)
        services = self._bot.services
        here = services.cancels.message_ref(message.author.id, message.channel.id, None, reply.id)
        request_id = await services.cancels.ask(message.author.id, found, here, always=always, undecided=undecided)
        await services.courier.show_at_once(request_id)

    async def _show_undelivered(self, message: discord.Message) -> None:
        courier = self._bot.services.courier
        for one in await courier.undelivered_for(message.author.id):
            shown = notice_card(one.report, one.notice)
            await message.channel.send(view=shown.view, files=shown.files, nonce=one.notice.nonce)
            await courier.seen(one)


async def _acknowledge(message: discord.Message) -> discord.Message | None:
    """Show that the message has been seen; where that fails the user has no card, so nothing is done.

    By its nonce the second try finds the first one where that has arrived unheard.
    """
    for _ in range(2):
        try:
            async with asyncio.timeout(15):
                return await message.channel.send(view=working().view, nonce=str(message.id))
        except DELIVERY_ERRORS as error:
            log.info("a direct message was not acknowledged: %s", error)
            if isinstance(error, discord.HTTPException) and error.status < 500:
                break
    return None
