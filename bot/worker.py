"""Drives accounts forward: sends what was requested, asks about what is open, writes down what came of it.

The unit of work is the account, because key, limit and batch are all per key. One call at a time an
account, requests before looks; many accounts side by side. A call is never cancelled from outside.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from pydantic import SecretStr

from bot.budget import Budget, Use
from bot.clock import Clock, Sleep
from bot.keyring import paused_by
from bot.leases import Leases
from bot.panel import (
    MAX_BATCH,
    CancelRow,
    InvalidKey,
    Limits,
    OrderReading,
    OrderStatus,
    Panel,
    PanelError,
    RateLimited,
    Refused,
    RowError,
    StatusRow,
    Suspended,
    TurnedAway,
    Unavailable,
)
from bot.schedule import EXPIRES_AFTER, OVERDUE_AFTER, WatchIntervals, farthest, resend_after, retry_after
from bot.states import State, Verdict, after_cancel, after_lost_call, after_refusal, after_status
from bot.store import (
    Account,
    AccountState,
    Cancellation,
    Due,
    LeaseLost,
    Ledger,
    NoticeKind,
    Outcome,
    Trouble,
    Writer,
)
from bot.tasks import Bell
from bot.vault import Purpose, Vault
from bot.watching import Watching, groups_of

log = logging.getLogger(__name__)

_AT_ONCE = 16
"""Accounts worked on side by side; at five calls a second one call may take three seconds."""
_WATCHING_AT_ONCE = 12
"""Of these at most so many by watching: a command finds a free one even where the panel hangs."""
_FIRST_LOOK_WAITS = timedelta(minutes=10)
_LEFT_FOR = timedelta(seconds=1)
"""After which an account that another process works on is tried again, should it come up again."""
_SWEEP_EVERY = timedelta(minutes=1)
_LIVES = 5_000
"""Cancels ended last that the schedule learns from."""
_WATCHED = (State.ACCEPTED, State.QUEUED, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one call came to: outcomes, and what it says about the account."""

    outcomes: Sequence[Outcome]
    trouble: Trouble | None = None
    paused: AccountState | None = None


class _KeyReplaced(Exception):
    """The key with which to call is not the account's any more."""


