"""Plain text in a DM with the bot: the same use cases as the slash commands, under the same names."""

import asyncio
import logging
import re
from collections.abc import Sequence
from functools import partial

import discord
from discord.ext import commands

from bot.cards import actions
from bot.cards.admin import admin_card
from bot.cards.answers import working
from bot.cards.language import current_language, speak
from bot.cards.layout import CardView
from bot.cards.modals import MOST_TYPED, ORDERS_FIELD, orders_for_form
from bot.cards.small_talk import (
    as_command,
    how_to_stop,
    key_in_message,
    not_understood,
    unreadable_file,
    use_buttons,
    welcome,
    which_orders,
)
from bot.client import Client, error_card
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.domain import dm_words
from bot.domain.dm_text import DmText, nearest_examples, only_asks, read_message
from bot.domain.dm_words import CANCEL, STATUS, VERBS
from bot.domain.errors import NoOrders, Throttled
from bot.domain.order_ids import Found, cut_at, find_orders, like_ids
from bot.ledger import LedgerError
from bot.ops.request_context import begin_request, waited
from cogs.acknowledge import Interaction, open_form
from cogs.balance import balances
from cogs.cancel import begin
from cogs.dispatch import Form, answers, handles
from cogs.forget import ask_to_erase
from cogs.help import explain
from cogs.history import look_back
from cogs.key import show_keys
from cogs.orders import MOST_IN_MESSAGE, is_list, orders_in, read_beside, typed_orders
from cogs.preferences import preferences
from cogs.queued import open_orders
from cogs.refill import ask_for_refills
from cogs.reply import MessageReply, Reply, finish
from cogs.status import look_up

log = logging.getLogger(__name__)

_LOOKS_LIKE_A_KEY = 20
"""A single word of that length that is no command may be somebody's API key."""
_KEY_IN_SENTENCE = re.compile(rf"(?<!\S)(?=\S*[0-9])(?=\S*[A-Za-z])[0-9A-Za-z_.-]{{{_LOOKS_LIKE_A_KEY},}}(?!\S)")
"""Among other words it has letters and digits."""

_FOR_OPERATORS = "admin"
"""No slash command, since Discord would show it to everybody: to others it is a word like any other."""


class DirectMessagesCog(commands.Cog):
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
        acknowledgement = await _acknowledge(message)
        if acknowledgement is None:
            return
        await self._speak_to(message.author.id)
        self._bot.services.metrics.acknowledged.observe(waited())
        reply = MessageReply(self._bot, message, acknowledgement)
        await finish(reply, partial(_answer, message=message), f"direct message {message.id}")

    async def _speak_to(self, user_id: int) -> None:
        """Go on in the language in which this user is written to; where that cannot be read, in English."""
        try:
            speak(await self._bot.services.records.language_of(user_id))
        except LedgerError as error:
            log.warning("a direct message is answered in English: %s", error)

    async def _slow_down(self, message: discord.Message, refusal: Throttled) -> None:
        """Say once when to come back: an answer to each message would be a flood of our own."""
        if self._bot.services.throttle.is_to_be_answered(message.author.id, refusal):
            try:
                await message.channel.send(view=error_card(refusal, self._bot.services.keys_page).view)
            except DELIVERY_ERRORS as error:
                log.info("a refusal could not be shown: %s", error)


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


async def _answer(reply: Reply, message: discord.Message) -> CardView | None:
    """Return the card to show, or None where the request's own card stands there already."""
    said = await read_beside(read_message, cut_at(message.content, *MOST_IN_MESSAGE))
    if said.plain and said.command == CANCEL and (said.rest or message.attachments):
        await begin(reply, await orders_in(reply, said.rest, message.attachments))
        return None
    text, found = await _named(said)
    lists = [file for file in message.attachments if is_list(file)]
    if said.plain and found.orders and not lists:
        return await _ask_panel(reply, said.command, found)
    if found.orders or lists:
        return await _about_orders(reply, said, text, lists)
    if found.ignored:
        raise NoOrders(found)
    if said.command in VERBS:
        return which_orders(said.command)
    if message.attachments and not said.command:
        return unreadable_file()
    return await _without_orders(reply, said)


async def _named(said: DmText) -> tuple[str, Found]:
    """Return the text that names orders, and what it names: behind a verb whole numbers do, too."""
    found = like_ids(await read_beside(find_orders, said.text))
    if not found.orders and said.command in VERBS:
        behind = like_ids(await read_beside(find_orders, said.rest))
        if behind.orders:
            return said.rest, behind
    return said.text, found


async def _about_orders(reply: Reply, said: DmText, text: str, lists: Sequence[discord.Attachment]) -> CardView | None:
    """Answer a sentence about orders, or their IDs alone: by what changes nothing, or with a question."""
    found = like_ids(await orders_in(reply, text, lists))
    if tuple(said.verbs) == (STATUS,):
        return await _ask_panel(reply, STATUS, found)
    sure = tuple(said.verbs) == (CANCEL,)
    await begin(reply, found, always=sure, undecided=not sure)
    return None


async def _ask_panel(reply: Reply, verb: str, found: Found) -> CardView:
    """Do what is done while the user waits: look orders up, or ask for refills."""
    return await (look_up if verb == STATUS else ask_for_refills)(reply, found)


async def _overview(reply: Reply) -> CardView:
    """Return how the bot is doing, for its operators."""
    health = reply.services.health
    return admin_card(health, await health.standing())


async def _without_orders(reply: Reply, said: DmText) -> CardView:
    """Answer a message without order IDs."""
    if said.text.casefold() == _FOR_OPERATORS and await reply.client.operators.include(reply.user_id):
        return await _overview(reply)
    alone = len(said.text) >= _LOOKS_LIKE_A_KEY and not re.search(r"\s", said.text)
    if alone or _KEY_IN_SENTENCE.search(said.text):
        return key_in_message()
    rest = said.rest.casefold().strip(" .!?")
    match said.command:
        case dm_words.QUEUED:
            return await open_orders(reply)
        case dm_words.BALANCE:
            return await balances(reply)
        case dm_words.SETTINGS:
            return await preferences(reply)
        case dm_words.HISTORY:
            return await look_back(reply, said.rest)
        case dm_words.FORGET if rest in ("", "me"):
            return await ask_to_erase(reply)
        case dm_words.KEY if rest in ("", "show"):
            return await show_keys(reply)
        case dm_words.KEY if rest.startswith("default"):
            return as_command("/key default")
        case dm_words.KEY:
            return key_in_message()
        case dm_words.REMOVE_KEY:
            return as_command("/key remove")
        case dm_words.HELP | dm_words.HELLO:
            return await explain(reply)
        case dm_words.THANKS:
            return welcome()
        case dm_words.STOP:
            return how_to_stop()
        case dm_words.YES | dm_words.NO if not rest:
            return use_buttons()
        case "" if not said.text or only_asks(said.text):
            return await explain(reply)
        case _:
            return not_understood(await read_beside(partial(nearest_examples, language=current_language()), said.text))


@handles(actions.PASTE_FOR)
async def paste_for(interaction: Interaction, verb: str) -> None:
    """Open the form for orders to check or to refill; it must be the very first answer."""
    await open_form(interaction, orders_for_form(verb))


@answers(actions.ORDERS_FOR_FORM)
async def do_with_pasted(reply: Reply, form: Form, verb: str) -> CardView:
    """Check or refill what was pasted."""
    return await _ask_panel(reply, verb, await typed_orders(reply, form.text(ORDERS_FIELD), room=MOST_TYPED))
