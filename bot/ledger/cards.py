"""Cards: where each stands, which are behind what they should show, and which orders they have shown ended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.languages import Language
from bot.ledger.outbox import PATIENCE, Outbox
from bot.ledger.queries import QUERIES
from bot.ledger.row import to_ms
from bot.ledger.rows import Request
from bot.ledger.transaction import Work

_EXPIRED_AT_ONCE = 500
"""Cards that one transaction forgets: others wait for it."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a request's card stands: behind an interaction's token, or as the bot's own message in a DM.

    It can be edited `until` then. `language`: what the user's Discord client speaks, which no message in a DM tells.
    """

    channel_id: int
    guild_id: int | None
    message_id: int | None
    token_sealed: bytes | None
    until: datetime
    language: Language | None = None


class Cards(Outbox):
    """What can be changed about cards; part of what can be done within one transaction."""

    async def place_card(self, request_id: int, card: MessageRef) -> None:
        """Note where a request's card stands from now on."""
        await QUERIES.place_card(
            self._db,
            id=request_id,
            message_id=card.message_id,
            token_sealed=card.token_sealed,
            card_until=to_ms(card.until),
            language=card.language,
        )

    async def hold_card(self, request_id: int, pause: timedelta) -> bool:
        """Let a card be due for nobody that long; False where somebody is editing it, or it is to wait."""
        until = self._in_ms(pause)
        return bool(await QUERIES.hold_card(self._db, id=request_id, now=self._now_ms, until=until))

    async def touch_card(self, request_id: int) -> None:
        """Mark a card behind."""
        self._make_due(Work.CARDS, await QUERIES.touch_card(self._db, id=request_id, now=self._now_ms))

    async def card_shown(self, request: Request, pause: timedelta, *, once_more_at: datetime | None = None) -> None:
        """Note that the user has seen a card of that revision, and so how orders ended while they watched.

        What has changed since is shown after a pause. `once_more_at`: when to edit it again although nothing changes.
        """
        which = {"id": request.id, "revision": request.revision}
        due = {"again_at": self._in_ms(pause), "once_more_at": once_more_at and to_ms(once_more_at)}
        self._make_due(Work.CARDS, await QUERIES.card_shown(self._db, **which, **due))
        await QUERIES.notified_by_card(self._db, **which, patience=PATIENCE, now=self._now_ms)

    async def card_failed(self, request_id: int, pause: timedelta) -> None:
        """Note that a card could not be edited and is to be tried again after a pause."""
        failed = await QUERIES.card_failed(self._db, id=request_id, again_at=self._in_ms(pause))
        self._make_due(Work.CARDS, failed)

    async def card_gone(self, request: Request) -> None:
        """Note that a card cannot be edited any more; what it did not tell becomes a notice."""
        await QUERIES.card_gone(self._db, id=request.id)
        await self.enqueue_notifications(request.account_id)

    async def expire_cards(self) -> bool:
        """Forget the cards that cannot be edited any more; what they did not tell becomes notices.

        True where there were so many that others are left.
        """
        rows = [row async for row in QUERIES.cards_expired(self._db, now=self._now_ms, most=_EXPIRED_AT_ONCE)]
        for row in rows:
            await QUERIES.card_gone(self._db, id=row["id"])
        for account_id in {row["account_id"] for row in rows}:
            await self.enqueue_notifications(account_id)
        return len(rows) == _EXPIRED_AT_ONCE

    async def close_cards(self, soon: timedelta) -> None:
        """Mark behind what shows something open and cannot be edited much longer: it is to say so."""
        self._make_due(Work.CARDS, await QUERIES.close_cards(self._db, now=self._now_ms, soon=self._in_ms(soon)))

    async def touch_account(self, account_id: int) -> None:
        """Mark every card of an account behind that shows something open."""
        touched = await QUERIES.touch_cards_of_account(self._db, account_id=account_id, now=self._now_ms)
        self._make_due(Work.CARDS, touched)

    async def _touch(self, cancellation_ids: Sequence[int]) -> None:
        if cancellation_ids:
            touched = await QUERIES.touch_cards(self._db, ids=json.dumps(cancellation_ids), now=self._now_ms)
            self._make_due(Work.CARDS, touched)