class Worker:
    """Does what the ledger says is due; everything it knows is in the ledger or can be learned again."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        panel: Panel,
        budget: Budget,
        clock: Clock,
        *,
        intervals: WatchIntervals,
        leases: Leases,
        notify_window: timedelta,
        changed: Callable[[], None],
        ended: Callable[[Iterable[State]], None] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.bell = Bell()
        self._ledger = ledger
        self._vault = vault
        self._panel = panel
        self._budget = budget
        self._clock = clock
        self._intervals = intervals
        self._leases = leases
        self._window = notify_window
        self._changed = changed
        self._ended_as = ended
        self._sleep = sleep
        self._random = Random()
        self._plan = Watching(intervals, budget.watching_per_second, self._random)
        self._failures: dict[int, int] = {}
        self._not_before: dict[int, datetime] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._watching: set[int] = set()
        self._most: dict[int, int] = {}
        self._next_sweep = self._seen_at = clock()
        self._strange_words: set[str] = set()

    async def recover(self) -> None:
        """Begin where a process that died has stopped; to be called once, before anything else.

        Where others may live on the same ledger, what was being sent is looked into account by account (`Leases.take`).
        """
        now = self._clock()
        await self._leases.beat()
        async with self._ledger.write() as tx:
            count = 0 if self._ledger.is_shared else await tx.recover_sending(now, self._window)
            await tx.interrupt_previews(now)
            await tx.pull_in(now, now + farthest(self._intervals))
        if count:
            log.warning("%d orders were being sent when the last process ended; asking for their status", count)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then wait for the calls under way to be recorded."""
        while not stop.is_set():
            self.bell.reset()
            due = await self.start_due()
            await self.bell.wait(due, self._clock, self._running.values(), stop)
        await self.finish()

    async def keep_leases(self, stop: asyncio.Event) -> None:
        """Show until `stop` that this process lives; beside the work, which may wait for the panel."""
        await self._leases.run(stop, self._running, self.bell.ring)

    async def step(self) -> None:
        """Do all that is due now, to its end."""
        while True:
            await self.start_due()
            if not self._running:
                return
            await self.finish()

    async def finish(self) -> None:
        """Wait for what is under way."""
        while self._running:
            await asyncio.wait(self._running.values())

    async def abandon(self) -> None:
        """Give up what is under way: its orders stay `sending`, which the next start settles by asking."""
        for task in self._running.values():
            task.cancel()
        await self.finish()

    async def start_due(self) -> datetime | None:
        """Start a task for each account that is due; return when the next one will be."""
        await self._follow_clock()
        await self._sweep()
        now, upcoming, ready = self._clock(), [self._next_sweep], list[tuple[Use, int, Due]]()
        for due in await self._ledger.read.accounts_due(now):
            starts_at, use = self._starts_at(due, now)
            if starts_at > now:
                upcoming.append(starts_at)
            elif due.id not in self._running:
                ready.append((use, self._budget.used(due.id), due))
        # Commands first; among equals whoever has called least of late, so that nobody's thousands keep others waiting.
        for use, _, due in sorted(ready, key=lambda one: one[:2]):
            closed = self._budget.closed(due.id, use)
            if closed:
                upcoming.append(closed)
            elif len(self._running) < _AT_ONCE and (use is Use.COMMAND or len(self._watching) < _WATCHING_AT_ONCE):
                self._start(due, use)
        return min(upcoming)

    def _starts_at(self, due: Due, now: datetime) -> tuple[datetime, Use]:
        """Return when an account may be worked on, and whether somebody is waiting for it."""
        use = Use.COMMAND if due.urgent_at and due.urgent_at <= now else Use.WATCH
        return max(due.due_at, self._not_before.get(due.id, due.due_at)), use

    async def _follow_clock(self) -> None:
        """Plan anew after the machine's clock was set back: what was due in a minute would be due in hours."""
        now, seen_at, self._seen_at = self._clock(), self._seen_at, self._clock()
        if now >= seen_at:
            return
        log.warning("the clock went back by %.0f s; planning anew", (seen_at - now).total_seconds())
        self._not_before.clear()
        self._next_sweep = now
        self._budget.follow_clock()
        async with self._ledger.write() as tx:
            await tx.pull_in(now, now + farthest(self._intervals))

    def _start(self, due: Due, use: Use) -> None:
        """Begin work on an account, its call paid for: what is decided here cannot be overtaken."""
        spent_at = self._budget.spend(due.id, use)
        if use is Use.WATCH:
            self._watching.add(due.id)
        task = asyncio.create_task(self._advance_safely(due, use, spent_at), name=f"account {due.id}")
        self._running[due.id] = task
        task.add_done_callback(lambda _: self._ended(due.id))

    def _ended(self, account_id: int) -> None:
        self._running.pop(account_id, None)
        self._watching.discard(account_id)

    async def _advance_safely(self, due: Due, use: Use, spent_at: datetime) -> None:
        called = True
        try:
            called = await self._advance(due.id)
        except LeaseLost as error:
            called = False
            self._leases.forget(due.id)
            self._not_before[due.id] = self._clock() + _LEFT_FOR
            log.warning("account %d is left to another process: %s", due.id, error)
        except _KeyReplaced:
            called = False  # it is due still, and the next turn takes the new one
        except Exception:
            self._leases.forget(due.id)
            pause = self._fail(due.id)
            self._not_before[due.id] = self._clock() + pause
            log.exception("account %d could not be worked on; next try in %.0f s", due.id, pause.total_seconds())
        if not called:
            self._budget.give_back(due.id, use, spent_at)

    async def _advance(self, account_id: int) -> bool:
        """Make the one call that an account needs most, and write down what it led to; tell whether there was one."""
        if not await self._leases.take(account_id, self._running):
            self._not_before[account_id] = self._clock() + _LEFT_FOR
            return False
        account = await self._ledger.read.account(account_id)
        if account is None or account.key_sealed is None:  # erased or removed since
            self._not_before[account_id] = self._clock() + self._intervals.shortest
            return False
        key = self._vault.open(Purpose.PANEL_KEY, account.user_id, account.key_sealed, account.id)
        most = self._most.get(account_id, MAX_BATCH)
        # What takes one call goes first, then what is due for a look, then the long lists.
        left = await self._ledger.read.fewest_to_send(account_id, self._clock())
        if left is not None and left <= most and (rows := await self._claim(account, most)):
            answer = await self._send(account, key, rows)
        elif rows := await self._ledger.read.due_looks(account_id, self._clock(), most):
            answer = await self._look(account, key, rows)
        elif left is not None and (rows := await self._claim(account, most)):
            answer = await self._send(account, key, rows)
        else:
            self._not_before[account_id] = self._clock() + self._intervals.shortest
            return False
        await self._record(account, answer)
        return True

    async def _claim(self, account: Account, most: int) -> list[Cancellation]:
        """Take up orders whose turn it is, until there are some to send or none is left; raise _KeyReplaced."""
        while True:
            now = self._clock()
            taken, rows = await self._ledger.write_at_once(
                lambda tx, now=now: _taken_and_claimed(tx, account, now, most)
            )
            if rows or not taken:
                return rows
            self._changed()  # all of them had been asked for before

    async def _send(self, account: Account, key: SecretStr, rows: Sequence[Cancellation]) -> _Answer:
        self._leases.insist(account.id)

        def lost(pause: timedelta, *, reached: bool) -> list[Outcome]:
            again = self._clock() + pause
            return [Outcome(row, after_lost_call(row.doubts, reached=reached), again) for row in rows]

        try:
            reply = await self._panel.cancel(key, [row.order_id for row in rows])
        except Refused as error:
            if self._smaller(account.id, rows):
                return _Answer(lost(timedelta(), reached=False))
            row, words = rows[0], error.words or str(error)
            verdict = after_refusal(row.doubts, words, same_key=not row.other_key)
            return _Answer([Outcome(row, verdict, self._clock())])
        except PanelError as error:
            pause, trouble, paused = self._judge(account, error)
            return _Answer(lost(pause, reached=error.reached), trouble, paused)
        except Exception:
            # A fault of ours after the claim: the panel may have been asked, so only status can tell.
            log.exception("a cancel call for account %d broke off", account.id)
            return _Answer(lost(self._fail(account.id), reached=True))
        self._succeeded(account, reply.limits)
        look_at = await self._first_looks(account, {row.request_id for row in rows})
        return _Answer([self._answered(row, reply.rows.get(row.order_id), look_at[row.request_id]) for row in rows])

    async def _first_looks(self, account: Account, request_ids: Iterable[int]) -> dict[int, datetime]:
        """Return when to look at what was sent. A list is sent first: an order that waits may slip away meanwhile.

        With its last orders the ledger makes its looks due; only should that take far too long they come in between.
        """
        now, waiting = self._clock(), dict[int, int]()
        try:
            waiting.update(await self._ledger.read.requests_to_send(account.id))
        except Exception:  # the panel has answered, and that must be written down: they are looked at right away
            log.exception("what is left to send of account %d could not be read", account.id)
        calls = {request_id: groups_of(waiting.get(request_id, 0), MAX_BATCH) for request_id in request_ids}
        return {
            request_id: now + 2 * (self._budget.earliest(account.id, left) - now) + _FIRST_LOOK_WAITS if left else now
            for request_id, left in calls.items()
        }

    def _answered(self, row: Cancellation, found: CancelRow | None, look_at: datetime) -> Outcome:
        return Outcome(row, after_cancel(row.doubts, found, same_key=not row.other_key), look_at)

    def _smaller(self, account_id: int, rows: Sequence[Cancellation]) -> bool:
        """Halve an account's next call, and tell whether that can be: one order may have spoilt a whole batch."""
        if len(rows) == 1:
            return False
        self._most[account_id] = len(rows) // 2
        return True

    async def _look(self, account: Account, key: SecretStr, rows: Sequence[Cancellation]) -> _Answer:
        try:
            reply = await self._panel.status(key, [row.order_id for row in rows])
        except Refused as error:
            if self._smaller(account.id, rows):
                return _Answer([Outcome(row, Verdict(row.state, row.doubts), self._clock()) for row in rows])
            return _Answer(await self._planned(account.id, [self._seen(rows[0], RowError(error.words))]))
        except PanelError as error:
            pause, trouble, paused = self._judge(account, error)
            again = self._clock() + pause
            return _Answer([Outcome(row, Verdict(row.state, row.doubts), again) for row in rows], trouble, paused)
        self._succeeded(account, reply.limits)
        seen = [self._seen(row, reply.rows.get(row.order_id)) for row in rows]
        return _Answer(await self._planned(account.id, seen))

    async def _planned(self, account_id: int, seen: list[Outcome]) -> list[Outcome]:
        """Set when to look again at what is still open of the orders of one call."""
        now = self._clock()
        still = [outcome.cancellation for outcome in seen if outcome.verdict.state in _WATCHED]
        if not still:
            self._plan.forget(account_id)
            return seen
        groups = groups_of(await self._ledger.read.count_taken(account_id), MAX_BATCH)
        pause = self._plan.pause(account_id, [now - row.created_at for row in still], groups)
        return [replace(one, due_at=now + pause) if one.verdict.state in _WATCHED else one for one in seen]

    def _seen(self, row: Cancellation, found: StatusRow | None) -> Outcome:
        reading = found if isinstance(found, OrderReading) else None
        if reading and reading.status is OrderStatus.UNKNOWN and reading.word not in self._strange_words:
            self._strange_words.add(reading.word)
            log.warning("the panel uses a status word this release does not know: %r", reading.word)
        now = self._clock()
        too_soon = row.sent_at is not None and timedelta() <= now - row.sent_at < resend_after(row.doubts)
        verdict = after_status(row.state, row.doubts, found, same_key=not row.other_key, may_resend=not too_soon)
        return Outcome(row, verdict, now, reading, looked=reading is not None)

    def _judge(self, account: Account, error: PanelError) -> tuple[timedelta, Trouble | None, AccountState | None]:
        """Return how long to wait after such an error, and what it means for the account."""
        match error:
            case InvalidKey() | Suspended():
                return timedelta(), None, paused_by(error)
            case RateLimited():
                self._budget.denied(account.id, error)
                now = self._clock()
                closed = self._budget.closed(account.id) or now
                return closed - now, Trouble.RATE_LIMITED, None
            case TurnedAway():
                return self._fail(account.id, error), Trouble.TURNED_AWAY, None
            case Unavailable():
                return self._fail(account.id, error), Trouble.UNAVAILABLE, None
            case _:
                return self._fail(account.id, error), Trouble.UNINTELLIGIBLE, None

    def _fail(self, account_id: int, error: PanelError | None = None) -> timedelta:
        """Count a failure in a row, log the first, and return the pause before the next try."""
        failures = self._failures[account_id] = self._failures.get(account_id, 0) + 1
        if error and failures == 1:
            log.warning("account %d: %s; trying again with growing pauses", account_id, error)
        return retry_after(failures, self._random)

    def _succeeded(self, account: Account, limits: Limits) -> None:
        self._budget.learn(account.id, limits)
        self._not_before.pop(account.id, None)
        self._most.pop(account.id, None)
        if self._failures.pop(account.id, 0):
            log.info("account %d: the panel answers again", account.id)

    async def _record(self, account: Account, answer: _Answer) -> None:
        """Write an answer down, however often it takes: what the panel has done must not be forgotten."""
        failures = 0
        while True:
            try:
                await self._write(account, answer)
                break
            except LeaseLost:
                log.warning("account %d was taken over; what the panel answered is asked for again there", account.id)
                self._leases.forget(account.id)
                return
            except Exception:
                failures += 1
                pause = retry_after(failures, self._random)
                log.exception("an answer for account %d could not be recorded; trying again", account.id)
                await self._sleep(pause.total_seconds())
        self._changed()

    async def _write(self, account: Account, answer: _Answer) -> None:
        now = self._clock()
        await self._ledger.write_at_once(lambda tx: _recorded(tx, account, answer, now, self._window))
        self._ended_as(outcome.verdict.state for outcome in answer.outcomes)

    async def _sweep(self) -> None:
        """Once a minute: what got too old is told, ended or dropped, whatever state its account is in."""
        now = self._clock()
        if now < self._next_sweep:
            return
        async with self._ledger.write() as tx:
            await tx.expire_old(now - EXPIRES_AFTER, now, self._window)
            await tx.notify_overdue(now - OVERDUE_AFTER, now - EXPIRES_AFTER, now, self._window)
            await tx.tell_all_untold(now, self._window)
        self._plan.learn(await self._ledger.read.lives(_LIVES))
        self._plan.keep(self._leases.own(await self._ledger.read.watched_accounts()))
        self._plan.plan()
        self._next_sweep = now + _SWEEP_EVERY
        self._changed()


