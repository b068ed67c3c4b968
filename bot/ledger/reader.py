"""Everything that can be asked of the ledger."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from bot.domain.languages import Language, resolve_locale
from bot.domain.polling import LONG_TRIED, MANY_TRIES
from bot.domain.states import State, as_shown
from bot.ledger.lists import MOST_SHOWN, Group, Groups, Listed, ListKind, Past, Progress, Report
from bot.ledger.notice_rows import Notice, NoticeKind, NotifyVia, Preferences, Reach
from bot.ledger.overviews import Overviews
from bot.ledger.queries import QUERIES
from bot.ledger.row import from_ms, money_in, to_ms, written
from bot.ledger.rows import Account, Cancellation, Due, KeptOrders, Keyring, Request, Standing, Stored, Webhook
from bot.panel import CALL_DEADLINE

_FIRST_ID, _LAST_ID = 0, 2**63 - 1

_CONSIDERED = 500
"""Orders among which those are looked for that a user may mean; of the open ones, and of those named last."""

_LOST_AFTER = 1000 * CALL_DEADLINE
"""Milliseconds after which nobody waits for the answer to a cancel call any more."""

_SPECIAL = re.compile("[!%_]")
"""What means something in a pattern."""

Sealed = tuple[int, int, bytes]
"""Row id (of a key the account's), user id and sealed secret."""


class Reader(Overviews):
    """Everything that can be asked of the ledger."""

    async def account_of(self, user_id: int) -> Account | None:
        """Return the user's default account, be its key usable or not; None for a user without a key."""
        row = await QUERIES.default_account(self._db, user_id=user_id)
        return Account.read(row) if row else None

    async def accounts_of(self, user_id: int) -> Keyring:
        """Return all accounts of a user, the default first, and those whose key was removed."""
        return tuple([Account.read(row) async for row in QUERIES.accounts_of_user(self._db, user_id=user_id)])

    async def accounts_beside(self, account_id: int) -> list[int]:
        """Return the other accounts of an account's user."""
        return [row["id"] async for row in QUERIES.accounts_beside(self._db, id=account_id)]

    async def account(self, account_id: int) -> Account | None:
        """Return an account, unless its user has had everything erased."""
        row = await QUERIES.account(self._db, id=account_id)
        return Account.read(row) if row else None

    async def is_being_erased(self, user_id: int) -> bool:
        """Tell whether something is left of a user who has had everything erased."""
        return bool(await QUERIES.is_being_erased(self._db, user_id=user_id))

    async def next_erasure(self) -> int | None:
        """Return the user of whom something is left for the longest time, if there is any."""
        return await QUERIES.next_erasure(self._db)

    async def users_behind(self, after: int, most: int) -> list[int]:
        """Return the next users that have or had a key, in the order of their numbers."""
        return [row["user_id"] async for row in QUERIES.users_behind(self._db, after=after, most=most)]

    async def surplus_before(self, user_id: int, keep: int) -> datetime | None:
        """Return when the newest order ended that is beyond a user's last `keep`; None where there is none."""
        stamp = await QUERIES.surplus_before(self._db, user_id=user_id, keep=keep)
        return None if stamp is None else from_ms(stamp)

    async def has_surplus_requests(self, user_id: int, keep: int) -> bool:
        """Tell whether a user has more than `keep` requests, and some of the oldest have no order of their own."""
        return bool([row async for row in QUERIES.surplus_requests(self._db, user_id=user_id, keep=keep, most=1)])

    async def stored(self, user_id: int) -> Stored:
        """Count what there is of a user."""
        row = await QUERIES.count_stored(self._db, user_id=user_id)
        assert row  # of counts there is always one
        return Stored.read(row)

    async def preferences(self, user_id: int) -> Preferences:
        """Return what a user has chosen; all as it comes for one who has not."""
        row = await QUERIES.preferences(self._db, user_id=user_id)
        return Preferences.read(row) if row else Preferences()

    async def kept_orders(self, user_id: int, since: datetime) -> list[KeptOrders]:
        """Return what is kept since then for when a user connects a key: the orders of each command, for each key."""
        rows = QUERIES.kept_orders(self._db, user_id=user_id, since=to_ms(since))
        return [KeptOrders.read(row) async for row in rows]

    async def language_of(self, user_id: int) -> Language:
        """Return the language to write to a user in: chosen, or their client's at the last request, or English."""
        return resolve_locale(await QUERIES.language_of(self._db, user_id=user_id) or "")

    async def questions(self, user_id: int, since: datetime) -> tuple[int, datetime | None]:
        """Return how many requests of a user made `since` wait for Confirm or Keep, and from when the oldest is."""
        row = await QUERIES.questions(self._db, user_id=user_id, since=to_ms(since))
        assert row  # of counts there is always one
        return row["count"], None if row["oldest_at"] is None else from_ms(row["oldest_at"])

    async def accounts_due(self, now: datetime, most: int = 256, *, only: int | None = None) -> list[Due]:
        """Return the active accounts with something to do and when, what is urgent by now first, then the earliest."""
        first, last = (_FIRST_ID, _LAST_ID) if only is None else (only, only)
        which = {"process": self._db.process, "lost_after": _LOST_AFTER, "first": first, "last": last}
        rows = QUERIES.accounts_due(self._db, **which, now=to_ms(now), most=most)
        return [Due.read(row) async for row in rows]

    async def request(self, request_id: int) -> Request | None:
        """Return a request, if there is one of that number."""
        row = await QUERIES.request(self._db, id=request_id)
        return Request.read(row) if row else None

    async def requests_to_send(self, account_id: int) -> list[tuple[int, int]]:
        """Return the requests of an account that have orders left to start, and how many; fewest first."""
        return [(row["id"], row["waiting"]) async for row in QUERIES.requests_to_send(self._db, account_id=account_id)]

    async def waiting_orders(self, request_id: int, most: int = MOST_SHOWN) -> list[str]:
        """Return the first orders of a request that are not started yet."""
        rows = QUERIES.waiting_orders(self._db, id=request_id, most=most)
        return [row["order_id"] async for row in rows]

    async def count_waiting(self, account_id: int) -> int:
        """Return how many orders of an account are not started yet."""
        return await QUERIES.count_waiting(self._db, account_id=account_id)

    async def count_open_of_request(self, request_id: int) -> int:
        """Return how many orders that a request holds are started and have not ended."""
        return await QUERIES.count_open_of_request(self._db, request_id=request_id)

    async def count_started(self, account_id: int) -> int:
        """Return how many orders of an account are started and have not ended."""
        return await QUERIES.count_started(self._db, account_id=account_id)

    async def count_open(self, account_id: int) -> int:
        """Return how many orders of an account have not ended."""
        return await self.count_waiting(account_id) + await self.count_started(account_id)

    async def count_linked(self, request_id: int) -> int:
        """Return how many orders of a request had been asked for before."""
        return await QUERIES.count_linked(self._db, request_id=request_id)

    async def count_cancelled_before(self, request_id: int) -> int:
        """Return how many of those were cancelled already when it began."""
        return await QUERIES.count_cancelled_before(self._db, request_id=request_id)

    async def groups_of_request(self, request_id: int) -> Groups:
        """Return what a request's card shows of the orders started, its own and those it is linked to."""
        queries = QUERIES.tally_of_request, QUERIES.first_of_request, QUERIES.money_of_request
        return await self._groups(*queries, request_id=request_id)

    async def _lines_of(self, notice_id: int, last: int, kind: NoticeKind) -> Groups:
        """Return what a notice reports under one kind of line, up to the last line."""
        which: dict[str, Any] = {"notice_id": notice_id, "last": last, "kind": kind}
        return await self._groups(QUERIES.tally_of_notice, QUERIES.first_of_notice, QUERIES.money_of_notice, **which)

    async def _groups(self, tally: Any, first: Any, money: Any, **where: Any) -> Groups:
        """Count orders by the state in which they are shown, and read the first of each."""
        counts: Counter[State] = Counter()
        shown: defaultdict[State, list[Cancellation]] = defaultdict(list)
        for row in [row async for row in tally(self._db, **where)]:
            state = as_shown(State(row["state"]), row["is_ambiguous"])
            counts[state] += row["count"]
            rows = first(self._db, **where, state=row["state"], is_ambiguous=row["is_ambiguous"], most=MOST_SHOWN)
            shown[state] += Cancellation.read_all([row async for row in rows])
        groups: dict[State, Group] = {}
        for state, count in counts.items():
            came_back: dict[str, Decimal] = {}
            if count > MOST_SHOWN and not state.is_open:
                rows = [row async for row in money(self._db, **where, state=state)]
                came_back = {row["currency"] or "": written(money_in(row)) for row in rows}
            groups[state] = Group(count, tuple(shown[state][:MOST_SHOWN]), came_back)
        return groups

    async def recent_orders(self, account_id: int, part: str, most: int) -> list[Cancellation]:
        """Return an account's orders with that in their ID, open ones first, then newest first; each's newest row."""
        if "\0" in part:  # it is in no ID, and PostgreSQL takes no text with it
            return []
        escaped = _SPECIAL.sub(r"!\g<0>", part.casefold())
        rows = QUERIES.recent_orders(
            self._db, account_id=account_id, pattern=f"%{escaped}%", considered=_CONSIDERED, most=most
        )
        return Cancellation.read_all([row async for row in rows])

    async def page(self, kind: ListKind, list_id: int, after: int, most: int) -> list[Listed]:
        """Return the next rows of a list after a cursor, in the list's own order."""
        query, name = _PAGES[kind]
        return [Listed.read(row) async for row in query(self._db, **{name: list_id}, after=after, most=most)]

    async def count_of_list(self, kind: ListKind, list_id: int) -> int:
        """Return how many rows `page` has of a list in all."""
        match kind:
            case ListKind.REQUEST:
                return await QUERIES.count_of_request(self._db, request_id=list_id)
            case ListKind.NOTICE:
                return await QUERIES.count_of_notice(self._db, notice_id=list_id)
            case ListKind.OPEN:
                return await self.count_started(list_id)
            case ListKind.HISTORY:
                raise ValueError("a history is counted by count_of_history")

    async def count_of_history(self, account_ids: Iterable[int], past: Past) -> int:
        """Return how many rows `page_of_history` has of some accounts' common history in all."""
        which: dict[str, Any] = {"since": to_ms(past.since), "outcome": past.outcome}
        return sum(
            [
                row["count"]
                for id in account_ids
                async for row in QUERIES.tally_of_history(self._db, account_id=id, **which)
            ]
        )

    async def page_of_history(self, account_ids: Iterable[int], past: Past, after: int, most: int) -> list[Listed]:
        """Return the next rows of some accounts' common history after a cursor, the newest first.

        Each account is read by its index, so that a page costs the same however long the history is.
        """
        which: dict[str, Any] = {"since": to_ms(past.since), "outcome": past.outcome, "after": after, "most": most}
        pages = [
            [Listed.read(row) async for row in QUERIES.page_of_history(self._db, account_id=id, **which)]
            for id in account_ids
        ]
        return pages[0] if len(pages) == 1 else sorted(chain(*pages), key=_ended, reverse=True)[:most]

    async def watched_accounts(self) -> set[int]:
        """Return the active accounts with any started order that has not ended."""
        return {row["id"] async for row in QUERIES.watched_accounts(self._db)}

    async def lives(self, most: int) -> list[float]:
        """Return how many seconds the provider took for what ended last, the newest first."""
        return [row["life"] / 1000 async for row in QUERIES.lives(self._db, most=most)]

    async def fewest_to_send(self, account_id: int, now: datetime) -> int | None:
        """Return how many orders the shortest list of an account has left to send; None where there is nothing."""
        return await QUERIES.fewest_to_send(self._db, account_id=account_id, now=to_ms(now))

    async def due_checks(
        self, account_id: int, now: datetime, most: int, without: Iterable[int] = ()
    ) -> list[Cancellation]:
        """Return the orders to ask about now, filled up with those due next; none while nothing is due.

        `without`: those that are being asked about. Where there are more than that, the first checks of short requests
        go before all else: a user reads their card.
        """
        which = {"account_id": account_id, "now": to_ms(now), "most": most, "without": json.dumps(list(without))}
        rows = [row async for row in QUERIES.due_checks(self._db, **which)]
        if len(rows) == most and (short := [row async for row in QUERIES.first_checks_of_short(self._db, **which)]):
            first = {row["id"] for row in short}
            rows = [*short, *(row for row in rows if row["id"] not in first)][:most]
        return Cancellation.read_all(rows)

    async def cards_due(self, now: datetime) -> list[Request]:
        """Return the requests whose card is behind the ledger."""
        return [Request.read(row) async for row in QUERIES.cards_due(self._db, now=to_ms(now))]

    async def next_card_due(self) -> datetime | None:
        """Return when the next card is to be edited."""
        due = await QUERIES.next_card_due(self._db)
        return None if due is None else from_ms(due)

    async def next_card_end(self, after: datetime) -> datetime | None:
        """Return when the next card can no longer be edited, of those that can be after that time."""
        end = await QUERIES.next_card_end(self._db, after=to_ms(after))
        return None if end is None else from_ms(end)

    async def notices_due(self, now: datetime, most: int = 100) -> list[Notice]:
        """Return up to `most` notices to send now: the oldest of each user, and the next where that has long failed."""
        rows = QUERIES.notices_due(
            self._db, now=to_ms(now), tries=MANY_TRIES, begun_by=to_ms(now - LONG_TRIED), most=most
        )
        return [Notice.read(row) async for row in rows]

    async def next_notice_due(self) -> datetime | None:
        """Return when the next notice is to be sent."""
        due = await QUERIES.next_notice_due(self._db)
        return None if due is None else from_ms(due)

    async def notice(self, notice_id: int) -> Notice | None:
        """Return a notice, if there is one of that number."""
        row = await QUERIES.notice(self._db, id=notice_id)
        return Notice.read(row) if row else None

    async def report_of(self, notice_id: int) -> Report:
        """Return what a notice says as of now; empty where all of it was overtaken by events."""
        last = await QUERIES.last_line_of_message(self._db, notice_id=notice_id) or 0  # before all else is read
        pauses = QUERIES.pauses_of_notice(self._db, notice_id=notice_id)
        accounts = QUERIES.accounts_of_notice(self._db, notice_id=notice_id)
        return Report(
            tuple([Account.read(row) async for row in pauses]),
            await self._lines_of(notice_id, last, NoticeKind.OVERDUE),
            await self._lines_of(notice_id, last, NoticeKind.ENDED),
            tuple([Account.read(row) async for row in accounts]),
            last,
            await self._progress_of(notice_id),
        )

    async def _progress_of(self, notice_id: int) -> Progress | None:
        """Return how far the request of a living notice, or of a reply, has come."""
        notice = await self.notice(notice_id)
        request = await self.request(notice.request_id) if notice and notice.request_id else None
        if notice is None or request is None:
            return None
        which = {"id": notice.id, "request_id": request.id}
        newer = await QUERIES.newer_living(self._db, **which)
        assert newer  # of counts there is always one
        return Progress(
            request,
            await self.groups_of_request(request.id),
            request.waiting,
            not await QUERIES.is_going_on(self._db, request_id=request.id),
            newer["sent"] > 0,
            newer["count"] > 0,
            notice.reply_to is not None or bool(await QUERIES.follows_another(self._db, **which)),
        )

    async def edits_due(self, now: datetime, most: int) -> list[Notice]:
        """Return up to `most` notices whose message is behind and is to be edited now."""
        return [Notice.read(row) async for row in QUERIES.edits_due(self._db, now=to_ms(now), most=most)]

    async def next_edit_due(self) -> datetime | None:
        """Return when the next message is to be edited."""
        due = await QUERIES.next_edit_due(self._db)
        return None if due is None else from_ms(due)

    async def undelivered_notices(self, user_id: int) -> list[Notice]:
        """Return the notices that could not be delivered to a user."""
        return [Notice.read(row) async for row in QUERIES.undelivered_notices(self._db, user_id=user_id)]

    async def channel_to_ping(self, user_id: int) -> int | None:
        """Return the channel of the last request that a user made in a server; None if they made none."""
        return await QUERIES.channel_to_ping(self._db, user_id=user_id)

    async def channel_asked_in(self, user_id: int) -> int | None:
        """Return the channel of the user's last request; None if that was made in a DM."""
        return await QUERIES.channel_asked_in(self._db, user_id=user_id)

    async def dms_refused(self, user_id: int) -> bool | None:
        """Tell whether Discord refused the last DM to a user or it arrived; None where neither is known of any."""
        row = await QUERIES.last_dm(self._db, user_id=user_id)
        return row["message_id"] is None if row else None

    async def reach(self, user_id: int) -> Reach:
        """Return how a user would hear of something now."""
        notify_via = (await self.preferences(user_id)).notify_via
        if notify_via is NotifyVia.CHANNEL and await self.channel_asked_in(user_id) is not None:
            return Reach.CHANNEL
        if notify_via is NotifyVia.OFF:
            return Reach.COMMAND
        refused = await self.dms_refused(user_id)
        return Reach.UNPROVEN_DM if refused is None else Reach.COMMAND if refused else Reach.DM

    async def was_pinged(self, user_id: int) -> bool:
        """Tell whether a user was pinged about an update that they have not read yet."""
        return bool(await QUERIES.was_pinged(self._db, user_id=user_id))

    async def accounts_with_keys(self) -> list[Account]:
        """Return every account that has a key, of whichever user."""
        return [Account.read(row) async for row in QUERIES.accounts_with_keys(self._db)]

    async def sealed_tokens(self) -> list[Sealed]:
        """Return every sealed interaction token."""
        return [_sealed(row) async for row in QUERIES.sealed_tokens(self._db)]

    async def webhook_of(self, user_id: int) -> Webhook | None:
        """Return a user's webhook, if there is one."""
        row = await QUERIES.webhook_of(self._db, user_id=user_id)
        return Webhook.read(row) if row else None

    async def webhook_at(self, address_hash: bytes) -> Webhook | None:
        """Return the webhook of an address, if it is anybody's."""
        row = await QUERIES.webhook_at(self._db, address_hash=address_hash)
        return Webhook.read(row) if row else None

    async def standing(self) -> Standing:
        """Return how the ledger as a whole stands: some milliseconds with tens of thousands of orders open."""
        row = await QUERIES.standing(self._db)
        assert row  # of counts there is always one
        return Standing.read(row)

    async def fact(self, name: str) -> str | None:
        """Return a small fact about this installation."""
        return await QUERIES.fact(self._db, name=name)


_PAGES = {
    ListKind.REQUEST: (QUERIES.page_of_request, "request_id"),
    ListKind.NOTICE: (QUERIES.page_of_notice, "notice_id"),
    ListKind.OPEN: (QUERIES.page_of_open, "account_id"),
}


def _sealed(row: Any) -> Sealed:
    return row["id"], row["user_id"], row["sealed"]


def _ended(line: Listed) -> tuple[datetime, State, int]:
    order = line.cancellation
    assert order
    assert order.ended_at
    return order.ended_at, order.state, order.id
