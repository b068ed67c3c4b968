"""What is done for an account whose turn has come: the one call it needs most, and writing down what came of it.

Requests go before status checks. A call is never cancelled from outside.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

from pydantic import SecretStr

from bot.domain.accounts import AccountState
from bot.domain.clock import Clock, Sleep
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading, StatusRow
from bot.domain.polling import check_before_resend, may_resend, retry_after
from bot.domain.reasons import Reason
from bot.domain.refunds import Refund
from bot.domain.states import State, Transition, after_cancel, after_lost_call, after_status
from bot.ledger import Account, Cancellation, LeaseLost, Ledger, NoticeKind, Outcome, Writer
from bot.panel import MAX_BATCH, Panel, PanelError, RateLimited, Refused
from bot.services.gateway import Gateway, NoAnswer
from bot.workers.leases import Leases
from bot.workers.poll_planner import PollPlanner, groups_of
from bot.workers.progress import Progress
from bot.workers.refused_keys import ASK_AGAIN_AFTER, Blame
from bot.workers.suspects import Suspects

log = logging.getLogger(__name__)

LEFT_FOR = timedelta(seconds=1)
"""After which an account that another process works on, or where nothing was to be done, is tried again."""
_FIRST_CHECK_WAITS = timedelta(minutes=10)
_REFUSAL_IS_SEEN_TO = timedelta(seconds=5)
"""How often to see whether a refused key that is asked about again in a minute was replaced or accepted meanwhile."""
_LONGEST_PAUSE_OF_SENDING = timedelta(seconds=30)
"""An order that waits may slip away, so a panel that fails at cancelling is tried again before long."""
_MOST_STRANGE_WORDS = 100
"""Status words that are remembered, so that each is logged once."""
_MOST_OF_WORD = 100
"""Characters that are kept of one."""

_WATCHED = (State.ACCEPTED, State.QUEUED, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one call came to: outcomes, and what it says about the account."""

    outcomes: Sequence[Outcome]
    trouble: Reason | None = None
    paused: AccountState | None = None


class _KeyReplaced(Exception):
    """The key with which to call is not the account's any more."""


