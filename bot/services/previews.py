"""What the panel says of many orders before their user confirms to cancel them; by status calls alone.

A preview is a courtesy: Confirm never waits for it, and whatever keeps it from its end, the question stands.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain, islice

from bot.domain.errors import KeyPaused, NoKey
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading, RowError, StatusRow
from bot.domain.reasons import Reason
from bot.ledger import Ledger, LedgerError, Preview, PreviewState, Request
from bot.panel import MAX_BATCH, Panel, PanelError, Refused
from bot.services.gateway import Gateway
from bot.services.panel_calls import MAX_LOOKUP
from bot.workers.call_counts import CallKind

log = logging.getLogger(__name__)

MOST_WORDS = 5
"""Different panel messages that a preview keeps of each kind: one more than its card shows."""


def blank(orders: int, process: int) -> Preview | None:
    """Return a preview that has not begun; None where the list has too many orders.

    A preview costs as many calls as sending does, and they come out of the same minute.
    """
    return Preview(orders, process=process) if orders <= MAX_LOOKUP else None


class Previews:
    """Fills in the previews of requests that ask first, each in a task of its own."""

    def __init__(self, ledger: Ledger, gateway: Gateway) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, request_id: int) -> None:
        """Begin to ask the panel about a request's orders; whatever goes wrong is logged and shown on the card."""
        task = asyncio.create_task(self._ask_safely(request_id), name=f"preview {request_id}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def abandon(self) -> None:
        """Give up what is under way: the next start says on its cards that the rest was not asked."""
        for task in self._running:
            task.cancel()
        while self._running:
            await asyncio.wait(self._running)

    async def _ask_safely(self, request_id: int) -> None:
        try:
            await self._ask(request_id)
        except Exception:
            log.exception("the preview of request %d broke off", request_id)
            with suppress(LedgerError):
                await self._break_off(request_id)

    async def _ask(self, request_id: int) -> None:
        """Ask about one batch after the other, until all are asked, the panel refuses or the request is answered."""
        orders = await self._ledger.read.waiting_orders(request_id, MAX_LOOKUP)
        while (request := await self._ledger.read.request(request_id)) and (preview := _unfinished(request)):
            batch = orders[preview.asked : preview.asked + MAX_BATCH]
            more, rows = await self._seen(request.account_id, preview, batch)
            found = enumerate(map(rows.get, batch), preview.asked)
            readings = {position: row for position, row in found if isinstance(row, OrderReading)}
            await self._save(request_id, more, readings)

    async def _seen(
        self, account_id: int, preview: Preview, batch: Sequence[str]
    ) -> tuple[Preview, Mapping[str, StatusRow]]:
        """Return a preview with what one call added to it, and its answer; or with why there was none."""
        try:
            rows = await self._gateway.call(account_id, partial(Panel.status, orders=batch), CallKind.PREVIEW)
        except Refused as error:
            return replace(
                _with(preview, batch, dict.fromkeys(batch, RowError(error.panel_message))), state=error.reason
            ), {}
        except (PanelError, KeyPaused, NoKey) as error:
            may_have_acted = isinstance(error, PanelError) and error.may_have_acted
            return replace(_with(preview, batch, {}) if may_have_acted else preview, state=error.reason), {}
        seen = _with(preview, batch, rows)
        return replace(seen, state=PreviewState.DONE) if seen.asked >= seen.wanted else seen, rows

    async def _break_off(self, request_id: int) -> None:
        request = await self._ledger.read.request(request_id)
        if request and (preview := _unfinished(request)):
            await self._save(request_id, replace(preview, state=Reason.BROKEN))

    async def _save(self, request_id: int, preview: Preview, seen: Mapping[int, OrderReading] | None = None) -> None:
        async with self._ledger.write() as tx:
            await tx.save_preview(request_id, preview, seen)


def _unfinished(request: Request) -> Preview | None:
    """Return a request's preview while there is more to ask; with the answer to the question it is gone."""
    return request.preview if request.preview and request.preview.state is PreviewState.ASKING else None


def _with(preview: Preview, batch: Sequence[str], rows: Mapping[str, StatusRow]) -> Preview:
    """Return a preview with what the panel said of one more batch."""
    readings = [row for row in rows.values() if isinstance(row, OrderReading)]
    errors = [row.panel_message for row in rows.values() if isinstance(row, RowError)]
    strange = [row.word for row in readings if row.status is OrderStatus.UNKNOWN]
    return replace(
        preview,
        asked=preview.asked + len(batch),
        statuses=Counter(preview.statuses) + Counter(row.status for row in readings),
        refused=preview.refused + len(errors),
        strange_words=_first(preview.strange_words, strange),
        refusals=_first(preview.refusals, errors),
    )


def _first(known: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Return the first different panel messages."""
    return tuple(islice(dict.fromkeys(chain(known, more)), MOST_WORDS))
