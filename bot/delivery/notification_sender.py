"""Sends the notices of the outbox: by DM, behind a channel ping, or not at all but at the user's next command.

A notice is safe to send twice: it carries the nonce it was given when its first line was written, by which Discord
drops a repeat.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import discord

from bot.cards.answers import channel_ping
from bot.cards.language import use_language
from bot.cards.notices import notice_card, reply_card
from bot.delivery.calls import AT_ONCE, BATCH_PAUSE, HELD, DeliveryLoop, in_time
from bot.delivery.refusals import DELIVERY_ERRORS, ENDS_NOTICE, ENDS_PING, Refusal, classify
from bot.domain.clock import Clock
from bot.domain.polling import retry_after
from bot.ledger import Ledger, LedgerError, Notice, NotifyVia, Preferences, Report, SentMessage, Work

log = logging.getLogger(__name__)

_NONCE_WINDOW = timedelta(minutes=2)
"""For "the past few minutes" Discord drops a second message with the same nonce; later we search the channel."""
_CLOCKS_DIFFER = timedelta(minutes=5)
_DM_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A notice that could not be delivered, to be shown at a command instead."""

    notice: Notice
    report: Report

    @property
    def in_short(self) -> bool:
        """Whether Discord took its message again and again not, so that it is told in counts alone."""
        return self.notice.refusal == Refusal.STUCK.name