class AccountRunner:
    """Calls the panel for one account at a time; all it remembers of any is how its last calls went."""

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
        self._failures: dict[int, int] = {}
        self._cancel_failures: dict[int, int] = {}
        self._sends_from: dict[int, datetime] = {}
        self._most: dict[int, int] = {}
        self._suspects = Suspects()
        self._strange_words: set[str] = set()

    async def run_once(self, account_id: int) -> timedelta | None:
        """Make the one call that an account needs most, and write down what it led to.

        Return None then, or for how long to leave the account alone where no call was made. Raise LeaseLost, and
        whatever kept it from being made.
        """
        if wait := self._gateway.refused_for(account_id):
            return min(wait, _REFUSAL_IS_SEEN_TO)
        if not await self._leases.take(account_id):
            return LEFT_FOR
        account = await self._ledger.read.account(account_id)
        if account is None or account.key_sealed is None:  # erased or removed since
            return LEFT_FOR
        key = self._gateway.open_key(account)
        now, most = self._clock(), self._most.get(account_id, MAX_BATCH)
        # What takes one call goes first, then what is due for a check, then the long lists.
        left = await self._ledger.read.fewest_to_send(account_id, now)
        pauses = timedelta() < self._sends_from.get(account_id, now) - now <= _LONGEST_PAUSE_OF_SENDING
        sends = left is not None and not pauses  # a pause that is longer was begun by another clock
        try:
            if left is not None and sends and left <= most and (rows := await self._claim(account, most)):
                answer = await self._send(account, key, rows)
            elif rows := await self._ledger.read.due_checks(account_id, now, MAX_BATCH):
                answer = await self._check_status(account, key, self._suspects.choose(account_id, rows))
            elif sends and (rows := await self._claim(account, most)):
                answer = await self._send(account, key, rows)
            elif left is None or pauses:
                return LEFT_FOR
            else:  # all there was to send had been asked for before; there may be more at once
                return timedelta()
        except _KeyReplaced:
            return timedelta()  # the next turn takes the new one
        await self._record(account, answer)
        return None

    async def _claim(self, account: Account, most: int) -> list[Cancellation]:
        """Start orders whose turn it is, until there are some to send or none is left; raise _KeyReplaced."""
        while True:
            started, rows = await self._ledger.write_at_once(lambda tx: _started_and_claimed(tx, account, most))
            if rows or not started:  # else all of them had been asked for before
                return rows

    async def _send(self, account: Account, key: SecretStr, rows: Sequence[Cancellation]) -> _Answer:
        self._leases.require(account.id)

        def lost(pause: timedelta, *, may_have_acted: bool, error: PanelError | None = None) -> list[Outcome]:
            again, said = self._clock() + pause, (error.panel_message, error.reason) if error else ("", None)
            return [
                Outcome(row, after_lost_call(row.ambiguous_attempts, *said, may_have_acted=may_have_acted), again)
                for row in rows
            ]

        call = partial(Panel.cancel, orders=[row.order_id for row in rows])
        try:
            answers = await self._gateway.call_paid(account, key, call)
        except Exception:
            # A fault of ours after the claim: the panel may have been asked, so only status can tell.
            log.exception("a cancel call for account %d broke off", account.id)
            return _Answer(lost(self.fail(account.id), may_have_acted=True))
        if isinstance(answers, NoAnswer):
            error = answers.error
            if isinstance(error, Refused):  # a single order's is its row: here one may have spoilt a whole batch
                self._most[account.id] = len(rows) // 2
                return _Answer(lost(timedelta(), may_have_acted=False))
            pause, trouble = self._classify(account.id, answers)
            if trouble not in (None, Reason.RATE_LIMITED):  # the one is about the key, the other blocks the budget
                self._pause_sending(account.id)
            outcomes = lost(pause, may_have_acted=error.may_have_acted, error=error)
            return _Answer(outcomes, trouble, answers.pauses)
        self._succeeded(account.id)
        self._cancel_failures.pop(account.id, None)
        self._sends_from.pop(account.id, None)
        self._most.pop(account.id, None)
        check_at = await self._first_checks(account, {row.request_id for row in rows})

        def answered(row: Cancellation) -> Outcome:
            transition = after_cancel(
                row.ambiguous_attempts, answers.get(row.order_id), same_key=row.sent_with(account)
            )
            return Outcome(row, transition, check_at[row.request_id])

        return _Answer([answered(row) for row in rows])

    async def _first_checks(self, account: Account, request_ids: Iterable[int]) -> dict[int, datetime]:
        """Return when to check what was sent. A list is sent first: an order that waits may slip away meanwhile.

        With its last orders the ledger makes its checks due; only should that take far too long they come in between.
        """
        now, waiting = self._clock(), dict[int, int]()
        try:
            waiting.update(await self._ledger.read.requests_to_send(account.id))
        except Exception:  # the panel has answered, and that must be written down: they are checked right away
            log.exception("what is left to send of account %d could not be read", account.id)
        calls = {request_id: groups_of(waiting.get(request_id, 0), MAX_BATCH) for request_id in request_ids}
        return {
            request_id: now + 2 * (self._gateway.earliest(account.id, left) - now) + _FIRST_CHECK_WAITS if left else now
            for request_id, left in calls.items()
        }

    def _pause_sending(self, account_id: int) -> None:
        """Begin no other cancel call of an account for a while: it would most likely fail as well."""
        failures = self._cancel_failures[account_id] = self._cancel_failures.get(account_id, 0) + 1
        pause = min(retry_after(failures, self._random), _LONGEST_PAUSE_OF_SENDING)
        self._sends_from[account_id] = self._clock() + pause

    async def _check_status(self, account: Account, key: SecretStr, rows: Sequence[Cancellation]) -> _Answer:
        call = partial(Panel.status, orders=[row.order_id for row in rows])
        answers = await self._gateway.call_paid(account, key, call)
        if isinstance(answers, NoAnswer):
            error = answers.error
            if isinstance(error, Refused):
                self._suspects.failed(account.id, rows, at_once=True)
                return _Answer(_unchanged(rows, self._clock()))
            failures = self._suspects.failed(account.id, rows) if error.may_have_acted else 0
            if failures and self._suspects.is_culprit(account.id, rows):  # the panel answers, but for this order
                return _Answer(_unchanged(rows, self._clock() + retry_after(failures, self._random)))
            pause, trouble = self._classify(account.id, answers)
            again = self._clock() + pause
            return _Answer(_unchanged(rows, again, failed=error.may_have_acted), trouble, answers.pauses)
        self._succeeded(account.id)
        self._suspects.answered(account.id, rows)
        seen = [self._seen(account, row, answers.get(row.order_id)) for row in rows]
        return _Answer(await self._planned(account.id, seen))

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

    def _classify(self, account_id: int, answer: NoAnswer) -> tuple[timedelta, Reason | None]:
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
                return self.fail(account_id, answer.error), answer.error.reason

    def fail(self, account_id: int, error: PanelError | None = None) -> timedelta:
        """Count a failure in a row, log the first, and return the pause before the next try."""
        self.progress.failed()
        failures = self._failures[account_id] = self._failures.get(account_id, 0) + 1
        if error and failures == 1:
            log.warning("account %d: %s; trying again with growing pauses", account_id, error)
        return retry_after(failures, self._random)

    def _succeeded(self, account_id: int) -> None:
        self.progress.succeeded()
        if self._failures.pop(account_id, 0):
            log.info("account %d: the panel answers again", account_id)

    async def _record(self, account: Account, answer: _Answer) -> None:
        """Write an answer down, however often it takes: what the panel has done must not be forgotten.

        Each try is dated anew: users have waited until then, and a message tells what no card could show in time.
        """
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

    async def _write(self, account: Account, answer: _Answer) -> None:
        refunds = await self._ledger.write_at_once(lambda tx: _recorded(tx, account, answer))
        self._ended_as([outcome.transition.state for outcome in answer.outcomes], refunds)


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


