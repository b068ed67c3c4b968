"""Delivers what the ledger owes its users: cards that are behind, and notices from the outbox.

Each delivery is safe to repeat: editing a card is idempotent, and a notice carries the nonce it was
given when its first line was written, by which Discord drops a repeat.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar
from weakref import WeakValueDictionary

import discord

from bot.cards.answers import channel_ping
from bot.cards.cards import notice_card, request_card
from bot.cards.language import use_language
from bot.cards.layout import CardView
from bot.delivery.refusals import DELIVERY_ERRORS, ENDS_CARD, ENDS_NOTICE, ENDS_PING, Refusal, classify
from bot.domain.clock import Clock
from bot.domain.polling import MANY_TRIES, earlier, later, retry_after
from bot.ledger import Ledger, LedgerError, Notice, NotifyVia, Preferences, Report, Request, Work
from bot.services.cancels import Cancels, RequestView
from bot.vault import Purpose, Vault, VaultError
from bot.workers.tasks import WakeEvent

log = logging.getLogger(__name__)

T = TypeVar("T")

_SEND_TIMEOUT = 15  # seconds; discord.py's own calls may hang for 300 s holding the route's lock
_HELD = timedelta(seconds=_SEND_TIMEOUT + 5)
"""For so long a card or a notice is left to whoever is sending it; should they have died, somebody else comes then."""
_NONCE_WINDOW = timedelta(minutes=2)
"""For "the past few minutes" Discord drops a second message with the same nonce; later we look ourselves."""
_CLOCKS_DIFFER = timedelta(minutes=5)
_CARD_PAUSE = timedelta(seconds=1)
_AT_ONCE = 5
_BATCH_PAUSE = timedelta(seconds=1)
"""After each batch of messages: there is no published limit for DMs, but many at once get a bot flagged."""
_DM_PAUSE = timedelta(minutes=10)
_IDLE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A notice that could not be delivered, to be shown at a command instead."""

    notice: Notice
    report: Report

    @property
    def in_short(self) -> bool:
        """Whether Discord took its message again and again not, so that it is told in counts alone."""
        return self.notice.refusal == Refusal.STUCK.name


