"""The first answer to an interaction: it is coming. Discord takes one for three seconds; without it nothing is done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

import discord

from bot.cards.answers import nothing_done
from bot.cards.errors import TOO_BUSY
from bot.cards.language import _, speak
from bot.client import Client, NotAcknowledged, TooBusy
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.ledger import LedgerError
from bot.ops.request_context import may_be_answered, waited
from bot.services.throttle import PAUSE

log = logging.getLogger(__name__)

T = TypeVar("T")

Interaction = discord.Interaction[Client]

_TAKEN_FOR = 3.0
"""Seconds for which Discord takes a first answer."""
_ACKNOWLEDGE_WITHIN = 2.5
"""Seconds, so that there is time to hear that it was taken."""


class _Unheard(NotAcknowledged):
    """The first answer may have arrived all the same."""


async def acknowledge(interaction: Interaction, *, update: bool = False, cost: timedelta = PAUSE) -> int:
    """Tell Discord that an answer is coming, before anything else is done; return the id of the card to be.

    `update`: the answer replaces the message whose button was pressed; `cost`: what it counts for (throttle.py).
    Raise NotAcknowledged where that fails or stays unclear: the user then sees a failure, or is told that nothing was
    done, so the caller must do nothing. Raise Throttled where this user has asked for too much of late.
    """
    try:
        defer = partial(interaction.response.defer, ephemeral=True, thinking=not update)
        response = await _first_answer(interaction, defer)
        message_id = interaction.message.id if update and interaction.message else response and response.message_id
        if message_id is None:
            raise _Unheard("Discord named no message")
    except _Unheard:
        await _take_back(interaction, update=update)
        raise
    await interaction.client.admission.after_answers()
    await speak_as_chosen(interaction)
    interaction.client.services.throttle.admit(interaction.user.id, cost)
    return message_id


async def open_form(interaction: Interaction, form: discord.ui.Modal) -> None:
    """Open a form: it is an acknowledgement as well, and must be the very first answer. Raise NotAcknowledged.

    A form that opened unheard needs no taking back: whoever fills it in begins anew.
    """
    await _first_answer(interaction, partial(interaction.response.send_modal, form))


async def _first_answer(interaction: Interaction, call: Callable[[], Awaitable[T]]) -> T:
    """Give Discord the first answer while it still takes one, and count whether it did; raise NotAcknowledged.

    Where there is too much to do already, the answer says that instead.
    """
    if interaction.client.admission.admit():
        return await _answer_in_time(interaction, call)
    interaction.client.services.metrics.turned_away.inc()
    # Without a card, which costs as much again as the call.
    await _answer_in_time(interaction, partial(interaction.response.send_message, _(TOO_BUSY), ephemeral=True))
    raise TooBusy


async def _answer_in_time(interaction: Interaction, call: Callable[[], Awaitable[T]]) -> T:
    metrics, sent = interaction.client.services.metrics, False
    try:
        async with asyncio.timeout(_ACKNOWLEDGE_WITHIN - waited()), interaction.client.admission.answering():
            sent = True
            response = await call()
    except DELIVERY_ERRORS as error:
        metrics.not_acknowledged.inc()
        refused = isinstance(error, discord.HTTPException) and error.status < 500 and not may_be_answered()
        unheard = sent and not refused
        raise (_Unheard if unheard else NotAcknowledged)(str(error) or "no answer in time") from error
    metrics.acknowledged.observe(waited())
    return response


async def _take_back(interaction: Interaction, *, update: bool) -> None:
    """Say that nothing was done where a first answer has arrived unheard, so that nobody waits for another.

    One that has not arrived cannot be edited: Discord tells the user by itself. Until it takes no more, nobody knows.
    """
    await asyncio.sleep(max(_TAKEN_FOR - waited(), 0))
    await speak_as_chosen(interaction)
    shown = nothing_done()
    try:
        if update:  # the card whose button it was stays as it is
            await interaction.followup.send(view=shown.view, ephemeral=True)
        else:
            await interaction.edit_original_response(view=shown.view)
    except DELIVERY_ERRORS as error:
        log.info("interaction %d: the first answer has not arrived: %s", interaction.id, error)


async def speak_as_chosen(interaction: Interaction) -> None:
    """Go on in the language that the user has chosen, if any; where that cannot be read, in their client's."""
    try:
        chosen = await interaction.client.services.records.preferences(interaction.user.id)
    except LedgerError as error:
        log.warning("interaction %d: the language chosen could not be read: %s", interaction.id, error)
        return
    if chosen.language:
        speak(chosen.language)
