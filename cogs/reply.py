"""How anything that a user asks for is answered: acknowledged, done, and shown on a card or as an error.

Behind that come the notices that could not be delivered before. It makes no difference whether the user gave a command,
pressed a button, filled in a form or wrote a direct message.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import discord
from pydantic import SecretStr

from bot.cards.answers import working
from bot.cards.layout import CardView
from bot.cards.notices import brief_notice_card, notice_card
from bot.client import Client, Services, answer_error
from bot.delivery.notification_sender import Undelivered
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.domain.languages import Language, resolve_locale
from bot.ledger import LedgerError, MessageRef
from bot.services.throttle import PAUSE
from cogs.acknowledge import Interaction, acknowledge

log = logging.getLogger(__name__)


class Reply(ABC):
    """Where a user reads the answer to what they have asked for: an acknowledgement that a card takes the place of."""

    def __init__(self, client: Client, user_id: int, message_id: int, language: Language = Language.ENGLISH) -> None:
        """`message_id`: of the acknowledgement; `language`: of their Discord client, where that is known."""
        self.client = client
        self.user_id = user_id
        self.message_id = message_id
        self.language = language

    @property
    def services(self) -> Services:
        """What can be done for the user."""
        return self.client.services

    @property
    @abstractmethod
    def is_dm(self) -> bool:
        """Whether it stands in the user's DM with the bot."""

    @abstractmethod
    def message_ref(self) -> MessageRef:
        """Return where the card of a request will stand."""

    @abstractmethod
    async def show(self, shown: CardView) -> None:
        """Put a card where the acknowledgement stands."""

    @abstractmethod
    async def update(self, shown: CardView) -> None:
        """Put a card in the place of one that was shown before, some time after everything else was done."""

    @abstractmethod
    async def show_error(self, shown: CardView) -> None:
        """Show what went wrong."""

    @abstractmethod
    async def add(self, shown: CardView, nonce: str = "") -> None:
        """Show one more card; by its nonce Discord shows a message once."""

    @abstractmethod
    async def further(self) -> "Reply":
        """Return another answer below this one, acknowledged already, for a card of its own."""


Answering = Callable[[Reply], Awaitable[CardView | None]]
"""Returns the card to show, or None where it has shown one itself."""


class InteractionReply(Reply):
    """The answer to an interaction, for the user alone."""

    def __init__(self, interaction: Interaction, message_id: int) -> None:
        language = resolve_locale(str(interaction.locale))
        super().__init__(interaction.client, interaction.user.id, message_id, language)
        self._interaction = interaction

    @property
    def is_dm(self) -> bool:
        """Whether the user gave the command there."""
        return self._interaction.context.dm_channel

    def message_ref(self) -> MessageRef:
        """Return where it stands: behind the interaction's token, for as long as that lives."""
        channel_id, guild_id = self._interaction.channel_id, self._interaction.guild_id
        assert channel_id is not None
        token, cancels = SecretStr(self._interaction.token), self.services.cancels
        return cancels.message_ref(self.user_id, channel_id, guild_id, self.message_id, token, self.language)

    async def show(self, shown: CardView) -> None:
        """Edit the message of the acknowledgement, or the one whose button was pressed."""
        await self._interaction.edit_original_response(view=shown.view, attachments=shown.files)

    async def update(self, shown: CardView) -> None:
        """Edit it by its message's id, as all is edited that nobody is waiting for."""
        await self._interaction.followup.edit_message(self.message_id, view=shown.view, attachments=shown.files)

    async def show_error(self, shown: CardView) -> None:
        """Show it beside a card whose button was pressed, which stays as it is."""
        await self._interaction.followup.send(view=shown.view, ephemeral=True)

    async def add(self, shown: CardView, nonce: str = "") -> None:
        """Send a follow-up; those have no nonce."""
        await self._interaction.followup.send(view=shown.view, files=shown.files, ephemeral=True, wait=True)

    async def further(self) -> "Reply":
        """Send a follow-up for it."""
        message = await self._interaction.followup.send(view=working().view, ephemeral=True, wait=True)
        return _FollowUp(self._interaction, message.id)


class _FollowUp(InteractionReply):
    """One more answer to an interaction."""

    async def show(self, shown: CardView) -> None:
        """Edit that message."""
        await self._interaction.followup.edit_message(self.message_id, view=shown.view, attachments=shown.files)


class MessageReply(Reply):
    """The answer to a direct message: one of the bot's own."""

    def __init__(self, client: Client, message: discord.Message, acknowledgement: discord.Message) -> None:
        super().__init__(client, message.author.id, acknowledgement.id)
        self._message = message
        self._channel = message.channel
        self._acknowledgement = acknowledgement
        self._has_card = False

    @property
    def is_dm(self) -> bool:
        """It always does."""
        return True

    def message_ref(self) -> MessageRef:
        """Return where it stands: in the DM."""
        return self.services.cancels.message_ref(self.user_id, self._channel.id, None, self.message_id)

    async def show(self, shown: CardView) -> None:
        """Edit the acknowledgement."""
        await self._acknowledgement.edit(view=shown.view, attachments=shown.files)
        self._has_card = True

    async def update(self, shown: CardView) -> None:
        """Edit the bot's message."""
        await self.show(shown)

    async def show_error(self, shown: CardView) -> None:
        """Put it where the acknowledgement stands, or beside a card that has taken its place."""
        await (self.add(shown) if self._has_card else self.show(shown))

    async def add(self, shown: CardView, nonce: str = "") -> None:
        """Send another message."""
        once: dict[str, Any] = {"nonce": nonce} if nonce else {}
        await self._channel.send(view=shown.view, files=shown.files, **once)

    async def further(self) -> "Reply":
        """Send another acknowledgement."""
        return MessageReply(self.client, self._message, await self._channel.send(view=working().view))


async def answer(interaction: Interaction, work: Answering, *, update: bool = False, cost: timedelta = PAUSE) -> None:
    """Acknowledge an interaction (see `acknowledge`) and finish it; raise NotAcknowledged or Throttled."""
    reply = InteractionReply(interaction, await acknowledge(interaction, update=update, cost=cost))
    await finish(reply, work, f"interaction {interaction.id}")


async def finish(reply: Reply, work: Answering, what: str) -> None:
    """Do the work that was acknowledged, and show what came of it, whatever that is; `what` is its name in the log."""
    try:
        if shown := await work(reply):
            await reply.show(shown)
    except Exception as error:
        await answer_error(error, what, reply.show_error, reply.services.keys_page)
        if isinstance(error, LedgerError):  # a notice that cannot be noted as shown would be shown again and again
            return
    try:
        await show_undelivered(reply)
    except Exception:  # what was asked for has been done; what was not shown is kept
        log.warning("%s: what could not be delivered could not be shown, too", what, exc_info=True)


async def show_undelivered(reply: Reply) -> bool:
    """Show the user, and nobody else, every notice that Discord refused to deliver; tell whether there was one."""
    sender = reply.services.notification_sender
    undelivered = await sender.undelivered_for(reply.user_id)
    for one in undelivered:
        await _show(reply, one)
        await sender.seen(one)
    return bool(undelivered)


async def _show(reply: Reply, one: Undelivered) -> None:
    """Show a notice that was not delivered, in short where Discord does not take all of it."""
    nonce = one.notice.nonce
    if not one.in_short:
        try:
            await reply.add(notice_card(one.report, one.notice), nonce)
            return
        except DELIVERY_ERRORS as error:
            log.warning("notice %d is shown in short: %s", one.notice.id, error)
    await reply.add(brief_notice_card(one.report, one.notice), nonce)
