"""Requests until they begin: written down, previewed, and confirmed, declined or left to expire."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.domain.order_ids import Junk
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading
from bot.domain.polling import DRAFT_LIVES
from bot.domain.reasons import Reason
from bot.ledger.cards import Cards, MessageRef
from bot.ledger.holder import Holder
from bot.ledger.kept import Kept
from bot.ledger.queries import QUERIES
from bot.ledger.row import to_ms
from bot.ledger.rows import Account, Preview, PreviewState, Request, RequestState, junk_json
from bot.ledger.transaction import Work

_ORDERS_AT_ONCE = 5_000
"""Of a request, written by one statement."""


class Requests(Cards, Kept, Holder):
    """What can be changed about requests that have not begun; part of what can be done within one transaction."""

    async def add_request(
        self,
        account: Account,
        orders: Sequence[str],
        card: MessageRef,
        *,
        ask_first: bool,
        ignored: Sequence[str],
        repeats: int,
        preview: Preview | None = None,
    ) -> int:
        """Write down what a user wants cancelled and return the request's id; sent only when not `ask_first`."""
        request_id: int = await QUERIES.add_request(
            self._db,
            account_id=account.id,
            user_id=account.user_id,
            state=RequestState.AWAITING_CONFIRMATION if ask_first else RequestState.ACTIVE,
            orders=len(orders),
            ignored=junk_json(Junk.of(ignored)),
            repeats=repeats,
            preview=preview and preview.to_json(),
            channel_id=card.channel_id,
            guild_id=card.guild_id,
            message_id=card.message_id,
            token_sealed=card.token_sealed,
            card_until=to_ms(card.until),
            language=card.language,
            now=self._now_ms,
            began_at=None if ask_first else self._now_ms,
        )
        self._make_due(Work.ORDERS, not ask_first)
        for first in range(0, len(orders), _ORDERS_AT_ONCE):
            some = json.dumps(list(orders[first : first + _ORDERS_AT_ONCE]))
            await QUERIES.add_orders(self._db, request_id=request_id, first=first, orders=some)
        return request_id

    async def answer_request(self, request_id: int, state: RequestState) -> bool:
        """Confirm or drop a request that asks; False if it was answered before.

        The orders of one that was declined are forgotten; those of one that expired can be asked about again for a day.
        """
        begins = state is RequestState.ACTIVE
        began_at = self._now_ms if begins else None
        lapsed = await self.request(request_id) if state is RequestState.EXPIRED else None
        undecided = lapsed.preview if lapsed and lapsed.asks_what_to_do else None  # it is asked again as it was
        preview = undecided and undecided.to_json()
        changed = await QUERIES.answer_request(self._db, id=request_id, state=state, began_at=began_at, preview=preview)
        if changed and state is RequestState.DECLINED:
            await QUERIES.forget_orders(self._db, id=request_id)
        if changed and lapsed:
            await self.bound_lapsed(lapsed.user_id)
        self._make_due(Work.ORDERS, changed and begins)
        return bool(changed)

    async def save_preview(
        self, request_id: int, preview: Preview, seen: Mapping[int, OrderReading] | None = None
    ) -> None:
        """Note what the panel said of a request for its card, unless the request has been answered meanwhile.

        `seen`: what was read of single orders, by their position; it may prove a refund later.
        """
        if await QUERIES.save_preview(self._db, id=request_id, preview=preview.to_json()):
            rows = [self._seen_row(request_id, *one) for one in (seen or {}).items()]
            await QUERIES.note_seen(self._db, rows)
            await self.touch_card(request_id)

    def _seen_row(self, request_id: int, position: int, reading: OrderReading) -> dict[str, Any]:
        return {
            "request_id": request_id,
            "position": position,
            "pending_at": self._now_ms if reading.status is OrderStatus.PENDING else None,
            "charge": reading.charge,
            "currency": reading.currency,
        }

    async def interrupt_previews(self) -> None:
        """End what a dead process was asking: its questions stand without the rest of their previews."""
        living = await self.living()
        for row in [row async for row in QUERIES.previews(self._db)]:
            request = Request.read(row)
            asking = request.preview and request.preview.state is PreviewState.ASKING
            if request.preview and asking and request.preview.process not in living:
                await self.save_preview(request.id, replace(request.preview, state=Reason.INTERRUPTED))

    async def expire_requests(self) -> None:
        """Give up on requests that were never confirmed, and forget the orders that were kept for long enough."""
        await self.prune_kept()
        before = to_ms(self.now - DRAFT_LIVES)
        for row in [row async for row in QUERIES.requests_to_expire(self._db, before=before)]:
            request = await self.request(row["id"])
            await self.answer_request(row["id"], request.lapses_to if request else RequestState.EXPIRED)
