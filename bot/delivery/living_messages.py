"""Edits the living messages of requests that are behind the ledger; editing one twice does no harm."""

import asyncio
import logging
from datetime import datetime, timedelta

import discord

from bot.cards.language import use_language
from bot.cards.notices import notice_card
from bot.delivery.calls import AT_ONCE, BATCH_PAUSE, HELD, MAY_STILL_ARRIVE, DeliveryLoop, in_time
from bot.delivery.refusals import DELIVERY_ERRORS, ENDS_CARD, Refusal, classify
from bot.domain.clock import Clock
from bot.domain.notification_rules import MOST_EDIT_FAILURES
from bot.domain.polling import MANY_TRIES, retry_after
from bot.ledger import Ledger, Notice, Work

log = logging.getLogger(__name__)

_THROTTLED_FOR = timedelta(minutes=10)


class LivingMessages(DeliveryLoop):
    """Keeps living messages as the ledger has them; knows nothing that is not in the ledger."""

    def __init__(self, client: discord.Client, ledger: Ledger, clock: Clock) -> None:
        super().__init__(client, ledger, Work.NOTICES, clock)

    async def _deliver_batch(self, now: datetime) -> timedelta | None:
        batch = await self._ledger.read.edits_due(now, AT_ONCE)
        await asyncio.gather(*map(self._edit, batch))
        return BATCH_PAUSE if batch else None

    async def _next_due(self, now: datetime) -> datetime | None:
        return await self._ledger.read.next_edit_due()

    async def _edit(self, notice: Notice) -> None:
        async with self._ledger.write() as tx:
            begun = await tx.begin_edit(notice, HELD)
        if begun is None:
            return
        try:
            await in_time(self._show(begun))
        except Exception as error:  # whatever it is, other messages must not wait for this one
            await self._failed(notice, begun, error)
            return
        async with self._ledger.write() as tx:
            await tx.edited(begun)

    async def _show(self, notice: Notice) -> None:
        assert notice.channel_id is not None
        assert notice.message_id is not None
        report = await self._ledger.report_of(notice.id)  # at the last moment: its user may have had it erased
        if not (report or report.progress):
            return
        with use_language(await self._ledger.read.language_of(notice.user_id)):
            shown = notice_card(report, notice, self._clock())
        channel = self._client.get_partial_messageable(notice.channel_id)
        await channel.get_partial_message(notice.message_id).edit(view=shown.view, attachments=shown.files)

    async def _failed(self, before: Notice, begun: Notice, error: Exception) -> None:
        """Note that a message was not edited; `before`: as it was before that was begun."""
        refusal = classify(error)
        lost = refusal is Refusal.NO_ACCESS and begun.edit_failures >= MANY_TRIES
        if refusal in ENDS_CARD or lost:
            log.info("message of notice %d cannot be edited any more: %s", begun.id, error)
            async with self._ledger.write() as tx:
                await tx.cannot_be_edited(begun)
            return
        if begun.edit_failures + 1 >= MOST_EDIT_FAILURES:
            log.info("message of notice %d was not edited, giving up: %s", begun.id, error)
            async with self._ledger.write() as tx:
                await tx.give_up_edits(begun)
            return
        unexpected = None if isinstance(error, DELIVERY_ERRORS) else error
        log.warning("message of notice %d was not edited, trying again: %s", begun.id, error, exc_info=unexpected)
        pause = retry_after(begun.edit_failures + 1, self._random)
        if refusal is Refusal.EDITED_TOO_OFTEN:
            pause = _THROTTLED_FOR
        elif not isinstance(error, discord.HTTPException):
            pause = max(pause, MAY_STILL_ARRIVE)  # an older edit that arrived after the next would stay
        async with self._ledger.write() as tx:
            await tx.edit_failed(before, pause, may_have_acted=_may_have_acted(error))


def _may_have_acted(error: Exception) -> bool:
    """Tell whether an edit that failed may have taken effect all the same; what Discord refuses has not."""
    return not (isinstance(error, discord.HTTPException) and 400 <= error.status < 500)
