"""Living messages: one message for each request, edited as more of its orders end, and answered when that matters.

A living notice takes lines for as long as its message can be edited, so that an order stands in one message and no
other. Which of them the message may show (`tried_item`) is written down before it is sent or edited, and which it shows
(`shown_item`) once Discord has confirmed it: whatever dies in between, the same lines are shown in the same place.
bot/domain/notification_rules.py says when its user is written to once more.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.notification_rules import BAD_NEWS, EDITED_FREELY_FOR, GATHERED_FOR, Push, next_edit, next_push
from bot.domain.states import State
from bot.ledger.notice_rows import Notice, NoticeState, NotifyVia, NotifyWhen
from bot.ledger.queries import QUERIES
from bot.ledger.row import from_ms, to_ms
from bot.ledger.transaction import Transaction, Work

_SENT_BY = timedelta(minutes=1)
"""When to see whether the message that is to be answered has been sent."""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """Where a message of the bot's own stands."""

    channel_id: int
    message_id: int


class LivingNotices(Transaction):
    """What can be done about living messages; part of what can be done within one transaction."""

    async def _living(self, user_id: int, request_id: int, via: NotifyVia) -> Notice:
        """Return the notice that takes the next lines about a request, begun where there is none.

        A message in a DM takes none of a user who wants no more DMs: nobody reads an edit that makes no sound there.
        Where DMs were refused, another message tries them again: they may be open by now.
        """
        current = await self._current(request_id)
        if current is None or (current.is_for_want_of_dms and self._was_tried_long_ago(current)):
            return await self._begin_living(user_id, request_id)
        if current.state is NoticeState.DELIVERED and via is NotifyVia.OFF:
            return await self._begin_living(user_id, request_id, self._in_ms(self._notify_window))
        if current.state is NoticeState.DELIVERED and via is NotifyVia.CHANNEL and await self.channel_asked_in(user_id):
            return await self._begin_living(user_id, request_id)
        return current

    def _was_tried_long_ago(self, notice: Notice) -> bool:
        return notice.first_attempt_at is not None and notice.first_attempt_at <= self.now - GATHERED_FOR

    async def _current(self, request_id: int) -> Notice | None:
        row = await QUERIES.newest_living(self._db, request_id=request_id)
        notice = Notice.read(row) if row else None
        return notice if notice and notice.takes_lines else None

    async def _begin_living(self, user_id: int, request_id: int, due_at: int | None = None) -> Notice:
        """Begin a living message: the first once updates were gathered, the next when another push is due."""
        if due_at is None:
            due_at = max(self._in_ms(self._notify_window), await self._next_push(request_id, Push.MORE))
        about = {"user_id": user_id, "request_id": request_id, "nonce": new_nonce()}
        await QUERIES.begin_living(self._db, **about, now=self._now_ms, due_at=due_at)
        self._make_due(Work.NOTICES)
        begun = await self._current(request_id)
        assert begun
        return begun

    async def _next_push(self, request_id: int, why: Push) -> int:
        return to_ms(next_push(why, self.now, *await self._pushes(request_id)))

    async def _pushes(self, request_id: int) -> tuple[int, datetime | None]:
        """Return how often a user was written to about a request, and when last."""
        row = await QUERIES.pushes(self._db, request_id=request_id)
        assert row  # of counts there is always one
        return row["count"], None if row["last_at"] is None else from_ms(row["last_at"])

    async def _lines_added(self, notice: Notice, after: int) -> None:
        """Plan the edit or push that brings a user the lines of a living notice after that one."""
        rows = QUERIES.ends_after(self._db, notice_id=notice.id, after=after)
        ends = {State(row["state"]) async for row in rows}
        if not ends:
            return
        if notice.state in (NoticeState.SENDING, NoticeState.DELIVERED):
            edit_at = next_edit(self.now, notice.sent_at, notice.edited_at) if notice.sent_at else self.now
            await self._edit_by(notice.id, to_ms(edit_at))
        if ends & BAD_NEWS:
            await self._push(notice, Push.BAD_NEWS)

    async def _edit_by(self, notice_id: int, edit_at: int) -> None:
        self._make_due(Work.NOTICES, await QUERIES.edit_by(self._db, id=notice_id, edit_at=edit_at))

    async def _push(self, living: Notice, why: Push) -> None:
        """Have a user written to once more about a request, unless its message is still to come, and soon."""
        assert living.request_id is not None
        due_at = await self._next_push(living.request_id, why)
        if living.state is NoticeState.GATHERING:
            if (await self._pushes(living.request_id))[0]:  # the first goes out once updates were gathered
                self._make_due(Work.NOTICES, await QUERIES.push_by(self._db, id=living.id, due_at=due_at))
        elif living.state is not NoticeState.UNDELIVERED:
            about = {"user_id": living.user_id, "request_id": living.request_id, "reply_to": living.id}
            await QUERIES.gather_reply(self._db, **about, nonce=new_nonce(), now=self._now_ms, due_at=due_at)
            self._make_due(Work.NOTICES)

    async def _at_their_end(self, account_id: int) -> list[int]:
        """Return the requests of an account's user that have come to their end, in no message yet."""
        rows = QUERIES.requests_at_their_end(self._db, account_id=account_id)
        return [row["request_id"] async for row in rows]

    async def _tell_ends(self, account_id: int, chosen: NotifyWhen, *, silently: bool) -> None:
        """Have a user told of the requests that have come to their end since their messages were last sent.

        `silently`: by edits alone.
        """
        for request_id in await self._at_their_end(account_id):
            await QUERIES.end_is_told(self._db, request_id=request_id)
            living = await self._current(request_id)
            if living is None:
                continue
            if chosen is NotifyWhen.REQUEST and not silently:
                await self._push(living, Push.END)
            if living.state in (NoticeState.SENDING, NoticeState.DELIVERED):
                await self._edit_by(living.id, self._now_ms)

    async def _become_due(self, reply: Notice) -> Notice | None:
        """Make what is to be sent of a push that is due: a reply, or the next living message; None where neither is.

        Where the message is old Discord takes few edits of it, so that another goes on in its place.
        """
        living = await self.notice(reply.reply_to) if reply.reply_to else None
        if living is None or living.state is not NoticeState.DELIVERED or not living.takes_lines:
            if living is not None and living.state is NoticeState.SENDING:
                await QUERIES.postpone_notice(self._db, id=reply.id, again_at=self._in_ms(_SENT_BY), refusal=None)
            else:
                await QUERIES.drop_reply(self._db, id=reply.id)
            return None
        if living.sent_at and self.now - living.sent_at > EDITED_FREELY_FOR:
            await self._go_on_in(reply, living, living.tried_item or 0)
        return await self.notice(reply.id)

    async def _go_on_in(self, reply: Notice, living: Notice, after: int) -> None:
        """Make a reply that was to come the next living message; it takes over the lines behind that one."""
        await QUERIES.reply_becomes_living(self._db, id=reply.id)
        await QUERIES.awaits_end_too(self._db, id=reply.id, other=living.id)
        await self._move_lines(living, reply, after)

    async def _move_lines(self, living: Notice, to: Notice, after: int) -> None:
        """Take the lines behind that one to another notice, under new numbers: they stand behind what it has."""
        lines = [row async for row in QUERIES.lines_behind(self._db, notice_id=living.id, after=after)]
        await QUERIES.drop_lines(self._db, notice_id=living.id, after=after)
        await QUERIES.add_lines(
            self._db,
            [{"notice_id": to.id, "kind": row["kind"], "cancellation_id": row["cancellation_id"]} for row in lines],
        )

    async def _move_on(self, notice: Notice, after: int) -> None:
        """Take the lines behind that one to the next living message: this one cannot show them any more."""
        if notice.request_id is None or await QUERIES.last_line(self._db, notice_id=notice.id) <= after:
            return
        current = await self._current(notice.request_id)
        reply_id = await QUERIES.gathering_reply(self._db, request_id=notice.request_id)
        reply = await self.notice(reply_id) if reply_id else None
        if current is None and reply:
            await self._go_on_in(reply, notice, after)
            return
        to = current or await self._begin_living(notice.user_id, notice.request_id)
        last = await QUERIES.last_line(self._db, notice_id=to.id)
        await self._move_lines(notice, to, after)
        await self._lines_added(to, last)

    async def _delivered(self, living: Notice, last_line: int, *, by_message: bool) -> None:
        """See to what has been added to a living notice while it was on its way."""
        if await QUERIES.last_line(self._db, notice_id=living.id) > last_line:
            if by_message:
                await self._edit_by(living.id, self._now_ms)
            else:
                await self._move_on(living, last_line)
        if by_message:
            await self._edit_older(living.id)
        self._make_due(Work.NOTICES, by_message)

    async def _edit_older(self, living_id: int) -> None:
        """Have the message before a living one say that nothing more comes in it."""
        self._make_due(Work.NOTICES, await QUERIES.edit_older(self._db, id=living_id, edit_at=self._now_ms))

    # Edits.

    async def begin_edit(self, notice: Notice, pause: timedelta) -> Notice | None:
        """Settle what a message is to show now; `pause`: when to retry should nothing be heard.

        None where another process is editing it, or its user has had everything erased.
        """
        which = {"id": notice.id, "now": self._now_ms, "again_at": self._in_ms(pause)}
        return await self.notice(notice.id) if await QUERIES.begin_edit(self._db, **which) else None

    async def edited(self, notice: Notice) -> None:
        """Note that a message shows what was settled by `begin_edit`."""
        next_at = next_edit(self.now, notice.sent_at or self.now, self.now)
        await QUERIES.edited(
            self._db,
            id=notice.id,
            now=self._now_ms,
            shown_item=notice.tried_item,
            held_until=notice.edit_at and to_ms(notice.edit_at),
            next_at=to_ms(next_at),
        )
        self._make_due(Work.NOTICES)
        await QUERIES.mark_notified(self._db, notice_id=notice.id, last=notice.tried_item, now=self._now_ms)

    async def edit_failed(self, before: Notice, pause: timedelta, *, may_have_acted: bool) -> None:
        """Try an edit again after a pause; what else there is to say goes out once another push is due.

        `before`: the notice before `begin_edit`. `may_have_acted`: the message may show what was settled then.
        """
        now = await self.notice(before.id)
        if now is None:
            return
        tried = now.tried_item if may_have_acted else before.tried_item
        which = {"id": now.id, "may_have_acted": int(may_have_acted)}
        await QUERIES.edit_failed(self._db, **which, again_at=self._in_ms(pause), tried_item=tried)
        self._make_due(Work.NOTICES)
        is_old = now.sent_at is not None and self.now - now.sent_at > EDITED_FREELY_FOR
        if is_old and await QUERIES.last_line(self._db, notice_id=now.id) > (tried or 0):
            current = await self._current(now.request_id) if now.request_id else None
            if current and current.id == now.id:
                await self._push(now, Push.MORE)

    async def cannot_be_edited(self, notice: Notice) -> None:
        """Note that a message cannot be edited any more; what it does not show goes into the next."""
        await QUERIES.cannot_be_edited(self._db, id=notice.id)
        await self._move_on(notice, notice.shown_item or 0)

    async def give_up_edits(self, notice: Notice) -> None:
        """Note that an edit failed too often; what the message does not show goes into the next."""
        await QUERIES.give_up_edits(self._db, id=notice.id)
        await self._move_on(notice, notice.shown_item or 0)


def new_nonce() -> str:
    """Return what a message is told from all others by; Discord takes at most 25 characters."""
    return secrets.token_hex(12)
