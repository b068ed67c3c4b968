"""What the panel says of many orders before their user confirms to cancel them; by status calls alone.

A preview is a courtesy: Confirm never waits for it, and whatever keeps it from its end, the question stands.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice

from bot.domain.errors import KeyPaused, NoKey
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading, RowError, StatusRow
from bot.domain.reasons import Reason
from bot.ledger import Ledger, LedgerError, Preview, PreviewState, Request
from bot.panel import Panel, PanelError, Refused
from bot.services.batches import ask_in_batches
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
        """Ask about all orders, until the panel refuses or the request is answered."""
        orders = await self._ledger.read.waiting_orders(request_id, MAX_LOOKUP)
        request = await self._ledger.read.request(request_id)
        preview = _unfinished(request)
        if request is None or preview is None:
            return

        async def heard(first: int, batch: Sequence[str], answer: Mapping[str, StatusRow] | Exception) -> bool:
            nonlocal preview
            assert preview
            preview = _with_answer(preview, batch, answer)
            rows = () if isinstance(answer, Exception) else map(answer.get, batch)
            readings = {position: row for position, row in enumerate(rows, first) if isinstance(row, OrderReading)}
            await self._save(request_id, preview, readings)
            return _unfinished(await self._ledger.read.request(request_id)) is not None

        await ask_in_batches(self._gateway, request.account_id, Panel.status, orders, heard, CallKind.PREVIEW)

    async def _break_off(self, request_id: int) -> None:
        request = await self._ledger.read.request(request_id)
        if preview := _unfinished(request):
            await self._save(request_id, replace(preview, state=Reason.BROKEN))

    async def _save(self, request_id: int, preview: Preview, seen: Mapping[int, OrderReading] | None = None) -> None:
        async with self._ledger.write() as tx:
            await tx.save_preview(request_id, preview, seen)


def _unfinished(request: Request | None) -> Preview | None:
    """Return a request's preview while there is more to ask; with the answer to the question it is gone."""
    preview = request and request.preview
    return preview if preview and preview.state is PreviewState.ASKING else None


def _with_answer(preview: Preview, batch: Sequence[str], answer: Mapping[str, StatusRow] | Exception) -> Preview:
    """Return a preview with what came of one call: what it added, or the first reason why there was nothing."""
    match answer:
        case Refused(panel_message=said, reason=why):
            seen = _with(preview, batch, dict.fromkeys(batch, RowError(said)))
        case PanelError(may_have_acted=True, reason=why):
            seen = _with(preview, batch, {})
        case PanelError(reason=why) | KeyPaused(reason=why) | NoKey(reason=why):
            seen = preview
        case Exception():
            raise answer
        case _:
            seen = _with(preview, batch, answer)
            why = PreviewState.DONE if seen.asked >= seen.wanted else PreviewState.ASKING
    return replace(seen, state=why) if preview.state is PreviewState.ASKING else seen


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
