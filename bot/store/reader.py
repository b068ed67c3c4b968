"""Everything that can be asked of the ledger."""

from datetime import datetime
from importlib import resources
from typing import Any

import aiosql

from bot.store.rows import (
    Account,
    Cancellation,
    Due,
    Notice,
    NoticeItem,
    NoticeKind,
    Request,
    from_ms,
    to_ms,
)

# aiosql makes the methods at run time, from the names and parameters in the files.
QUERIES: Any = aiosql.from_path(str(resources.files("bot.store") / "queries"), "aiosqlite")  # pyright: ignore[reportUnknownMemberType]


Sealed = tuple[int, int, bytes]
"""Row id, user id and sealed secret."""


class Reader:
    """Everything that can be asked of the ledger."""

    def __init__(self, connection: Any) -> None:
        self._db = connection

    async def account_of(self, user_id: int) -> Account | None:
        """Return the user's account, be its key usable or not; None for a user never seen."""
        row = await QUERIES.account_of_user(self._db, user_id=user_id)
        return row and Account.read(row)

    async def account(self, account_id: int) -> Account:
        """Return an account that is known to exist."""
        return Account.read(await QUERIES.account(self._db, id=account_id))

    async def accounts_due(self) -> list[Due]:
        """Return every active account with open cancellations and when it is due, earliest first."""
        return [Due.read(row) async for row in QUERIES.accounts_due(self._db)]

    async def request(self, request_id: int) -> Request | None:
        """Return a request, if there is one of that number."""
        row = await QUERIES.request(self._db, id=request_id)
        return row and Request.read(row)

    async def cancellations_of(self, request_id: int) -> list[Cancellation]:
        """Return the orders that a request's card shows, its own and those it joined."""
        rows = QUERIES.cancellations_of_request(self._db, request_id=request_id)
        return [Cancellation.read(row) async for row in rows]

    async def open_cancellations(self, account_id: int) -> list[Cancellation]:
        """Return what is still open in an account, oldest first."""
        return [Cancellation.read(row) async for row in QUERIES.open_of_account(self._db, account_id=account_id)]

    async def count_open(self, account_id: int) -> int:
        """Return how many cancellations are still open in an account."""
        return await QUERIES.count_open(self._db, account_id=account_id)

    async def lives(self, most: int) -> list[float]:
        """Return how many seconds the provider took for what ended last, the newest first."""
        return [row["life"] / 1000 async for row in QUERIES.lives(self._db, most=most)]

    async def due_looks(self, account_id: int, now: datetime, most: int) -> list[Cancellation]:
        """Return the orders to ask about now, filled up with those due next; none while nothing is due."""
        if not await QUERIES.has_due_look(self._db, account_id=account_id, now=to_ms(now)):
            return []
        rows = QUERIES.due_looks(self._db, account_id=account_id, most=most)
        return [Cancellation.read(row) async for row in rows]

    async def cards_due(self, now: datetime) -> list[Request]:
        """Return the requests whose card is behind the ledger."""
        return [Request.read(row) async for row in QUERIES.cards_due(self._db, now=to_ms(now))]

    async def next_card_due(self) -> datetime | None:
        """Return when the next card is to be edited."""
        due = await QUERIES.next_card_due(self._db)
        return None if due is None else from_ms(due)

    async def notices_due(self, now: datetime, most: int = 100) -> list[Notice]:
        """Return up to `most` notices to send now, oldest first and one a user."""
        return [Notice.read(row) async for row in QUERIES.notices_due(self._db, now=to_ms(now), most=most)]

    async def next_notice_due(self) -> datetime | None:
        """Return when the next notice is to be sent."""
        due = await QUERIES.next_notice_due(self._db)
        return None if due is None else from_ms(due)

    async def items_of(self, notice_id: int) -> list[NoticeItem]:
        """Return the lines of a notice in the order they were written."""
        rows = QUERIES.cancellations_of_notice(self._db, notice_id=notice_id)
        found = {row["id"]: Cancellation.read(row) async for row in rows}
        items = QUERIES.items_of_notice(self._db, notice_id=notice_id)
        return [NoticeItem(NoticeKind(row["kind"]), found.get(row["cancellation_id"])) async for row in items]

    async def kept_notices(self, user_id: int) -> list[Notice]:
        """Return the notices that could not be delivered to a user."""
        return [Notice.read(row) async for row in QUERIES.kept_notices(self._db, user_id=user_id)]

    async def hint_channel(self, user_id: int) -> int | None:
        """Return the server channel of the user's last request, if it was made in a server."""
        return await QUERIES.hint_channel(self._db, user_id=user_id)

    async def has_hint(self, user_id: int) -> bool:
        """Tell whether a user has been hinted at news that they have not looked at yet."""
        return bool(await QUERIES.has_hint(self._db, user_id=user_id))

    async def sealed_keys(self) -> list[Sealed]:
        """Return every sealed API key."""
        return [_sealed(row) async for row in QUERIES.sealed_keys(self._db)]

    async def sealed_tokens(self) -> list[Sealed]:
        """Return every sealed interaction token."""
        return [_sealed(row) async for row in QUERIES.sealed_tokens(self._db)]

    async def fact(self, name: str) -> str | None:
        """Return a small fact about this installation."""
        return await QUERIES.fact(self._db, name=name)


def _sealed(row: Any) -> Sealed:
    return row["id"], row["user_id"], row["sealed"]
