"""What every command does the same way: acknowledge first, answer once, report every error, show kept news."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

import discord
from pydantic import SecretStr

from bot.cards.answers import nothing_done
from bot.cards.cards import brief_notice_card, notice_card
from bot.cards.errors import TOO_BUSY
from bot.cards.language import speak, t
from bot.cards.layout import CardView
from bot.client import Client, NotAcknowledged, TooBusy, answer_error
from bot.delivery.notices import Undelivered
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.domain.languages import resolve_locale
from bot.ledger import LedgerError, ListKind, MessageRef
from bot.ops.request_context import begin_request, may_be_answered, waited
from bot.services.throttle import PAUSE

log = logging.getLogger(__name__)

T = TypeVar("T")

Interaction = discord.Interaction[Client]

_TAKEN_FOR = 3.0
"""Seconds for which Discord takes a first answer."""
_LARGEST = 2**63 - 1
_LONG_TEXT = 500
"""Characters above which a text is read in a thread; shorter ones take a millisecond."""
_ACKNOWLEDGE_WITHIN = 2.5
"""Seconds, so that there is time to hear that it was taken."""


async def read_beside(read: Callable[[str], T], text: str) -> T:
    """Read a text; a long one in a thread, beside everybody else's work, which 6,000 characters would hold up."""
    return await asyncio.to_thread(read, text) if len(text) > _LONG_TEXT else read(text)


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
    await _answer_in_time(interaction, partial(interaction.response.send_message, t(TOO_BUSY), ephemeral=True))
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


async def answer(interaction: Interaction, shown: CardView) -> None:
    """Put a card where the acknowledgement stands, then show what could not be delivered before."""
    await interaction.edit_original_response(view=shown.view, attachments=shown.files)
    await show_undelivered(interaction)


async def show_undelivered(interaction: Interaction) -> None:
    """Show the user what is kept for them beside an answer, which that must not spoil: what fails stays kept."""
    try:
        await deliver_undelivered(interaction)
    except Exception:  # whatever it is, what was asked for has been done
        log.warning("kept news for interaction %d could not be shown", interaction.id, exc_info=True)


async def deliver_undelivered(interaction: Interaction) -> bool:
    """Show the user, and nobody else, every notice that Discord refused to deliver; tell whether there was one."""
    courier = interaction.client.services.courier
    undelivered = await courier.undelivered_for(interaction.user.id)
    for one in undelivered:
        await _show(interaction, one)
        await courier.seen(one)
    return bool(undelivered)


async def _show(interaction: Interaction, one: Undelivered) -> None:
    """Show a kept notice, in short where Discord does not take all of it."""
    if not one.in_short:
        try:
            await _follow_up(interaction, notice_card(one.report, one.notice))
            return
        except DELIVERY_ERRORS as error:
            log.warning("notice %d is shown in short: %s", one.notice.id, error)
    await _follow_up(interaction, brief_notice_card(one.report, one.notice))


async def _follow_up(interaction: Interaction, shown: CardView) -> None:
    await interaction.followup.send(view=shown.view, files=shown.files, ephemeral=True, wait=True)


def typed(interaction: discord.Interaction[Any], form: str) -> str | None:
    """Return what a person typed into a form's first field, or None where this is no answer to that form."""
    data = cast(dict[str, Any], interaction.data or {})
    name, _, _ = str(data.get("custom_id", "")).removeprefix("np:").partition(":")
    if interaction.type is not discord.InteractionType.modal_submit or f"np:{name}" != form:
        return None
    return data["components"][0]["component"]["value"]


def meant(interaction: discord.Interaction[Any], form: str) -> str:
    """Return what a form was opened for: what stands behind its name."""
    data = cast(dict[str, Any], interaction.data or {})
    return str(data.get("custom_id", "")).removeprefix(form).removeprefix(":")


def chosen(interaction: discord.Interaction[Any], menu: str) -> str:
    """Return what a person chose from a form's menu; empty where the form has no such menu."""
    data = cast(dict[str, Any], interaction.data or {})
    parts = [part.get("component", {}) for part in data.get("components", ())]
    return next((part["values"][0] for part in parts if part.get("custom_id") == menu and part.get("values")), "")


def uploaded(interaction: discord.Interaction[Any]) -> list[discord.Attachment]:
    """Return the files that a person put into a form; discord.py hands them only to a form that it remembers."""
    resolved = cast(dict[str, Any], interaction.data or {}).get("resolved", {})
    state = interaction._state  # pyright: ignore[reportPrivateUsage]
    return [discord.Attachment(data=file, state=state) for file in resolved.get("attachments", {}).values()]


def place(interaction: Interaction, message_id: int) -> MessageRef:
    """Return where the card of an acknowledged interaction stands."""
    assert interaction.channel_id is not None
    language = resolve_locale(str(interaction.locale))
    token, channel_id, guild_id = SecretStr(interaction.token), interaction.channel_id, interaction.guild_id
    cancels = interaction.client.services.cancels
    return cancels.message_ref(interaction.user.id, channel_id, guild_id, message_id, token, language)


async def answering(interaction: Interaction, work: Awaitable[None]) -> None:
    """Do what discord.py would not report the errors of, in the user's language, and answer every one of them."""
    begin_request(interaction.id)
    speak(resolve_locale(str(interaction.locale)))
    try:
        await work
    except Exception as error:
        await answer_error(interaction, error)


class PersistentItem(discord.ui.DynamicItem[discord.ui.Item[Any]], template="np:never"):
    """A button or menu known by its custom_id; base of all, since discord.py reports no error of a DynamicItem."""

    def __init__(self, item: discord.ui.Item[Any], match: Any) -> None:
        super().__init__(item)
        given: dict[str, str] = match.groupdict(default="")
        # What is too large for a row's number is forged, and as little to be found as the largest.
        self.values = {name: str(min(int(one), _LARGEST)) if one.isdecimal() else one for name, one in given.items()}

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction[Any], item: Any, match: Any, /) -> "PersistentItem":
        """Take what was pressed, as it stands in its message."""
        return cls(item, match)

    @property
    def whole_list(self) -> tuple[ListKind, int]:
        """The list that a button is for."""
        return ListKind(self.values["kind"]), int(self.values["list"])

    @property
    def chosen(self) -> str:
        """What was chosen from a menu."""
        assert isinstance(self.item, discord.ui.Select)
        (value,) = self.item.values
        return value

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Answer the press, and every error of it."""
        await answering(interaction, self.press(interaction))

    async def press(self, interaction: Interaction) -> None:
        """Do what the button says."""
        raise NotImplementedError
