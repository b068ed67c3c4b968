"""Edits the cards of requests that are behind the ledger; editing one twice does no harm."""

import asyncio
import logging
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import discord

from bot.cards.cards import request_card
from bot.cards.language import use_language
from bot.cards.layout import CardView
from bot.delivery.calls import HELD, MAY_STILL_ARRIVE, DeliveryLoop, in_time
from bot.delivery.refusals import DELIVERY_ERRORS, ENDS_CARD, Refusal, classify
from bot.domain.clock import Clock
from bot.domain.polling import MANY_TRIES, earlier, retry_after
from bot.ledger import Ledger, LedgerError, Request, Work
from bot.services.cancels import CARD_CLOSES, Cancels, RequestView
from bot.vault import Purpose, Vault, VaultError

log = logging.getLogger(__name__)

_CARD_PAUSE = timedelta(seconds=1)


class CardUpdater(DeliveryLoop):
    """Keeps cards as the ledger has them; knows nothing else but which edits may still arrive late."""

    def __init__(self, client: discord.Client, ledger: Ledger, cancels: Cancels, vault: Vault, clock: Clock) -> None:
        super().__init__(client, ledger, Work.CARDS, clock)
        self._cancels = cancels
        self._vault = vault
        self._editing: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._unheard: dict[int, datetime] = {}
        """Until when an unanswered edit of a request's card may still arrive, after a newer one."""

    async def _deliver_batch(self, now: datetime) -> None:
        # Beside each other: an edit waits for nobody who writes.
        due = await self._ledger.read.cards_due(now)
        await asyncio.gather(self._expire(), *(self.show(request.id) for request in due))

    async def _expire(self) -> None:
        async with self._ledger.write() as tx:
            more_expired = await tx.expire_cards()
            await tx.close_cards(CARD_CLOSES)
            await tx.expire_requests()
        if more_expired:  # all that 0.1.0 has left, at the first start
            self.bell.ring()

    async def _next_due(self, now: datetime) -> datetime | None:
        next_end = await self._ledger.read.next_card_end(now + CARD_CLOSES)
        closes = next_end and next_end - CARD_CLOSES
        next_due = await self._ledger.read.next_card_due()
        return earlier(closes, next_due) if next_due else closes

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
                await in_time(self._edit(view.request, shown))
            except Exception as error:  # whatever it is, other cards and notices must not wait for this one
                await self._card_failed(view.request, error)
            else:
                await self._shown(view)

    async def _hold(self, request_id: int, again: bool) -> bool:
        """Keep other processes from editing a card for a while; `again`: where one does so now, it is to once more."""
        async with self._ledger.write() as tx:
            held = await tx.hold_card(request_id, HELD)
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
        late_until = self._unheard.get(view.request.id)
        last_at = view.request.card_until - CARD_CLOSES  # then edited anyway; what arrives later stays
        once_more_at = late_until if late_until and self._clock() < late_until < last_at else None
        async with self._ledger.write() as tx:
            await tx.card_shown(view.request, _CARD_PAUSE, once_more_at=once_more_at)
            if view.is_last:
                await tx.card_gone(view.request)

    async def _card_failed(self, request: Request, error: Exception) -> None:
        refusal = classify(error)
        lost = refusal is Refusal.NO_ACCESS and request.card_failures >= MANY_TRIES
        if isinstance(error, VaultError) or refusal in ENDS_CARD or lost:
            log.info("card of request %d cannot be edited any more: %s", request.id, error)
            await self._gone(request)
            return
        unexpected = None if isinstance(error, DELIVERY_ERRORS) else error
        log.warning("card of request %d was not edited, trying again: %s", request.id, error, exc_info=unexpected)
        if not isinstance(error, discord.HTTPException):
            now = self._clock()
            self._unheard = {number: until for number, until in self._unheard.items() if until > now}
            self._unheard[request.id] = now + MAY_STILL_ARRIVE
        pause = retry_after(request.card_failures + 1, self._random)
        async with self._ledger.write() as tx:
            await tx.card_failed(request.id, pause)

    async def _gone(self, request: Request) -> None:
        async with self._ledger.write() as tx:
            await tx.card_gone(request)