class Courier:
    """Brings cards and notices to Discord; knows nothing that is not in the ledger."""

    def __init__(self, client: discord.Client, ledger: Ledger, cancels: Cancels, vault: Vault, clock: Clock) -> None:
        self.card_bell = WakeEvent()
        self.notice_bell = WakeEvent()
        ledger.when_due(Work.CARDS, self.card_bell.ring)
        ledger.when_due(Work.NOTICES, self.notice_bell.ring)
        self._client = client
        self._ledger = ledger
        self._cancels = cancels
        self._vault = vault
        self._clock = clock
        self._random = Random()
        self._editing: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._no_dms_before: datetime | None = None
        self._failed_batches = 0
        self._got_through = 0
        self._failing: dict[int, int] = {}
        """How many messages had got through when a notice failed last."""

    async def run_cards(self, stop: asyncio.Event) -> None:
        """Keep cards up to date until `stop`."""
        await self._repeat(self.show_due, self.card_bell, stop)

    async def run_notices(self, stop: asyncio.Event) -> None:
        """Send notices until `stop`; beside the cards, which must not wait for a message that hangs."""
        await self._repeat(self.deliver_due, self.notice_bell, stop)

    async def _repeat(self, work: Callable[[], Awaitable[datetime]], bell: WakeEvent, stop: asyncio.Event) -> None:
        while not stop.is_set():
            bell.reset()
            await bell.wait(await work(), self._clock, (), stop)

    async def step(self) -> datetime:
        """Bring up to date and deliver all that is due now; return when the next is."""
        return min(await self.show_due(), await self.deliver_due())

    async def show_due(self) -> datetime:
        """Edit every card that is behind; return when the next will be."""
        now = self._clock()
        async with self._ledger.write() as tx:
            await tx.expire_cards()
            await tx.expire_requests()
        await asyncio.gather(*(self.show(request.id) for request in await self._ledger.read.cards_due(now)))
        return earlier(await self._ledger.read.next_card_due(), now + _IDLE)

    async def deliver_due(self) -> datetime:
        """Send one batch of the notices that are due; return when the next may be."""
        now = self._clock()
        if self._no_dms_before and now < self._no_dms_before <= now + _DM_PAUSE:
            return self._no_dms_before
        batch = await self._ledger.read.notices_due(now, _AT_ONCE)
        of_users: defaultdict[int, list[Notice]] = defaultdict(list)
        for notice in batch:
            of_users[notice.user_id].append(notice)
        passed = await asyncio.gather(*map(self._deliver_in_order, of_users.values()))
        if batch:
            self._no_dms_before = later(self._no_dms_before, now + self._pause_after(passed))
        due = await self._ledger.read.next_notice_due()
        return earlier(due and later(due, self._no_dms_before), now + _IDLE)

    def _pause_after(self, passed: Sequence[bool]) -> timedelta:
        """Return how long to leave Discord in peace: for long where it fails for everybody."""
        down = len(passed) > 1 and not any(passed)
        self._failed_batches = self._failed_batches + 1 if down else 0
        return retry_after(self._failed_batches, self._random) if down else _BATCH_PAUSE

    async def show(self, request_id: int, *, again: bool = False) -> None:
        """Bring a request's card up to date with the ledger; the only way a card is ever edited.

        Where another process is editing it that is left to it; `again`: and to be done once more by it.
        """
        lock = self._editing.setdefault(request_id, asyncio.Lock())
        async with lock:
            if self._ledger.is_shared and not await self._hold(request_id, again):
                return
            view = await self._cancels.view(request_id)
            if view is None:
                return
            if view.request.card_until <= self._clock():
                await self._gone(view.request)
                return
            try:
                with use_language(await self._ledger.read.language_of(view.request.user_id)):
                    shown = request_card(view)
                await _in_time(self._edit(view.request, shown))
            except Exception as error:  # whatever it is, other cards and notices must not wait for this one
                await self._card_failed(view.request, error)
            else:
                await self._shown(view)

    async def _hold(self, request_id: int, again: bool) -> bool:
        """Keep other processes from editing a card for a while; `again`: where one does so now, it is to once more."""
        async with self._ledger.write() as tx:
            held = await tx.hold_card(request_id, _HELD)
            if again and not held:
                await tx.touch_card(request_id)
        return held

    async def show_at_once(self, request_id: int) -> None:
        """Show a card right after a command; what fails is left to the loop, since the request itself stands."""
        try:
            await self.show(request_id, again=True)
        except LedgerError as error:
            log.warning("card of request %d: %s", request_id, error)

    async def _edit(self, request: Request, shown: CardView) -> None:
        assert request.message_id is not None
        if request.token_sealed is None:
            channel = self._client.get_partial_messageable(request.channel_id)
            message = channel.get_partial_message(request.message_id)
            await message.edit(view=shown.view, attachments=shown.files)
            return
        token = self._vault.open(Purpose.INTERACTION_TOKEN, request.user_id, request.token_sealed)
        application_id = self._client.application_id
        assert application_id is not None
        webhook = discord.Webhook.partial(application_id, token.get_secret_value(), client=self._client)
        await webhook.edit_message(request.message_id, view=shown.view, attachments=shown.files)

    async def _shown(self, view: RequestView) -> None:
        async with self._ledger.write() as tx:
            await tx.card_shown(view.request, _CARD_PAUSE)

    async def _card_failed(self, request: Request, error: Exception) -> None:
        refusal = classify(error)
        lost = refusal is Refusal.NO_ACCESS and request.card_failures >= MANY_TRIES
        if isinstance(error, VaultError) or refusal in ENDS_CARD or lost:
            log.info("card of request %d cannot be edited any more: %s", request.id, error)
            await self._gone(request)
            return
        unexpected = None if isinstance(error, DELIVERY_ERRORS) else error
        log.warning("card of request %d was not edited, trying again: %s", request.id, error, exc_info=unexpected)
        pause = retry_after(request.card_failures + 1, self._random)
        async with self._ledger.write() as tx:
            await tx.card_failed(request.id, pause)

    async def _gone(self, request: Request) -> None:
        async with self._ledger.write() as tx:
            await tx.card_gone(request)

    async def _deliver_in_order(self, notices: Sequence[Notice]) -> bool:
        """Send one user's notices; tell whether Discord answered to any. A second one is due only where the first has
        failed for so long that it may be its own fault: that the second gets through would prove it.
        """
        answered = False
        for notice in notices:
            if answered and self._no_dms_before and self._clock() < self._no_dms_before:
                break
            answered = await self._deliver(notice) or answered
        return answered

    async def _deliver(self, notice: Notice) -> bool:
        """Send a notice, and note what came of it; tell whether Discord answered."""
        if not await self._ledger.read.report_of(notice.id):  # all of it was overtaken by events
            async with self._ledger.write() as tx:
                await tx.notice_delivered(notice.id)
            return True
        # Should this process die, its next start tries again soon; others must not come while it is still at it.
        pause = _HELD if self._ledger.is_shared else retry_after(notice.attempts + 1, self._random)
        async with self._ledger.write() as tx:
            sending = await tx.begin_sending(notice.id, pause)
        if sending is None:
            return True
        preferences = await self._ledger.read.preferences(notice.user_id)
        with use_language(await self._ledger.read.language_of(notice.user_id)):
            return await self._bring(sending, preferences)

    async def _bring(self, notice: Notice, preferences: Preferences) -> bool:
        """Bring a notice the way its user wants it, and note what came of it; tell whether Discord answered."""
        try:
            if preferences.notify_via is NotifyVia.OFF:
                await self._keep(notice, "as its user wishes", pinged=False)
                return True
            if preferences.notify_via is NotifyVia.CHANNEL and await self._ping_where_asked(notice, preferences):
                return True
            sent = await _in_time(self._send(notice))
        except Exception as error:  # whatever it is, other notices must not wait for this one
            return await self._refused(notice, error, preferences) is not Refusal.PASSING
        self._got_through += sent
        self._failing.pop(notice.id, None)
        async with self._ledger.write() as tx:
            await tx.notice_delivered(notice.id)
        return True

    async def _ping_where_asked(self, notice: Notice, preferences: Preferences) -> bool:
        """Keep a notice behind a hint in the channel where its user asked last; False where there can be none."""
        channel_id = await self._ledger.read.channel_asked_in(notice.user_id)
        if channel_id is None:
            return False
        pinged = not await self._ledger.read.was_pinged(notice.user_id)
        if pinged:
            try:
                await self._ping(channel_id, notice, chosen=True, silent=preferences.silent)
            except DELIVERY_ERRORS as error:
                if classify(error) not in ENDS_PING:
                    raise
                log.info("no hint in channel %d: %s", channel_id, error)
                return False
        await self._keep(notice, "hinted at as its user wishes", pinged=pinged)
        return True

    async def _keep(self, notice: Notice, why: str, *, pinged: bool) -> None:
        self._failing.pop(notice.id, None)
        async with self._ledger.write() as tx:
            await tx.set_undelivered(notice.id, why, pinged=pinged)

    async def _send(self, notice: Notice) -> bool:
        """Send a notice, unless it arrived before; False where nothing of it is left to say."""
        channel = await self._client.create_dm(discord.Object(notice.user_id))
        if await self._has_arrived(channel, notice):
            return True
        report = await self._ledger.read.report_of(notice.id)  # at the last moment: its user may have had it erased
        if not report:
            return False
        shown = notice_card(report, notice)
        preferences = await self._ledger.read.preferences(notice.user_id)
        await channel.send(view=shown.view, files=shown.files, nonce=notice.nonce, silent=preferences.silent)
        return True

    async def _has_arrived(self, channel: discord.DMChannel, notice: Notice) -> bool:
        """Tell whether it was sent without our hearing of it, so long ago that its nonce tells Discord nothing."""
        since = notice.first_attempt_at
        if since is None or self._clock() - since <= _NONCE_WINDOW:
            return False
        async for message in channel.history(after=since - _CLOCKS_DIFFER, limit=200, oldest_first=True):
            shown = str([part.to_dict() for part in message.components])
            if message.author == self._client.user and notice.reference in shown:
                return True
        return False

    async def _refused(self, notice: Notice, error: Exception, preferences: Preferences) -> Refusal:
        refusal = classify(error)
        now = self._clock()
        unexpected = None if isinstance(error, DELIVERY_ERRORS) else error
        log.warning("notice %d not delivered (%s): %s", notice.id, refusal.name, error, exc_info=unexpected)
        if refusal is Refusal.TOO_FAST:
            self._no_dms_before = now + _DM_PAUSE
            await self._postpone(notice, _DM_PAUSE, refusal)
            return refusal
        long = notice.has_long_failed(now)
        through = self._failing.get(notice.id)
        self._failing[notice.id] = self._got_through
        if refusal in ENDS_NOTICE or (refusal is Refusal.NO_ACCESS and long):
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
        """Keep a notice for its user's next command, with a hint where one can be left; that is tried for a while."""
        try:
            pinged = await self._ping_last_channel(notice, preferences, closed=refusal is not Refusal.STUCK)
        except DELIVERY_ERRORS as error:
            log.warning("no hint for notice %d: %s", notice.id, error)
            if not notice.has_long_failed(self._clock()):
                await self._postpone(notice, retry_after(notice.attempts, self._random), refusal)
                return
            pinged = False
        await self._keep(notice, refusal.name, pinged=pinged)

    async def _ping_last_channel(self, notice: Notice, preferences: Preferences, *, closed: bool) -> bool:
        """Hint at news that cannot be sent, where their user last gave a command in a server, if that can be done.

        `closed`: since they cannot be written to. Raise what may pass.
        """
        channel_id = await self._ledger.read.channel_to_ping(notice.user_id)
        if channel_id is None or await self._ledger.read.was_pinged(notice.user_id):
            return False
        try:
            await self._ping(channel_id, notice, chosen=not closed, silent=preferences.silent)
        except DELIVERY_ERRORS as error:
            if classify(error) not in ENDS_PING:
                raise
            log.info("no hint in channel %d: %s", channel_id, error)
            return False
        return True

    async def _ping(self, channel_id: int, notice: Notice, *, chosen: bool, silent: bool) -> None:
        """Say in a channel that there are news for a user, and no word of what they are."""
        channel = self._client.get_partial_messageable(channel_id)
        only_them = discord.AllowedMentions(users=[discord.Object(notice.user_id)], everyone=False, roles=False)
        shown = channel_ping(notice.user_id, chosen=chosen)
        # Discord compares nonces across channels: with the notice's own the message after it could be taken for this.
        nonce = f"{notice.nonce}h"
        sending = channel.send(view=shown.view, allowed_mentions=only_them, nonce=nonce, silent=silent)
        await _in_time(sending)

    async def undelivered_for(self, user_id: int) -> list[Undelivered]:
        """Return what could not be delivered to a user, to be shown at a command."""
        notices = await self._ledger.read.undelivered_notices(user_id)
        if len(notices) > 1:
            notices = await self._merged(user_id) or notices
        found = [Undelivered(notice, await self._ledger.read.report_of(notice.id)) for notice in notices]
        return [one for one in found if one.report]

    async def _merged(self, user_id: int) -> list[Notice]:
        """Make one of all that were kept for a user, maybe for weeks; none where the ledger takes nothing."""
        try:
            async with self._ledger.write() as tx:
                await tx.merge_undelivered(user_id)
                return await tx.undelivered_notices(user_id)
        except LedgerError as error:
            log.warning("kept news are shown one by one: %s", error)
            return []

    async def seen(self, one: Undelivered) -> None:
        """Note that a user has been shown a kept notice."""
        async with self._ledger.write() as tx:
            await tx.notice_delivered(one.notice.id)


async def _in_time(call: Awaitable[T]) -> T:
    """Bound a call to Discord; running out of time leaves it open whether it arrived."""
    async with asyncio.timeout(_SEND_TIMEOUT):
        return await call