async def _started_and_claimed(tx: Writer, account: Account, most: int) -> tuple[int, list[Cancellation]]:
    await tx.check_lease(account.id)
    # What is claimed counts as sent with the key that is stored now.
    current = await tx.account(account.id)
    if current is None or current.key_sealed != account.key_sealed:
        raise _KeyReplaced
    started = await tx.start_orders(account.id, most)
    return started, await tx.claim_for_sending(account.id, most)


async def _recorded(tx: Writer, account: Account, answer: _Answer) -> list[Refund]:
    await tx.check_lease(account.id)
    refunds = await tx.record(account.id, answer.outcomes)
    await _stop_what_came_back(tx, answer.outcomes)
    is_new = await tx.set_trouble(account.id, answer.trouble)
    if answer.paused and await tx.pause(account, answer.paused):
        is_new = True
        await tx.notify(account, NoticeKind(answer.paused.value))
    if is_new:
        await tx.touch_account(account.id)
    return refunds


async def _stop_what_came_back(tx: Writer, outcomes: Iterable[Outcome]) -> None:
    """Withdraw what certainly did not go out of a list that was stopped meanwhile: the press did not reach it."""
    unsent = (
        one.cancellation
        for one in outcomes
        if one.transition.state is State.REQUESTED and not one.transition.ambiguous_attempts
    )
    for request_id in {order.request_id for order in unsent}:
        request = await tx.request(request_id)
        if request and not request.waiting and State.WITHDRAWN in await tx.groups_of_request(request_id):
            await tx.stop_request(request)
