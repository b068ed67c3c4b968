"""Decides which account has its turn, and once a minute ends or reports what is too old.

The unit of work is the account, because key, limit and batch are all per key. Many accounts work side by side, and each
may have several turns at once, as many as calls may be under way with its key (bot/workers/budget.py): a turn takes
orders that no other has, makes a call for them and writes down what came of it (bot/workers/account_runner.py). The
next turn of an account begins when the one before has taken its orders.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from time import monotonic

from bot.domain.clock import Clock
from bot.domain.polling import farthest
from bot.ledger import Due, LeaseLost, Ledger, LedgerError, Work
from bot.workers.account_runner import LEFT_FOR, AccountRunner
from bot.workers.budget import Budget
from bot.workers.call_counts import CallKind
from bot.workers.due_accounts import DueAccounts
from bot.workers.leases import Leases
from bot.workers.poll_planner import PollPlanner
from bot.workers.tasks import LEDGER_PAUSE, WakeEvent
from bot.workers.turns import Turn

log = logging.getLogger(__name__)

_FIRST_TURNS = 16
"""Accounts worked on side by side; at five calls a second one call may take three seconds. What an account has beside
its first turn is counted by itself, so that nobody's list takes another's place."""
_FIRST_TURNS_WATCHING = 12
"""At most this many of them by watching: a command finds a free one even if the panel hangs."""
_MORE_TURNS = 32
"""Turns beside their accounts' first; half of them at most of accounts that were slow last."""
SLOW_AFTER = timedelta(seconds=5)
"""A call that takes longer counts as slow: those take at most half of the room, so that others find a place."""
_MOST_FIRST_TURNS = 4 * _FIRST_TURNS
"""With those that are slow."""
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
        self._due = DueAccounts(ledger)
        ledger.when_due(Work.ORDERS, self._look_anew)
        budget.when_free(self.bell.ring)
        self._not_before: dict[int, datetime] = {}
        self._turns: dict[Turn, asyncio.Task[None]] = {}
        self._settled: set[int] = set()
        """Accounts with turns that have found, or are just finding, all there is to do for now."""
        self._slow: set[int] = set()
        """Accounts whose last call was slow."""
        self._somebody_waits = False
        """Whether a turn found no place when places were last given out."""
        self._stopping = False
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
            await self.bell.wait(due, self._clock, self._turns.values(), stop)
        self._stopping = True
        await self.finish()

    async def keep_leases(self, stop: asyncio.Event) -> None:
        """Show until `stop` that this process lives; beside the work, which may wait for the panel."""
        await self._leases.run(stop, self._look_anew)

    async def step(self) -> datetime | None:
        """Do all that is due now, to its end; return when there is more."""
        while True:
            self.bell.reset()
            due = await self.start_due()
            if not self._turns and not self.bell.is_rung:
                return due
            await self.bell.wait(None, self._clock, self._turns.values(), asyncio.Event())

    async def finish(self) -> None:
        """Wait for what is under way."""
        while self._turns:
            await asyncio.wait(self._turns.values())

    async def abandon(self) -> None:
        """Give up what is under way: its orders stay `sending`, which the next start settles by asking."""
        for task in self._turns.values():
            task.cancel()
        await self.finish()

    async def start_due(self) -> datetime | None:
        """Start a turn for each account that is due; return when the next one will be."""
        await self._follow_clock()
        await self._sweep()
        now, upcoming, ready = self._clock(), [self._next_sweep], list[tuple[CallKind, int, int, Due]]()
        under_way = Counter(turn.account_id for turn in self._turns)
        self._settled.intersection_update(under_way)  # turns that end together each take the other for still at work
        self._somebody_waits = False
        for due in await self._due.read(now):
            self._budget.link(due.id, due.panel_account, due.key_fingerprint)
            starts_at, kind = self._starts_at(due, now)
            if starts_at > now:
                upcoming.append(starts_at)
            elif due.id not in self._settled and not self._due.has_had_turn(due.id):
                ready.append((kind, under_way[due.id], self._budget.used(due.id), due))
        # Commands first; among equals whoever has fewest calls under way and has called least of late, so that nobody's
        # thousands keep others waiting.
        for kind, _, _, due in sorted(ready, key=lambda one: one[:3]):
            if until := self._budget.address_blocked_until(kind):
                upcoming.append(until)
                break  # and so are all behind it
            blocked_until = self._budget.blocked_until(due.id, kind)
            if blocked_until:
                upcoming.append(blocked_until)
            elif not self._budget.has_room(due.id, kind):
                upcoming.append(now + LEFT_FOR)  # the end of a call rings the bell, that of the panel's minute does not
            elif self._has_place(due.id, kind, now):
                self._start(due, kind)
            else:
                self._somebody_waits = True
                upcoming += self._slow_from(now)
        return min(upcoming)

    def _look_anew(self) -> None:
        """Have accounts looked at again for which all there was to do was under way: something was made due."""
        self._due.forget()
        self._settled.clear()
        soon = self._clock() + LEFT_FOR
        self._not_before = {account_id: at for account_id, at in self._not_before.items() if at > soon}
        self.bell.ring()

    @property
    def slow_calls(self) -> int:
        """How many accounts have a call under way for longer than SLOW_AFTER: the panel hangs, or the way to it."""
        now = self._clock()
        return len({turn.account_id for turn in self._turns if turn.begun_at + SLOW_AFTER <= now})

    @property
    def accounts_held(self) -> int | None:
        """How many accounts are this process's to work on; None where all are."""
        return self._leases.held

    @property
    def failing_for(self) -> timedelta:
        """For how long nothing has come of anything that was due, though the panel's limits allowed it."""
        return self._runner.progress.failing_for

    @property
    def hanging_for(self) -> timedelta:
        """For how long the oldest turn has been under way: a call has its deadline, the ledger may be what hangs."""
        return timedelta(seconds=max((monotonic() - turn.since for turn in self._turns), default=0))

    def _count_slow(self, turns: Iterable[Turn], now: datetime) -> int:
        return sum(turn.begun_at + SLOW_AFTER <= now for turn in turns)

    def _slow_from(self, now: datetime) -> list[datetime]:
        """Return when the next turn under way counts as slow, and so makes room."""
        return sorted(slow_from for turn in self._turns if (slow_from := turn.begun_at + SLOW_AFTER) > now)[:1]

    def _has_place(self, account_id: int, kind: CallKind, now: datetime) -> bool:
        """Tell whether one more turn may begin; slow ones count up to half of the room only.

        Whoever was slow last waits while that half is taken: a panel that hangs for some holds up nobody else.
        """
        more = [turn for turn in self._turns if not turn.is_first]
        if any(turn.account_id == account_id for turn in self._turns):
            slow = sum(turn.account_id in self._slow for turn in more)
            return len(more) < _MORE_TURNS and (account_id not in self._slow or slow < _MORE_TURNS // 2)
        first = self._turns.keys() - more
        slow = self._count_slow(first, now)
        likely = sum(turn.account_id in self._slow or turn.begun_at + SLOW_AFTER <= now for turn in first)
        if len(first) >= _MOST_FIRST_TURNS or (account_id in self._slow and likely >= _FIRST_TURNS // 2):
            return False
        if len(first) - slow >= _FIRST_TURNS - min(slow, _FIRST_TURNS // 2):
            return False
        watching = [turn for turn in first if turn.kind is CallKind.WATCH]
        slow = self._count_slow(watching, now)
        room = _FIRST_TURNS_WATCHING - min(slow, _FIRST_TURNS_WATCHING // 2)
        return kind is CallKind.SEND or len(watching) - slow < room

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
        self._due.forget()
        async with self._ledger.write() as tx:
            await tx.pull_in(farthest(self._plan.intervals))

    def _start(self, due: Due, kind: CallKind) -> None:
        """Begin a turn of an account, its call paid for: what is decided here cannot be overtaken."""
        is_first = all(turn.account_id != due.id for turn in self._turns)
        ticket = self._budget.spend(due.id, kind)
        turn = Turn(due.id, kind, is_first, ticket, self._clock(), self._taken, self._goes_on, self._give_back)
        self._settled.add(due.id)
        self._turns[turn] = task = asyncio.create_task(self._run(turn), name=f"account {due.id}")
        task.add_done_callback(lambda _: self._ended(turn))

    def _taken(self, turn: Turn, more: bool) -> None:
        """Hear that a turn has taken its orders; `more`: there may be others for the next."""
        self._due.had_turn(turn.account_id)
        if more:
            self._settled.discard(turn.account_id)
            self.bell.ring()

    def _goes_on(self, turn: Turn) -> bool:
        """Pay for one more call of a turn where there is nobody to be weighed against: it keeps its place then."""
        account_id, kind, now = turn.account_id, CallKind.SEND, self._clock()
        is_slow = turn.begun_at + SLOW_AFTER <= now
        if turn.kind is not kind or is_slow or self._stopping or self._somebody_waits or not self._budget.is_ample:
            return False
        if self._budget.blocked_until(account_id, kind) or not self._budget.has_room(account_id, kind):
            return False
        turn.ticket, turn.is_paid = self._budget.spend(account_id, kind), True
        turn.begun_at, turn.since = now, monotonic()
        self._settled.add(account_id)
        return True

    def _give_back(self, turn: Turn) -> None:
        if turn.is_paid:
            self._budget.refund(turn.ticket)
            turn.is_paid = False

    def _ended(self, turn: Turn) -> None:
        del self._turns[turn]
        was_slow = turn.begun_at + SLOW_AFTER <= self._clock()
        (self._slow.add if was_slow else self._slow.discard)(turn.account_id)

    async def _run(self, turn: Turn) -> None:
        """Give an account its turn, whatever comes of it; a call that was not made after all is refunded."""
        account_id, pause, is_alone = turn.account_id, None, False
        try:
            pause = await self._runner.run(turn)
            is_alone = all(other.account_id != account_id or other is turn for other in self._turns)
        except LeaseLost as error:
            self._leases.forget(account_id)
            pause, is_alone = LEFT_FOR, True
            log.warning("account %d is left to another process: %s", account_id, error)
        except LedgerError as error:
            self._leases.forget(account_id)
            self._runner.progress.failed()
            pause, is_alone = LEDGER_PAUSE, True
            log.warning("account %d could not be worked on: %s", account_id, error)
        except Exception:
            self._leases.forget(account_id)
            pause, is_alone = self._runner.fail(turn), True
            log.exception("account %d could not be worked on; next try in %.0f s", account_id, pause.total_seconds())
        finally:
            self._give_back(turn)
            self._due.had_turn(account_id)  # before it may have the next
            self.bell.ring()
        if pause is None:
            self._not_before.pop(account_id, None)
            self._settled.discard(account_id)
        elif is_alone or not pause:
            self._not_before[account_id] = self._clock() + pause
            self._settled.discard(account_id)
        # else all there is to do is under way: the end of that, or of another turn, shows what is next

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
        self._due.forget()
        self._next_sweep = now + _SWEEP_EVERY