async def _taken_and_claimed(tx: Writer, account: Account, now: datetime, most: int) -> tuple[int, list[Cancellation]]:
    await tx.check_lease(account.id)
    # What is claimed counts as sent with the key that is stored now.
    current = await tx.account(account.id)
    if current is None or current.key_sealed != account.key_sealed:
        raise _KeyReplaced
    taken = await tx.take_up(account.id, now, most)
    return taken, await tx.claim_for_sending(account.id, now, most)


async def _recorded(tx: Writer, account: Account, answer: _Answer, now: datetime, window: timedelta) -> None:
    await tx.check_lease(account.id)
    await tx.record(account.id, answer.outcomes, now, window)
    await _stop_what_came_back(tx, answer.outcomes, now, window)
    news = await tx.set_trouble(account.id, answer.trouble, now)
    if answer.paused and await tx.pause(account, answer.paused, now):
        news = True
        await tx.notify(account, NoticeKind(answer.paused.value), now, window)
    if news:
        await tx.touch_account(account.id, now)


async def _stop_what_came_back(tx: Writer, outcomes: Iterable[Outcome], now: datetime, window: timedelta) -> None:
    """Withdraw what certainly did not go out of a list that was stopped meanwhile: the press did not reach it."""
    unsent = (one.cancellation for one in outcomes if one.verdict.state is State.REQUESTED and not one.verdict.doubts)
    for request_id in {order.request_id for order in unsent}:
        request = await tx.request(request_id)
        if request and not request.waiting and State.WITHDRAWN in await tx.groups_of_request(request_id):
            await tx.stop_request(request, now, window)