class NotificationSender(DeliveryLoop):
    """Sends what the outbox holds; knows nothing that is not in the ledger but how the last tries went."""

    longest_pause = _DM_PAUSE

    def __init__(self, client: discord.Client, ledger: Ledger, clock: Clock) -> None:
        super().__init__(client, ledger, Work.NOTICES, clock)
        self._failed_batches = 0
        self._got_through = 0
        self._failing: dict[int, int] = {}
        """How many messages had got through when a notice failed last."""

    async def _deliver_batch(self, now: datetime) -> timedelta | None:
        of_users: defaultdict[int, list[Notice]] = defaultdict(list)
        for notice in await self._ledger.read.notices_due(now, AT_ONCE):
            of_users[notice.user_id].append(notice)
        passed = await asyncio.gather(*map(self._send_in_order, of_users.values()))
        return self._pause_after(passed) if of_users else None

    async def _next_due(self, now: datetime) -> datetime | None:
        return await self._ledger.read.next_notice_due()

    def _pause_after(self, passed: Sequence[bool]) -> timedelta:
        """Return how long to leave Discord in peace: for long where it fails for everybody."""
        down = len(passed) > 1 and not any(passed)
        self._failed_batches = self._failed_batches + 1 if down else 0
        return retry_after(self._failed_batches, self._random) if down else BATCH_PAUSE

    async def _send_in_order(self, notices: Sequence[Notice]) -> bool:
        """Send one user's notices; tell whether Discord answered to any. A second one is due only where the first has
        failed for so long that it may be its own fault: that the second gets through would prove it.
        """
        answered = False
        for notice in notices:
            if answered and self._not_before and self._clock() < self._not_before:
                break
            answered = await self._send_notice(notice) or answered
        return answered

    async def _send_notice(self, notice: Notice) -> bool:
        """Send a notice, and note what came of it; tell whether Discord answered."""
        report = await self._ledger.report_of(notice.id)
        if not report:  # all of it was overtaken by events
            async with self._ledger.write() as tx:
                await tx.notice_delivered(notice.id, report.last_line)
            return True
        # Should this process die, its next start tries again soon; others must not come while it is still at it.
        pause = HELD if self._ledger.is_shared else retry_after(notice.attempts + 1, self._random)
        async with self._ledger.write() as tx:
            sending = await tx.begin_sending(notice.id, pause)
        if sending is None:
            return True
        preferences = await self._ledger.read.preferences(notice.user_id)
        with use_language(await self._ledger.read.language_of(notice.user_id)):
            return await self._send_as_chosen(sending, preferences)

    async def _send_as_chosen(self, notice: Notice, preferences: Preferences) -> bool:
        """Notify a user the way they have chosen, and note what came of it; tell whether Discord answered."""
        try:
            needless = notice.reply_to is not None and preferences.notify_via is not NotifyVia.DM
            if needless or preferences.notify_via is NotifyVia.OFF:
                await self._set_undelivered(notice, "as its user wishes", pinged=False)
                return True
            if preferences.notify_via is NotifyVia.CHANNEL and await self._ping_where_asked(notice, preferences):
                return True
            sent = await in_time(self._send(notice))
        except Exception as error:  # whatever it is, other notices must not wait for this one
            return await self._refused(notice, error, preferences) is not Refusal.PASSING
        self._got_through += sent is not None
        self._failing.pop(notice.id, None)
        async with self._ledger.write() as tx:
            await tx.notice_delivered(notice.id, notice.tried_item or 0, sent)
        return True

    async def _ping_where_asked(self, notice: Notice, preferences: Preferences) -> bool:
        """Leave a ping in the channel where its user asked last; False where there can be none."""
        channel_id = await self._ledger.read.channel_asked_in(notice.user_id)
        if channel_id is None:
            return False
        pinged = not await self._ledger.read.was_pinged(notice.user_id)
        if pinged and not await self._ping(channel_id, notice, chosen=True, silent=preferences.silent):
            return False
        await self._set_undelivered(notice, "pinged as its user wishes", pinged=pinged)
        return True

    async def _set_undelivered(self, notice: Notice, why: str, *, pinged: bool) -> None:
        self._failing.pop(notice.id, None)
        async with self._ledger.write() as tx:
            await tx.set_undelivered(notice.id, why, pinged=pinged)

    async def _send(self, notice: Notice) -> SentMessage | None:
        """Send a notice, unless it arrived before; None where nothing of it is left to say."""
        channel = await self._client.create_dm(discord.Object(notice.user_id))
        if arrived := await self._arrived(channel, notice):
            return SentMessage(channel.id, arrived.id)
        report = await self._ledger.report_of(notice.id)  # at the last moment: its user may have had it erased
        if not report:
            return None
        shown = reply_card(report, notice) if notice.reply_to else notice_card(report, notice, self._clock())
        preferences = await self._ledger.read.preferences(notice.user_id)
        about: dict[str, Any] = {"nonce": notice.nonce, "silent": preferences.silent}
        if answered := await self._answered(notice):
            about["reference"] = answered
        sent = await channel.send(view=shown.view, files=shown.files, **about)
        return SentMessage(channel.id, sent.id)

    async def _answered(self, notice: Notice) -> discord.MessageReference | None:
        """Return the message that a notice answers; that it has been deleted does not matter."""
        living = await self._ledger.read.notice(notice.reply_to) if notice.reply_to else None
        if living is None or living.channel_id is None or living.message_id is None:
            return None
        return discord.MessageReference(
            message_id=living.message_id, channel_id=living.channel_id, fail_if_not_exists=False
        )

    async def _arrived(self, channel: discord.DMChannel, notice: Notice) -> discord.Message | None:
        """Return what was sent without our hearing of it, so long ago that its nonce tells Discord nothing."""
        since = notice.first_attempt_at
        if since is None or self._clock() - since <= _NONCE_WINDOW:
            return None
        async for message in channel.history(after=since - _CLOCKS_DIFFER, limit=200, oldest_first=True):
            shown = [part.to_dict() for part in message.components]
            known = notice.reference in str(shown) or any(part.get("id") == notice.mark for part in shown)
            if message.author == self._client.user and known:
                return message
        return None

    async def _refused(self, notice: Notice, error: Exception, preferences: Preferences) -> Refusal:
        refusal = classify(error)
        now = self._clock()
        unexpected = None if isinstance(error, DELIVERY_ERRORS) else error
        log.warning("notice %d not delivered (%s): %s", notice.id, refusal.name, error, exc_info=unexpected)
        if refusal is Refusal.TOO_FAST:
            self._not_before = now + _DM_PAUSE
            await self._postpone(notice, _DM_PAUSE, refusal)
            return refusal
        long = notice.has_long_failed(now)
        through = self._failing.get(notice.id)
        self._failing[notice.id] = self._got_through
        ends = refusal in ENDS_NOTICE or (refusal is Refusal.NO_ACCESS and long)
        if ends and notice.reply_to:  # what it counts stands in the message that it would answer
            await self._set_undelivered(notice, refusal.name, pinged=False)
        elif ends:
            await self._give_up(notice, refusal, preferences)
        elif long and through is not None and self._got_through > through:
            await self._give_up(notice, Refusal.STUCK, preferences)
        else:
            await self._postpone(notice, retry_after(notice.attempts, self._random), refusal)
        return refusal

    async def _postpone(self, notice: Notice, pause: timedelta, refusal: Refusal) -> None:
        async with self._ledger.write() as tx:
            await tx.postpone_notice(notice.id, pause, refusal.name)

    async def _give_up(self, notice: Notice, refusal: Refusal, preferences: Preferences) -> None:
        """Keep a notice for its user's next command, with a ping where one can be left; that is tried for a while."""
        try:
            pinged = await self._ping_last_channel(notice, preferences, closed=refusal is not Refusal.STUCK)
        except DELIVERY_ERRORS as error:
            log.warning("no ping for notice %d: %s", notice.id, error)
            if not notice.has_long_failed(self._clock()):
                await self._postpone(notice, retry_after(notice.attempts, self._random), refusal)
                return
            pinged = False
        await self._set_undelivered(notice, refusal.name, pinged=pinged)

    async def _ping_last_channel(self, notice: Notice, preferences: Preferences, *, closed: bool) -> bool:
        """Ping about what cannot be sent, where their user last gave a command in a server, if that can be done.

        `closed`: since they cannot be written to. Raise what may pass.
        """
        channel_id = await self._ledger.read.channel_to_ping(notice.user_id)
        if channel_id is None or await self._ledger.read.was_pinged(notice.user_id):
            return False
        return await self._ping(channel_id, notice, chosen=not closed, silent=preferences.silent)

    async def _ping(self, channel_id: int, notice: Notice, *, chosen: bool, silent: bool) -> bool:
        """Say in a channel that there is an update for a user, and nothing of what it is; False where that cannot be.

        Raise what may pass.
        """
        channel = self._client.get_partial_messageable(channel_id)
        only_them = discord.AllowedMentions(users=[discord.Object(notice.user_id)], everyone=False, roles=False)
        shown = channel_ping(notice.user_id, chosen=chosen)
        # Discord compares nonces across channels: with the notice's own the message after it could be taken for this.
        nonce = f"{notice.nonce}h"
        sending = channel.send(view=shown.view, allowed_mentions=only_them, nonce=nonce, silent=silent)
        try:
            await in_time(sending)
        except DELIVERY_ERRORS as error:
            if classify(error) not in ENDS_PING:
                raise
            log.info("no ping in channel %d: %s", channel_id, error)
            return False
        return True

    async def undelivered_for(self, user_id: int) -> list[Undelivered]:
        """Return what could not be delivered to a user, to be shown at a command."""
        notices = await self._ledger.read.undelivered_notices(user_id)
        if len(notices) > 1:
            notices = await self._merged(user_id) or notices
        if notices and await self._ledger.read.dms_refused(user_id) is False:  # a later one has arrived
            notices = [replace(notice, refusal=None) if notice.is_for_want_of_dms else notice for notice in notices]
        found = [Undelivered(notice, await self._ledger.report_of(notice.id)) for notice in notices]
        return [one for one in found if one.report]

    async def _merged(self, user_id: int) -> list[Notice]:
        """Make one of all undelivered notices of a user, maybe for weeks; none where the ledger takes nothing."""
        try:
            async with self._ledger.write() as tx:
                await tx.merge_undelivered(user_id)
                return await tx.undelivered_notices(user_id)
        except LedgerError as error:
            log.warning("undelivered notices are shown one by one: %s", error)
            return []

    async def seen(self, one: Undelivered) -> None:
        """Note that a user has been shown an undelivered notice."""
        async with self._ledger.write() as tx:
            await tx.notice_delivered(one.notice.id, one.report.last_line)
