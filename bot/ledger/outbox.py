"""The outbox: what users are owed by messages, put there in the transaction that makes it owed."""

from datetime import timedelta
from typing import Any

from bot.domain.polling import EXPIRES_AFTER, OVERDUE_AFTER
from bot.ledger.living_notices import LivingNotices, SentMessage, new_nonce
from bot.ledger.notice_rows import Notice, NoticeKind, NoticeState, NotifyWhen, Preferences
from bot.ledger.queries import QUERIES
from bot.ledger.row import to_ms
from bot.ledger.rows import Account
from bot.ledger.transaction import Work

PATIENCE = 60_000
"""Milliseconds for which a user is taken to watch the card; what ends later is a notification as well."""
_FIRST_PASS = timedelta(hours=1)
"""While a list is gone through for the first time its card tells, then one message; but for no longer than this."""
_WAITED_FOR = OVERDUE_AFTER
"""How long others of a request are waited for where its user wants to hear of it at its end: until it is said what is
still open. One order that the provider never stops would otherwise keep them from hearing of all the rest."""


class Outbox(LivingNotices):
    """What users are notified of; part of what can be done within one transaction."""

    async def enqueue_notifications(self, account_id: int, *, end_is_known: bool = False) -> None:
        """Put every ended cancellation that no card can show any more into the user's next notice.

        One that its user wants to hear of with the rest of its request is put there when that has ended. Requests under
        other keys may be linked to it, too. `end_is_known`: the user has just ended requests, and is being told so.
        """
        for number in (account_id, *await self.accounts_beside(account_id)):
            await self._enqueue(number, end_is_known=end_is_known)

    async def _enqueue(self, account_id: int, *, end_is_known: bool = False) -> None:
        which: dict[str, Any] = {
            "account_id": account_id,
            "patience": PATIENCE,
            "waited_since": to_ms(self.now - _WAITED_FOR),
            "now": self._now_ms,
        }
        lists = QUERIES.requests_to_notify(self._db, begun_before=to_ms(self.now - _FIRST_PASS), **which)
        orders_of = {row["id"]: row["orders"] async for row in lists}
        if not orders_of and not await self._at_their_end(account_id):
            return
        account = await self.account(account_id)
        if account is None:  # it has orders, so its user is having everything erased
            return
        preferences = await self.preferences(account.user_id)
        chosen = preferences.notify_when
        for request_id, orders in orders_of.items():
            # What is about one order is complete at once: many of them that end together are one message.
            if chosen is NotifyWhen.REQUEST and orders > 1:
                living = await self._living(account.user_id, request_id, preferences.notify_via)
                last = await QUERIES.last_line(self._db, notice_id=living.id)
                await QUERIES.enqueue_request(self._db, notice_id=living.id, request_id=request_id, **which)
                await self._lines_added(living, last)
            else:
                notice_id = await self._gather(account.user_id)
                await QUERIES.enqueue_request(self._db, notice_id=notice_id, request_id=request_id, **which)
        await self._tell_ends(account_id, chosen, silently=end_is_known)

    async def enqueue_all_notifications(self) -> None:
        """Enqueue what all accounts' users are to be notified of: a list may have stood still for too long."""
        for row in [row async for row in QUERIES.accounts_to_notify(self._db)]:
            await self._enqueue(row["account_id"])

    async def save_preferences(self, user_id: int, preferences: Preferences) -> None:
        """Write down what a user has chosen; what need not be waited for any longer is enqueued."""
        await QUERIES.save_preferences(
            self._db,
            user_id=user_id,
            notify_via=preferences.notify_via,
            notify_when=preferences.notify_when,
            language=preferences.language,
            silent=int(preferences.silent),
        )
        for account in await self.accounts_of(user_id):
            await self._enqueue(account.id)

    async def merge_undelivered(self, user_id: int) -> None:
        """Make one notice of all undelivered ones of a user, however many have come together."""
        for query in (QUERIES.merge_undelivered, QUERIES.date_merged, QUERIES.drop_merged, QUERIES.close_merged):
            await query(self._db, user_id=user_id)

    async def notify(self, account: Account, kind: NoticeKind) -> None:
        """Add a line about an account itself to its user's next notice."""
        notice_id = await self._gather(account.user_id)
        await QUERIES.add_pause(self._db, notice_id=notice_id, kind=kind, account_id=account.id)

    async def _gather(self, user_id: int) -> int:
        """Return the notice in which a user's updates are gathered; the first line begins one and fixes its nonce."""
        due_at = self._in_ms(self._notify_window)
        begun = await QUERIES.gather(self._db, user_id=user_id, nonce=new_nonce(), now=self._now_ms, due_at=due_at)
        self._make_due(Work.NOTICES, begun)
        return await QUERIES.gathering_notice(self._db, user_id=user_id)

    async def begin_hello(self, user_id: int) -> Notice | None:
        """Return the notice by which a user is said hello to; nothing is owed by it, so that it is sent at most once.

        One that has not arrived as far as anybody knows is tried again, with its nonce. None where the user is being
        erased.
        """
        if await self.is_being_erased(user_id):
            return None
        hello_id = await QUERIES.unsaid_hello(self._db, user_id=user_id)
        if hello_id is None:
            hello_id = await QUERIES.begin_hello(self._db, user_id=user_id, nonce=new_nonce(), now=self._now_ms)
        return await self.notice(hello_id)

    async def end_hello(self, notice_id: int, *, message_id: int | None = None, refusal: str | None = None) -> None:
        """Note that a hello was sent, as which message, or why Discord refused it."""
        await QUERIES.end_hello(self._db, id=notice_id, message_id=message_id, refusal=refusal, now=self._now_ms)

    async def notify_overdue(self) -> None:
        """Notify once of what has been open at the provider for too long, and has not expired."""
        span = {"before": to_ms(self.now - OVERDUE_AFTER), "after": to_ms(self.now - EXPIRES_AFTER)}
        for row in [row async for row in QUERIES.accounts_with_overdue(self._db, **span)]:
            notice_id = await self._gather(row["user_id"])
            await QUERIES.enqueue_overdue(self._db, notice_id=notice_id, account_id=row["id"], **span)
            await QUERIES.mark_overdue(self._db, account_id=row["id"], now=self._now_ms, **span)

    async def begin_sending(self, notice_id: int, pause: timedelta) -> Notice | None:
        """Mark a notice as being sent, closed to new lines; `pause`: when to retry should nothing be heard.

        None where another process is sending it, its user has had everything erased, or it has become needless.
        """
        notice = await self.notice(notice_id)
        if notice and notice.state is NoticeState.GATHERING and notice.reply_to:
            notice = await self._become_due(notice)
        if notice is None:
            return None
        begun = await QUERIES.begin_sending(self._db, id=notice_id, now=self._now_ms, again_at=self._in_ms(pause))
        return await self.notice(notice_id) if begun else None

    async def postpone_notice(self, notice_id: int, pause: timedelta, refusal: str) -> None:
        """Try a notice again after a pause."""
        await QUERIES.postpone_notice(self._db, id=notice_id, again_at=self._in_ms(pause), refusal=refusal)

    async def set_undelivered(self, notice_id: int, refusal: str, *, pinged: bool) -> None:
        """Keep a notice that Discord refuses for the user's next command; `pinged`: a channel has just said so.

        A reply is not kept, but that it was refused is: what it counts stands in the message that it would answer.
        """
        pinged_at = self._now_ms if pinged else None
        await QUERIES.close_reply(self._db, id=notice_id, refusal=refusal)
        if await QUERIES.set_undelivered(self._db, id=notice_id, refusal=refusal, pinged_at=pinged_at):
            await self._edit_older(notice_id)

    async def notice_delivered(self, notice_id: int, last_line: int, message: SentMessage | None = None) -> None:
        """Note that the user has a notice up to that line before their eyes; `message`: sent by itself, as that."""
        notice = await self.notice(notice_id)
        if notice is None:
            return
        await QUERIES.notice_delivered(
            self._db,
            id=notice_id,
            channel_id=message and message.channel_id,
            message_id=message and message.message_id,
            sent_at=message and to_ms(notice.first_attempt_at or self.now),
            shown_item=last_line,
        )
        await QUERIES.mark_notified(self._db, notice_id=notice_id, last=last_line, now=self._now_ms)
        if notice.request_id and not notice.reply_to:
            await self._delivered(notice, last_line, by_message=message is not None)
