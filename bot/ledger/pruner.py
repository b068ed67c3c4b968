"""Deleting what is too old to be asked for, a little at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.ledger.eraser import Eraser
from bot.ledger.queries import QUERIES
from bot.ledger.row import to_ms

PIECE = 100
"""Orders, or rows of another kind, that are deleted in one transaction."""
_STEPS = 1_000
"""Steps of orders that are: they lie side by side, and a ledger of 0.1.0 has four for each order it ever had."""


class Pruner(Eraser):
    """What deletes old rows; part of what can be done within one transaction."""

    async def prune_steps(self, before: datetime) -> bool:
        """Delete the oldest steps of orders; tell whether there may be more to delete."""
        return bool(await QUERIES.prune_transitions(self._db, before=to_ms(before), most=_STEPS))

    async def prune(self, before: datetime) -> bool:
        """Delete some orders that ended before a time, with all that hangs on them; tell whether there may be more."""
        found = QUERIES.cancellations_to_prune(self._db, before=to_ms(before), most=PIECE)
        if await self._prune_orders([row async for row in found]):
            return True
        done = False
        for query in (QUERIES.prune_requests, QUERIES.prune_pauses, QUERIES.prune_notices):
            done = bool(await query(self._db, before=to_ms(before), most=PIECE)) or done
        return done

    async def prune_surplus(self, user_id: int, until: datetime) -> bool:
        """Delete some orders of a user that ended by then; tell whether there may be more."""
        found = QUERIES.surplus_to_prune(self._db, user_id=user_id, until=to_ms(until), most=PIECE)
        return await self._prune_orders([row async for row in found])

    async def prune_surplus_requests(self, user_id: int, keep: int) -> bool:
        """Delete some of a user's requests without own orders, beyond `keep`; tell whether there were any."""
        found = QUERIES.surplus_requests(self._db, user_id=user_id, keep=keep, most=PIECE)
        numbers = [{"request_id": row["request_id"]} async for row in found]
        for query in (QUERIES.forget_named, QUERIES.forget_request):
            await query(self._db, numbers)
        return bool(numbers)

    async def _prune_orders(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Delete orders, and note until when the records of their accounts have gaps; tell whether there were any."""
        until: dict[int, int] = {}
        for row in rows:
            until[row["account_id"]] = max(until.get(row["account_id"], 0), row["ended_at"])
        await QUERIES.note_pruned(self._db, [{"account_id": id, "until": last} for id, last in until.items()])
        deleted = await self._delete_orders([row["id"] for row in rows])
        await QUERIES.prune_emptied(self._db, [{"request_id": id} for id in {row["request_id"] for row in rows}])
        return deleted
