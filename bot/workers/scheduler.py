"""Decides which account has its turn, and once a minute ends or reports what is too old.

The unit of work is the account, because key, limit and batch are all per key. An account makes one call at a time
(bot/workers/account_runner.py); many accounts work side by side.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain.clock import Clock
from bot.domain.polling import farthest
from bot.ledger import Due, LeaseLost, Ledger, Work
from bot.workers.account_runner import LEFT_FOR, AccountRunner
from bot.workers.budget import Budget, CallKind, Ticket
from bot.workers.leases import Leases
from bot.workers.poll_planner import PollPlanner
from bot.workers.tasks import WakeEvent

log = logging.getLogger(__name__)

_AT_ONCE = 16
"""Accounts worked on side by side; at five calls a second one call may take three seconds."""
_WATCHING_AT_ONCE = 12
"""At most this many of them by watching: a command finds a free one even if the panel hangs."""
SLOW_AFTER = timedelta(seconds=5)
"""A call that takes longer counts as slow: those take at most half of the room, so that others find a place."""
_MOST_AT_ALL = 4 * _AT_ONCE
_SWEEP_EVERY = timedelta(minutes=1)
_LIVES = 5_000
"""Cancels ended last that the schedule learns from."""


class Scheduler:
    """Does what the ledger says is due; everything it knows is in the ledger or can be learned again."""

    def __init__(
        self, ledger: Ledger, budget: Budget, runner: AccountRunner, leases: Leases, plan: PollPlanner, clock: Clock
    ) -> None:
        self.bell = WakeEvent()
        self._ledger = ledger
        self._budget = budget
        self._runner = runner
        self._leases = leases
        self._plan = plan
        self._clock = clock
        ledger.when_due(Work.ORDERS, self.bell.ring)
        self._not_before: dict[int, datetime] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._watching: set[int] = set()
        self._begun: dict[int, datetime] = {}
        self._slow: set[int] = set()
        """Accounts whose last turn was slow."""
        self._next_sweep = self._seen_at = clock()

    async def recover(self) -> None:
        """Begin where a process that died has stopped; to be called once, before anything else.

        Where others may live on the same ledger, what was being sent is settled account by account (`Leases.take`).
        """
        await self._leases.heartbeat()
        async with self._ledger.write() as tx:
            count = 0 if self._ledger.is_shared else await tx.recover_sending()
            await tx.interrupt_previews()
            await tx.pull_in(farthest(self._plan.intervals))
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
        await self._leases.run(stop, self.bell.ring)

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
        now, upcoming, ready = self._clock(), [self._next_sweep], list[tuple[CallKind, int, Due]]()
        for due in await self._ledger.read.accounts_due(now):
            self._budget.link(due.id, due.panel_account, due.key_fingerprint)
            starts_at, kind = self._starts_at(due, now)
            if starts_at > now:
                upcoming.append(starts_at)
            elif due.id not in self._running:
                ready.append((kind, self._budget.used(due.id), due))
        # Commands first; among equals whoever has called least of late, so that nobody's thousands keep others waiting.
        for kind, _, due in sorted(ready, key=lambda one: one[:2]):
            blocked_until = self._budget.blocked_until(due.id, kind)
            if blocked_until:
                upcoming.append(blocked_until)
            elif self._has_room(due.id, kind, now):
                self._start(due, kind)
            else:
                upcoming += self._slow_from(now)
        return min(upcoming)

    @property
    def slow_calls(self) -> int:
        """How many turns have been under way for longer than SLOW_AFTER: the panel hangs, or the way to it."""
        return self._count_slow(self._begun, self._clock())

    @property
    def failing_for(self) -> timedelta:
        """For how long nothing has come of anything that was due, though the panel's limits allowed it."""
        return self._runner.progress.failing_for

    @property
    def hanging_for(self) -> timedelta:
        """For how long the oldest turn has been under way: a call has its deadline, the ledger may be what hangs."""
        now = self._clock()
        return max([now - at for at in self._begun.values()], default=timedelta())

    def _count_slow(self, accounts: Iterable[int], now: datetime) -> int:
        return sum(self._begun[one] + SLOW_AFTER <= now for one in accounts)

    def _slow_from(self, now: datetime) -> list[datetime]:
        """Return when the next turn under way counts as slow, and so makes room."""
        return sorted(slow_from for at in self._begun.values() if (slow_from := at + SLOW_AFTER) > now)[:1]

    def _has_room(self, account_id: int, kind: CallKind, now: datetime) -> bool:
        """Tell whether one more turn may begin; slow ones count up to half of the room only.

        Whoever was slow last waits while that half is taken: a panel that hangs for some holds up nobody else.
        """
        slow = self._count_slow(self._begun, now)
        likely = self._count_slow(self._begun.keys() - self._slow, now) + len(self._begun.keys() & self._slow)
        if len(self._running) >= _MOST_AT_ALL or (account_id in self._slow and likely >= _AT_ONCE // 2):
            return False
        if len(self._running) - slow >= _AT_ONCE - min(slow, _AT_ONCE // 2):
            return False
        slow = self._count_slow(self._watching, now)
        room = _WATCHING_AT_ONCE - min(slow, _WATCHING_AT_ONCE // 2)
        return kind is CallKind.SEND or len(self._watching) - slow < room

    def _starts_at(self, due: Due, now: datetime) -> tuple[datetime, CallKind]:
        """Return when an account may be worked on, and whether somebody is waiting for it."""
        kind = CallKind.SEND if due.urgent_at and due.urgent_at <= now else CallKind.WATCH
        return max(due.due_at, self._not_before.get(due.id, due.due_at)), kind

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
            await tx.pull_in(farthest(self._plan.intervals))

    def _start(self, due: Due, kind: CallKind) -> None:
        """Begin work on an account, its call paid for: what is decided here cannot be overtaken."""
        ticket = self._budget.spend(due.id, kind)
        if kind is CallKind.WATCH:
            self._watching.add(due.id)
        self._begun[due.id] = self._clock()
        task = asyncio.create_task(self._run_account(due.id, ticket), name=f"account {due.id}")
        self._running[due.id] = task
        task.add_done_callback(lambda _: self._ended(due.id))

    def _ended(self, account_id: int) -> None:
        self._running.pop(account_id, None)
        self._leases.done(account_id)
        self._watching.discard(account_id)
        was_slow = self._begun.pop(account_id) + SLOW_AFTER <= self._clock()
        (self._slow.add if was_slow else self._slow.discard)(account_id)

    async def _run_account(self, account_id: int, ticket: Ticket) -> None:
        """Run an account once, whatever comes of it; a call that was not made after all is refunded."""
        try:
            pause = await self._runner.run_once(account_id)
        except LeaseLost as error:
            self._leases.forget(account_id)
            pause = LEFT_FOR
            log.warning("account %d is left to another process: %s", account_id, error)
        except Exception:
            self._leases.forget(account_id)
            pause = self._runner.fail(account_id)
            self._not_before[account_id] = self._clock() + pause
            log.exception("account %d could not be worked on; next try in %.0f s", account_id, pause.total_seconds())
            return
        if pause is None:
            self._not_before.pop(account_id, None)
        else:
            self._not_before[account_id] = self._clock() + pause
            self._budget.refund(ticket)

    async def _sweep(self) -> None:
        """Once a minute: what got too old is notified of, ended or dropped, whatever state its account is in."""
        now = self._clock()
        if now < self._next_sweep:
            return
        async with self._ledger.write() as tx:
            await tx.expire_old()
            await tx.notify_overdue()
            await tx.enqueue_all_notifications()
        self._plan.learn(await self._ledger.read.lives(_LIVES))
        self._plan.keep(self._leases.own(await self._ledger.read.watched_accounts()))
        self._plan.plan()
        self._next_sweep = now + _SWEEP_EVERY
