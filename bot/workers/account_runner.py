"""What is done in an account's turn: the call it needs most, writing down what came of it, and the next while it may.

Requests go before status checks. A call is never cancelled from outside. Several turns of an account are under way at
once: what each takes is its own, orders to be sent by their state in the ledger, orders to be checked by `_checking`.
What a call's end says counts as news only against calls that were begun after it (`Streaks`).
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TypeVar

from pydantic import SecretStr

from bot.domain.accounts import AccountState
from bot.domain.clock import Clock, Sleep
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading, StatusRow
from bot.domain.polling import check_before_resend, may_resend, retry_after
from bot.domain.reasons import Reason
from bot.domain.refunds import Refund
from bot.domain.states import State, Transition, after_cancel, after_lost_call, after_status
from bot.ledger import Account, Cancellation, LeaseLost, Ledger, LedgerUnsure, Outcome, Writer
from bot.panel import MAX_BATCH, Panel, PanelError, RateLimited, Refused, Unavailable
from bot.services.gateway import Gateway, NoAnswer, PanelCall
from bot.workers.leases import Leases
from bot.workers.poll_planner import PollPlanner, groups_of
from bot.workers.progress import Progress, Streaks
from bot.workers.refused_keys import ASK_AGAIN_AFTER, Blame
from bot.workers.suspects import RefusedTogether, Suspects
from bot.workers.tasks import pause_after
from bot.workers.turns import NOTHING, Answer, Look, Taken, Turn, claimed, recorded_and_taken

log = logging.getLogger(__name__)

T = TypeVar("T")

LEFT_FOR = timedelta(seconds=1)
"""After which an account that another process works on, or where nothing was to be done, is tried again."""
_FIRST_CHECK_WAITS = timedelta(minutes=10)
_REFUSAL_IS_SEEN_TO = timedelta(seconds=5)
"""How often to see whether a refused key that is asked about again in a minute was replaced or accepted meanwhile."""
_LONGEST_PAUSE_OF_SENDING = timedelta(seconds=30)
"""An order that waits may slip away, so a panel that fails at cancelling is tried again before long."""
_LONGEST_PAUSE_UNREACHED = timedelta(seconds=30)
"""While no call even reaches the panel, which costs it nothing: an order may be delivered while nobody asks."""
_MOST_STRANGE_WORDS = 100
"""Status words that are remembered, so that each is logged once."""
_MOST_OF_WORD = 100
"""Characters that are kept of one."""

_WATCHED = (State.ACCEPTED, State.QUEUED, State.UNKNOWN)


class AccountRunner:
    """Calls the panel for accounts; all it remembers of any is how its last calls went, and what is being checked."""

    def __init__(
        self,
        ledger: Ledger,
        gateway: Gateway,
        leases: Leases,
        plan: PollPlanner,
        clock: Clock,
        *,
        ended: Callable[[Iterable[State], Iterable[Refund]], None],
        sleep: Sleep,
    ) -> None:
        self.progress = Progress(clock)
        self._ledger = ledger
        self._gateway = gateway
        self._leases = leases
        self._plan = plan
        self._random = Random()
        self._clock = clock
        self._ended_as = ended
        self._sleep = sleep
        self._failures = Streaks()
        self._cancel_failures = Streaks()
        self._refusals_of_rate = Streaks()
        self._sends_from: dict[int, datetime] = {}
        self._refused = RefusedTogether()
        self._suspects = Suspects()
        self._checking: defaultdict[int, set[int]] = defaultdict(set)
        """The orders of each account that a status call names just now."""
        self._sending: defaultdict[int, set[int]] = defaultdict(set)
        """Those that a cancel call names."""
        self._strange_words: set[str] = set()

    async def run(self, turn: Turn) -> timedelta | None:
        """Make the call that an account needs most, write down what it led to, and go on while the turn may.

        Return None then, or for how long to leave the account alone where no call was made. Raise LeaseLost, and
        whatever kept it from being made.
        """
        if wait := self._gateway.refused_for(turn.account_id):
            return min(wait, _REFUSAL_IS_SEEN_TO)
        try:
            is_ours = await self._leases.take(turn.account_id)
            account = await self._ledger.read.account(turn.account_id) if is_ours else None
            if account is None or account.key_sealed is None:  # another process's, or erased or removed since
                return LEFT_FOR
            key = self._gateway.open_key(account)
            taken = await self._take(account)
            if not taken.orders:
                return timedelta() if taken.again or taken.to_send else LEFT_FOR
            while taken.orders:
                turn.taken(turn, taken.more)
                taken = await self._call(turn, account, key, taken)
        finally:
            self._leases.done(turn.account_id)
        return None

    async def _call(self, turn: Turn, account: Account, key: SecretStr, taken: Taken) -> Taken:
        """Make a call for the orders taken, write down what came of it, and return those of the next call, if any."""
        try:
            make = self._send if taken.to_send else self._check_status
            answer = await make(turn, account, key, taken)
            return await self._record(turn, account, answer)
        finally:
            named = self._sending if taken.to_send else self._checking
            named[account.id].difference_update(order.id for order in taken.orders)

    async def _take(self, account: Account) -> Taken:
        """Take orders for a call, starting those whose turn it is, until there are some or none is left."""
        while True:
            with self._looking(account) as look:
                taken = await self._ledger.write_at_once(look)
            if taken.orders or not (taken.again and taken.to_send):
                return taken

    @contextmanager
    def _looking(self, account: Account, *, urgent: bool = False) -> Generator[Look]:
        """Yield what takes orders for a call, to be done in a transaction: no other turn takes any meanwhile.

        `urgent`: only what somebody waits for. What takes one call goes first, then what is due for a check, then the
        long lists. After cancel calls that failed one is tried before others go beside it. Where the transaction fails
        nothing is taken.
        """
        most, checking, sending = self._refused.most(account.id), self._checking[account.id], self._sending[account.id]
        named = set[int]()

        async def claim(tx: Writer) -> Taken:
            taken = await claimed(tx, account, most)
            named.update(order.id for order in taken.orders)
            sending.update(named)
            return taken

        async def look(tx: Writer) -> Taken:
            await tx.check_lease(account.id)
            # What is taken counts as sent with the key that is stored now.
            current = await tx.account(account.id)
            if current is None or current.key_sealed != account.key_sealed or current.state is not AccountState.ACTIVE:
                return Taken(again=True)  # the next turn sees to it
            left = await tx.fewest_to_send(account.id, tx.now)
            pause, is_failing = self._sends_from.get(account.id), self._cancel_failures.goes_on(account.id)
            # A pause that is longer was begun by another clock.
            pauses = pause is not None and timedelta() < pause - tx.now <= _LONGEST_PAUSE_OF_SENDING
            sends = left is not None and not pauses and not (is_failing and sending)
            if left is not None and sends and left <= most and (sent := await claim(tx)).orders:
                return sent
            if due := await tx.due_checks(account.id, tx.now, MAX_BATCH, checking):
                if urgent and all(order.checked_at for order in due):
                    return NOTHING
                orders = self._suspects.choose(account.id, due)
                named.update(order.id for order in orders)
                checking.update(named)
                return Taken(orders, more=left is not None or len(due) == MAX_BATCH or len(orders) < len(due))
            return await claim(tx) if sends else NOTHING

        try:
            yield look
        except BaseException:
            for one in (checking, sending):
                one.difference_update(named)
            raise

    async def _send(self, turn: Turn, account: Account, key: SecretStr, taken: Taken) -> Answer:
        self._leases.require(account.id)
        rows = taken.orders
        self._refused.taken(account.id, rows)

        def lost(pause: timedelta, *, may_have_acted: bool, error: PanelError | None = None) -> list[Outcome]:
            again, said = self._clock() + pause, (error.panel_message, error.reason) if error else ("", None)
            return [
                Outcome(row, after_lost_call(row.ambiguous_attempts, *said, may_have_acted=may_have_acted), again)
                for row in rows
            ]

        call = partial(Panel.cancel, orders=[row.order_id for row in rows])
        try:
            answers = await self._ask(turn, account, key, call, "cancel", len(rows))
        except Exception:
            # A fault of ours after the claim: the panel may have been asked, so only status can tell.
            log.exception("a cancel call for account %d broke off", account.id)
            return Answer(lost(self.fail(turn), may_have_acted=True))
        if isinstance(answers, NoAnswer):
            error = answers.error
            if isinstance(error, Refused):  # a single order's is its row: here one may have spoilt a whole batch
                self._refused.refused(account.id, rows)
                return Answer(lost(timedelta(), may_have_acted=False))
            pause, trouble = self._classify(turn, answers)
            if trouble not in (None, Reason.RATE_LIMITED):  # the one is about the key, the other blocks the budget
                self._pause_sending(turn)
            outcomes = lost(pause, may_have_acted=error.may_have_acted, error=error)
            return Answer(outcomes, trouble, answers.pauses)
        self._succeeded(turn)
        if self._cancel_failures.succeeded(account.id, turn.ticket, proves=False):
            self._sends_from.pop(account.id, None)
        now = self._clock()

        def answered(row: Cancellation) -> Outcome:
            transition = after_cancel(
                row.ambiguous_attempts, answers.get(row.order_id), same_key=row.sent_with(account)
            )
            return Outcome(row, transition, now)

        return Answer([answered(row) for row in rows], lists=self._checks_of_lists(account.id, taken.waiting))

    def _checks_of_lists(self, account_id: int, waiting: Mapping[int, int]) -> Mapping[int, datetime]:
        """Return when to check what was sent of lists. Such a list is sent first: an order that waits may slip away.

        With its last orders the ledger makes its checks due; only should that take far too long they come in between.
        """
        now = self._clock()
        return {
            request_id: now
            + 2 * (self._gateway.earliest(account_id, groups_of(left, MAX_BATCH)) - now)
            + _FIRST_CHECK_WAITS
            for request_id, left in waiting.items()
        }

    def _pause_sending(self, turn: Turn) -> None:
        """Begin no other cancel call of an account for a while: it would most likely fail as well."""
        failures, is_new = self._cancel_failures.failed(turn.account_id, turn.ticket)
        if is_new:
            pause = min(retry_after(failures, self._random), _LONGEST_PAUSE_OF_SENDING)
            self._sends_from[turn.account_id] = self._clock() + pause

    async def _ask(
        self, turn: Turn, account: Account, key: SecretStr, call: PanelCall[T], action: str, orders: int
    ) -> T | NoAnswer:
        """Make a turn's call; those of as many orders take about as long."""
        turn.is_paid = False
        return await self._gateway.call_paid(account, key, call, turn.ticket, (action, orders.bit_length()))

    async def _check_status(self, turn: Turn, account: Account, key: SecretStr, taken: Taken) -> Answer:
        rows = taken.orders
        call = partial(Panel.status, orders=[row.order_id for row in rows])
        answers = await self._ask(turn, account, key, call, "status", len(rows))
        if isinstance(answers, NoAnswer):
            error = answers.error
            if isinstance(error, Refused):
                self._suspects.failed(account.id, rows, turn.ticket, at_once=True)
                return Answer(_unchanged(rows, self._clock()))
            failures = self._suspects.failed(account.id, rows, turn.ticket) if error.may_have_acted else 0
            if failures and self._suspects.is_culprit(account.id, rows):  # the panel answers, but for this order
                return Answer(_unchanged(rows, self._clock() + retry_after(failures, self._random)))
            pause, trouble = self._classify(turn, answers)
            again = self._clock() + pause
            return Answer(_unchanged(rows, again, failed=error.may_have_acted), trouble, answers.pauses)
        self._succeeded(turn)
        self._suspects.answered(account.id, rows, turn.ticket)
        seen = [self._seen(account, row, answers.get(row.order_id)) for row in rows]
        return Answer(await self._planned(account.id, seen))

    async def _planned(self, account_id: int, seen: list[Outcome]) -> list[Outcome]:
        """Set when to check again what is still open of the orders of one call."""
        now = self._clock()
        still = [outcome.cancellation for outcome in seen if outcome.transition.state in _WATCHED]
        if not still:
            self._plan.forget(account_id)
            return seen
        groups = groups_of(await self._ledger.read.count_started(account_id), MAX_BATCH)
        pause = self._plan.pause(account_id, [now - row.created_at for row in still], groups)
        return [
            replace(one, due_at=_next_check(one, now, now + pause)) if one.transition.state in _WATCHED else one
            for one in seen
        ]

    def _seen(self, account: Account, row: Cancellation, found: StatusRow | None) -> Outcome:
        reading = found if isinstance(found, OrderReading) else None
        if reading and reading.status is OrderStatus.UNKNOWN:
            self._note_strange(reading.word[:_MOST_OF_WORD])
        now = self._clock()
        resend = not row.given_up and may_resend(now, row.resends_at(now), row.running_checks)
        transition = after_status(
            row.state, row.ambiguous_attempts, found, same_key=row.sent_with(account), may_resend=resend
        )
        return Outcome(row, transition, now, reading, checked=reading is not None, failed=found is None, seen_at=now)

    def _note_strange(self, word: str) -> None:
        """Log a status word once; whoever invents them without end is not listened to for ever."""
        if word not in self._strange_words and len(self._strange_words) < _MOST_STRANGE_WORDS:
            self._strange_words.add(word)
            log.warning("the panel uses a status word this release does not know: %r", word)

    def _classify(self, turn: Turn, answer: NoAnswer) -> tuple[timedelta, Reason | None]:
        """Return how long to wait after a failed call, and what that says about the account."""
        match answer:
            case NoAnswer(blame=Blame.KEY):
                return timedelta(), None
            case NoAnswer(blame=Blame.PANEL):
                self.progress.failed()
                return ASK_AGAIN_AFTER, Reason.KEYS_REFUSED
            case NoAnswer(blame=Blame.ASK_AGAIN):
                return ASK_AGAIN_AFTER, None
            case NoAnswer(error=RateLimited(), blocked_until=until):
                now = self._clock()
                return (until or now) - now, Reason.RATE_LIMITED
            case _:
                return self.fail(turn, answer.error), answer.error.reason

    def fail(self, turn: Turn, error: PanelError | None = None) -> timedelta:
        """Count a failure in a row, log the first, and return the pause before the next try."""
        self.progress.failed()
        failures, is_new = self._failures.failed(turn.account_id, turn.ticket)
        if error and failures == 1 and is_new:
            log.warning("account %d: %s; trying again with growing pauses", turn.account_id, error)
        pause = retry_after(failures, self._random)
        is_unreached = isinstance(error, Unavailable) and not error.may_have_acted
        return min(pause, _LONGEST_PAUSE_UNREACHED * self._random.uniform(0.75, 1)) if is_unreached else pause

    def _succeeded(self, turn: Turn) -> None:
        self.progress.succeeded()
        if self._failures.succeeded(turn.account_id, turn.ticket):
            log.info("account %d: the panel answers again", turn.account_id)

    async def _record(self, turn: Turn, account: Account, answer: Answer) -> Taken:
        """Write an answer down, however often it takes: what the panel has done must not be forgotten.

        Where the turn goes on, the orders of its next call are taken in the same transaction; return them. Each try is
        dated anew: users have waited until then, and a message tells what no card could show in time.
        """
        if answer.trouble is Reason.RATE_LIMITED:
            self._refusals_of_rate.failed(account.id, turn.ticket)
        else:
            self._refusals_of_rate.succeeded(account.id, turn.ticket, proves=False)
        if answer.trouble is None and self._refusals_of_rate.goes_on(account.id):
            answer = replace(answer, trouble=Reason.RATE_LIMITED)
        may_go_on = self._leases.is_sure(account.id) and not answer.paused and not self._gateway.refused_for(account.id)
        goes_on = may_go_on and turn.goes_on(turn)
        failures = 0
        while True:
            try:
                with self._looking(account, urgent=True) as look:
                    outcomes, refunds, taken = await self._ledger.write_at_once(
                        partial(recorded_and_taken, account=account, answer=answer, look=look if goes_on else None)
                    )
                break
            except LeaseLost:
                log.warning("account %d was taken over; what the panel answered is asked for again there", account.id)
                self._leases.forget(account.id)
                return NOTHING
            except Exception as error:
                if goes_on and isinstance(error, LedgerUnsure):  # it may have taken orders that nobody will send
                    self._leases.forget(account.id)
                turn.gives_back(turn)
                failures, goes_on = failures + 1, False
                pause = pause_after(error, failures, self._random)
                log.exception("an answer for account %d could not be recorded; trying again", account.id)
                await self._sleep(pause.total_seconds())
        self._ended_as([outcome.transition.state for outcome in outcomes], refunds)
        return taken


def _unchanged(rows: Iterable[Cancellation], again: datetime, *, failed: bool = True) -> list[Outcome]:
    """Return the outcomes of a status check that found nothing out; `failed`: the panel's fault, as far as is known."""
    return [Outcome(row, Transition(row.state, row.ambiguous_attempts), again, failed=failed) for row in rows]


def _next_check(seen: Outcome, now: datetime, planned: datetime) -> datetime:
    """Return when to check an order next: as planned, or as soon as that can show that it is to be sent again.

    A check that does not show it running says nothing of when the next one will: only the planner's pauses grow.
    """
    if seen.transition.state is not State.UNKNOWN or seen.cancellation.given_up:
        return planned
    resend_at = seen.cancellation.resends_at(now)
    if not seen.shows_running and (resend_at is None or resend_at <= now):
        return planned
    return min(planned, check_before_resend(now, resend_at))
