"""What can be changed in the ledger, within one transaction."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from bot.domain.accounts import AccountState
from bot.domain.polling import EXPIRES_AFTER, resend_after, resent_together
from bot.domain.reasons import Reason
from bot.domain.refunds import Refund
from bot.domain.states import MAX_AMBIGUOUS, State
from bot.ledger.nudges import Nudges
from bot.ledger.outcomes import Outcome, outcome_row
from bot.ledger.panel_accounts import PanelAccounts
from bot.ledger.pruner import Pruner
from bot.ledger.queries import QUERIES
from bot.ledger.reader import Sealed
from bot.ledger.requests import Requests
from bot.ledger.row import to_ms
from bot.ledger.rows import Account, Cancellation, Request, SealedKey, folded
from bot.ledger.transaction import Work

WRITTEN_AT = "written at"
"""The fact that says when it was last proven that the ledger can be written."""
_MOST_KEPT_UNSENT = 1_000
"""Orders of a stopped list that are kept one by one; of more only the number, or asking and stopping fills the disk."""
_SAME_KEY_WAITS = timedelta(seconds=2)
"""When to see what became of a call that another user makes with the same key."""
_SAME_KEY_ROUNDS = 10
"""How many times as many orders as one call takes are compared with those of others in one transaction."""
_TOUCHES = (
    QUERIES.touch_accounts,
    QUERIES.touch_requests,
    QUERIES.touch_request_orders,
    QUERIES.touch_cancellations,
    QUERIES.touch_transitions,
    QUERIES.touch_notices,
    QUERIES.touch_notice_items,
    QUERIES.touch_preferences,
    QUERIES.touch_webhooks,
    QUERIES.touch_kept_orders,
    QUERIES.touch_erasures,
)
"""A query for each table."""
_FIRST_RESEND = resend_after(1) // timedelta(milliseconds=1)


class Writer(Pruner, PanelAccounts, Nudges, Requests):
    """What can be changed within one transaction, as of its time; every method may be combined with the others."""

    async def place_account(self, user_id: int, name: str) -> int:
        """Return the id of a user's account of that name; where there is none it is made, without a key."""
        return await QUERIES.place_account(self._db, user_id=user_id, name=name, folded=folded(name), now=self._now_ms)

    async def save_key(self, key: SealedKey) -> None:
        """Store a key, wake up its account, let what waits in it go on; the user's only key is the default."""
        account_id = key.account_id
        await self._unlink(account_id)
        await QUERIES.save_key(
            self._db, id=account_id, key_sealed=key.sealed, key_fingerprint=key.fingerprint, now=to_ms(key.stored_at)
        )
        await QUERIES.hurry(self._db, account_id=account_id, now=self._now_ms)
        self._make_due(Work.ORDERS)
        await self.touch_account(account_id)

    async def make_default(self, account: Account) -> None:
        """Make an account its user's default, unless its key was removed."""
        await QUERIES.clear_default(self._db, user_id=account.user_id)
        await QUERIES.make_default(self._db, id=account.id)
        await QUERIES.choose_other_default(self._db, user_id=account.user_id)

    async def remove_key(self, account: Account) -> int:
        """Forget a key; what was not sent is withdrawn, what was sent is watched no longer, and its user is notified.

        But what another of their keys has been asked for as well goes on under that; return how many orders do not.
        Where it was the default, another key of the user is from now on. With the last one their webhook goes.
        """
        await QUERIES.remove_key(self._db, id=account.id, now=self._now_ms)
        await QUERIES.choose_other_default(self._db, user_id=account.user_id)
        await QUERIES.erase_idle_webhook(self._db, user_id=account.user_id)
        await self._hand_over(account.id)
        left = await self.count_open(account.id)
        await self._end_all(account.id)
        await self.enqueue_notifications(account.id)
        return left

    async def stop_watching(self, account_id: int) -> tuple[int, int]:
        """End all that is open but for what is being sent; return how many are not watched, and how many not sent.

        No message tells of these: their user is told by the answer, in whose transaction this is.
        """
        ended = await self._end_all(account_id, notified=True)
        await self.enqueue_notifications(account_id, end_is_known=True)
        return ended

    async def stop_watching_request(self, request: Request) -> tuple[int, int]:
        """Do that for one request, but for orders that another request is linked to: that one still wants to know."""
        await self.touch_card(request.id)
        withdrawn = await self._end_waiting(request.id, request.waiting, notified=True)
        which = {"request_id": request.id, "now": self._now_ms, "notified_at": self._now_ms}
        withdrawn += await QUERIES.withdraw_request(self._db, **which)
        not_watched = await QUERIES.expire_request(self._db, **which)
        await self.enqueue_notifications(request.account_id, end_is_known=True)
        return not_watched, withdrawn

    async def _end_waiting(self, request_id: int, waiting: int, *, notified: bool) -> int:
        """Withdraw what is not started of a request; of very many only the number is kept, where no message is due."""
        if notified and waiting > _MOST_KEPT_UNSENT:
            return await self._drop_waiting(request_id, waiting)
        return await self._start_orders(request_id, waiting, State.WITHDRAWN, notified=notified) if waiting else 0

    async def _end_all(self, account_id: int, *, notified: bool = False) -> tuple[int, int]:
        await self.touch_account(account_id)
        withdrawn = 0
        for request_id, waiting in await self.requests_to_send(account_id):
            withdrawn += await self._end_waiting(request_id, waiting, notified=notified)
        which = {"account_id": account_id, "now": self._now_ms, "notified_at": self._now_ms if notified else None}
        withdrawn += await QUERIES.withdraw(self._db, **which)
        return await QUERIES.expire_account(self._db, **which), withdrawn

    async def check_now(self, account_id: int, pause: timedelta) -> bool:
        """Make all that is open due for a check; False, and nothing done, where the last time is no `pause` ago."""
        before = to_ms(self.now - pause)
        if not await QUERIES.ask_for_checks(self._db, id=account_id, now=self._now_ms, before=before):
            return False
        self._make_due(Work.ORDERS, await QUERIES.hurry_checks(self._db, account_id=account_id, now=self._now_ms))
        return True

    async def pause(self, account: Account, state: AccountState) -> bool:
        """Stop using a key that the panel rejected; False if that is known or the key has been replaced."""
        changed = await QUERIES.pause_account(
            self._db, id=account.id, state=state, key_sealed=account.key_sealed, now=self._now_ms
        )
        if changed:
            await self._hand_over(account.id)
            self._make_due(Work.CHECKS)
        return bool(changed)

    async def set_trouble(self, account_id: int, trouble: Reason | None) -> bool:
        """Note why an account makes no progress; tell whether that is new."""
        return bool(await QUERIES.set_trouble(self._db, id=account_id, trouble=trouble, now=self._now_ms))

    async def start_orders(self, account_id: int, most: int) -> int:
        """Make up to `most` orders whose turn it is ready to be sent, and return how many were started.

        With the last of a request started, those sent before are due for their first check. For the rest nobody is
        woken: a turn of the account's has just begun, and what is left is found after it.
        """
        room = most - await QUERIES.count_requested(self._db, account_id=account_id, now=self._now_ms, most=most)
        started = 0
        for request_id, waiting in await self.requests_to_send(account_id):
            count = min(waiting, room)
            if count <= 0:
                break
            await self._start_orders(request_id, count, State.REQUESTED)
            if count == waiting:
                hurried = await QUERIES.hurry_request(self._db, request_id=request_id, now=self._now_ms)
                self._make_due(Work.ORDERS, hurried)
            started += count
            room -= count
        if started:
            # What is linked to a cancel under a key that is out of use would wait for that.
            for other in await self.accounts_beside(account_id):
                account = await self.account(other)
                if account and account.state is not AccountState.ACTIVE:
                    await self._hand_over(other)
        return started

    async def _start_orders(self, request_id: int, count: int, state: State, *, notified: bool = False) -> int:
        """Give a request's next orders a cancellation in that state, or the one they have already; count the new."""
        now, notified_at = self._now_ms, self._now_ms if notified else None
        new = await QUERIES.start_orders(
            self._db, request_id=request_id, count=count, state=state, now=now, notified_at=notified_at
        )
        if state is State.REQUESTED:
            revived = await QUERIES.revive(self._db, request_id=request_id, count=count, pause=_FIRST_RESEND, now=now)
            self._make_due(Work.ORDERS, revived)  # perhaps under another key
        await QUERIES.link_orders(self._db, request_id=request_id, count=count)
        if await QUERIES.mark_linked(self._db, request_id=request_id, count=count):
            # What is linked may never be sent, and so never change: the card is to show it as it is.
            await self.touch_card(request_id)
        await QUERIES.mark_started(self._db, request_id=request_id, count=count)
        return new

    async def _drop_waiting(self, request_id: int, waiting: int) -> int:
        """Forget which orders of a request are not started, and keep how many there were."""
        await QUERIES.drop_waiting(self._db, request_id=request_id)
        await QUERIES.count_stopped(self._db, request_id=request_id)
        return waiting

    async def stop_request(self, request: Request) -> None:
        """Send nothing more of a request; what has been sent is checked now."""
        if request.waiting > _MOST_KEPT_UNSENT:
            await self._drop_waiting(request.id, request.waiting)
        elif request.waiting:
            await self._start_orders(request.id, request.waiting, State.WITHDRAWN)
        await QUERIES.withdraw_request(self._db, request_id=request.id, now=self._now_ms, notified_at=None)
        self._make_due(Work.ORDERS, await QUERIES.hurry_request(self._db, request_id=request.id, now=self._now_ms))
        await self.touch_card(request.id)
        await self.enqueue_notifications(request.account_id)

    async def retry_request(self, request_id: int) -> None:
        """Let what is only watched of a request be sent once more, should the next check show it running."""
        rows = QUERIES.retry_request(self._db, request_id=request_id, pause=_FIRST_RESEND, now=self._now_ms)
        retried = [row["id"] async for row in rows]
        await self._touch(retried)
        self._make_due(Work.ORDERS, retried)

    async def claim_for_sending(self, account_id: int, most: int) -> list[Cancellation]:
        """Mark up to `most` requested orders as being sent, and return them: to be committed before the call.

        What another user has sent with the same key is not claimed.
        """
        rows = await self._claim(account_id, 0, most)
        which = {"account_id": account_id, "now": self._now_ms}
        if not rows and (again := await QUERIES.next_to_resend(self._db, **which)):
            together = min(most, resent_together(again["ambiguous_attempts"], again["count"]))
            rows = await self._claim(account_id, again["ambiguous_attempts"], together)
        return sorted(Cancellation.read_all(rows), key=lambda row: row.id)  # as they were named

    async def _claim(self, account_id: int, ambiguous_attempts: int, most: int) -> list[Mapping[str, Any]]:
        """Claim the next orders with this many ambiguous attempts; none while many follow what others have sent."""
        which = {"account_id": account_id, "ambiguous_attempts": ambiguous_attempts, "now": self._now_ms, "most": most}
        if [row async for row in QUERIES.others_with_same_key(self._db, id=account_id)]:
            for _ in range(_SAME_KEY_ROUNDS):
                followed = [row["id"] async for row in QUERIES.follow_same_key(self._db, **which)]
                await self._touch(followed)
                waits = await QUERIES.wait_for_same_key(self._db, **which, until=self._in_ms(_SAME_KEY_WAITS))
                if not followed and not waits:
                    break
            else:
                return []  # what is next has not been compared; the next turn goes on
        return [row async for row in QUERIES.claim_for_sending(self._db, **which)]

    async def record(self, account_id: int, outcomes: Iterable[Outcome]) -> list[Refund]:
        """Write what a call led to, mark the cards behind, and put into the outbox what no card will tell.

        Return what proves each refund among the outcomes. Nobody is woken for these orders: the turn that asked is over
        then, and when the account's next one is due is found after it.
        """
        outcomes = list(outcomes)
        rows = [outcome_row(outcome, self.now) for outcome in outcomes]
        await QUERIES.record(self._db, rows)
        await self._touch([outcome.cancellation.id for outcome in outcomes if outcome.changes_card])
        self._make_due(Work.CHECKS, any(outcome.checked or outcome.failed for outcome in outcomes))
        if await self.accounts_beside(account_id):
            await self._try_under_other_keys(outcomes)
            await self._link(account_id, outcomes)
        await self._settle(account_id)
        return [row["refund"] for row in rows if row["refund"]]

    async def _settle(self, account_id: int) -> None:
        account = await self.account(account_id)
        if account and account.state is not AccountState.ACTIVE:  # since the call was begun
            await self._hand_over(account_id)
        if account and account.state is AccountState.REMOVED:
            await self._end_all(account_id)
        await self.enqueue_notifications(account_id)

    async def take_account(self, account_id: int) -> bool:
        """Begin to work on an account, where whoever did so before has stopped; False where another process does."""
        if not await self.take_lease(account_id):
            return False
        await self.recover_sending(account_id)
        return True

    async def recover_orphaned(self) -> None:
        """Take from dead processes what they were sending with keys that have been paused or removed since."""
        for row in [row async for row in QUERIES.orphaned(self._db)]:
            await self.take_account(row["id"])

    async def recover_sending(self, only: int | None = None) -> int:
        """Make what a dead process was sending, in one account or all, unknown; return how many orders there were."""
        lost = QUERIES.recover_sending(self._db, now=self._now_ms, most=MAX_AMBIGUOUS, account_id=only)
        rows = [row async for row in lost]
        await self._touch([row["id"] for row in rows])
        self._make_due(Work.ORDERS, rows)
        for account_id in {row["account_id"] for row in rows}:
            await self._settle(account_id)
        return len(rows)

    async def pull_in(self, farthest: timedelta) -> None:
        """Make due now whatever is planned for later than anything ever is: the clock was set back since.

        Cancel calls of the time that is now ahead count as made now, lest they be made again too soon or too late.
        """
        await QUERIES.pull_in_resends(self._db, now=self._now_ms, pause=_FIRST_RESEND)
        for query in (QUERIES.pull_in, QUERIES.pull_in_notices, QUERIES.pull_in_edits, QUERIES.pull_in_cards):
            await query(self._db, now=self._now_ms, latest=self._in_ms(farthest))
        self.made_due.update(Work)

    async def expire_old(self) -> None:
        """End what has been open for too long, sent or not, and tell its users."""
        before = to_ms(self.now - EXPIRES_AFTER)
        for row in [row async for row in QUERIES.requests_to_give_up(self._db, before=before)]:
            await self._start_orders(row["id"], row["waiting"], State.WITHDRAWN)
            await self.enqueue_notifications(row["account_id"])
        for row in [row async for row in QUERIES.accounts_with_old(self._db, before=before)]:
            await self.touch_account(row["account_id"])
            await QUERIES.expire_old(self._db, account_id=row["account_id"], before=before, now=self._now_ms)
            await self.enqueue_notifications(row["account_id"])

    async def reseal_keys(self, keys: Iterable[SealedKey]) -> None:
        """Replace sealed API keys by the same, sealed otherwise."""
        rows = [
            {
                "id": key.account_id,
                "sealed": key.sealed,
                "fingerprint": key.fingerprint,
                "stored_at": to_ms(key.stored_at),
            }
            for key in keys
        ]
        await QUERIES.reseal_key(self._db, rows)

    async def reseal_tokens(self, sealed: Iterable[Sealed]) -> None:
        """Replace sealed interaction tokens."""
        await QUERIES.reseal_token(self._db, [{"id": id, "sealed": blob} for id, _, blob in sealed])

    async def prove_writable(self) -> str:
        """Write to every table, changing no row but a fact of the bot's own, WRITTEN_AT; return what that is now."""
        written = self.now.isoformat()
        await self.set_fact(WRITTEN_AT, written)
        for touch in _TOUCHES:
            await touch(self._db)
        return written

    async def set_fact(self, name: str, value: str) -> None:
        """Store a small fact about this installation."""
        await QUERIES.set_fact(self._db, name=name, value=value)
