"""Whatever users, panel, Discord, clock and power do, and in whatever order: the ledger keeps its promises."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.domain.accounts import AccountState
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Accepted, CancelRow, OrderReading, RowError, StatusRow
from bot.domain.polling import DRAFT_LIVES, EXPIRES_AFTER, OVERDUE_AFTER, may_resend
from bot.domain.states import TRANSITIONS, State, Transition, after_cancel, after_lost_call, after_status
from bot.ledger import (
    Cancellation,
    Ledger,
    MessageRef,
    Notice,
    NoticeKind,
    NotifyWhen,
    Outcome,
    Preferences,
    Report,
    Request,
    RequestState,
    SealedKey,
    SentMessage,
    Work,
    Writer,
    to_ms,
)
from tests.domain.test_states import RULED_OUT
from tests.invariants import OF_OTHERS, breaches
from tests.ledgers import ledger_in
from tests.postgres import Postgres
from tests.world import START, orders_of

KEYS = ((1001, "main"), (1001, "Second"), (1002, "main"))
ORDERS = ("ord_A", "ord_B", "ord_C", "ord_D")  # few, so that requests overlap
TOKEN_LIVES, MESSAGE_LIVES = timedelta(minutes=14), timedelta(minutes=55)
WATCHED_FOR = timedelta(minutes=1)
AT_ONCE = timedelta()  # when to act is the schedule's business; only lifetimes matter here
FINAL = OrderReading(OrderStatus.CANCELLED, "canceled")

orders = st.lists(st.sampled_from(ORDERS), min_size=1, unique=True)
counts = st.integers(1, len(ORDERS))
moments = st.sampled_from([timedelta(seconds=count) for count in (5, 20, 61)])
pauses = moments | moments | st.sampled_from((TOKEN_LIVES, MESSAGE_LIVES, OVERDUE_AFTER, EXPIRES_AFTER))
words = st.sampled_from((*RULED_OUT, "Cannot be cancelled (already completed)", "Cancellation already requested"))
fates = st.sampled_from(("answered", "answered", "answered", "lost", "not sent"))
errors = st.builds(RowError, words)
accepted = st.just(Accepted())
cancel_rows = accepted | accepted | st.none() | errors
status_rows = st.sampled_from([OrderReading(status, status.value) for status in OrderStatus]) | st.none() | errors


def one_each(rows: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Draw a row for every order that a call can name."""
    return st.lists(rows, min_size=len(ORDERS), max_size=len(ORDERS))


Source = Callable[["LedgerMachine"], Sequence[Any]]
Action = Callable[..., Coroutine[Any, Any, None]]


def found(query: str) -> Source:
    """Return a source of the ids that a query finds in the ledger."""
    return lambda machine: [id for (id,) in machine.sql(query)]


def late_calls(machine: "LedgerMachine") -> list[int]:
    """Return the calls of dead processes, unless their orders are under way anew: the ledger knows no call apart."""
    return [n for n, (_, rows) in enumerate(machine.late) if machine.under_way().isdisjoint(row.id for row in rows)]


def step(**drawn: st.SearchStrategy[Any] | Source) -> Callable[[Action], Any]:
    """Make a coroutine a rule; an argument is drawn from a strategy, or out of a source once that holds something.

    After each the worker goes on, which is what takes most of the time in life.
    """
    sources = [source for source in drawn.values() if not isinstance(source, st.SearchStrategy)]
    strategies = {name: out_of(one) if one in sources else one for name, one in drawn.items()}

    def decorate(work: Action) -> Any:
        @wraps(work)
        def run(machine: "LedgerMachine", more: st.DataObject, **values: Any) -> None:
            machine.loop.run(work(machine, **values))
            machine.loop.run(machine.work(more))

        ready = precondition(lambda machine: all(source(machine) for source in sources))
        return ready(rule(more=st.data(), **strategies)(run))

    return decorate


def out_of(source: Any) -> st.SearchStrategy[Any]:
    """Draw one thing out of a source."""
    return st.runner().flatmap(lambda machine: st.sampled_from(source(machine)))


def judged(rows: list[Cancellation], answers: list[CancelRow | None], same_key: dict[int, bool]) -> list[Transition]:
    """Return what the answers to a cancel call make of its rows; `same_key`: of each, sent with the key that calls."""
    pairs = zip(rows, answers, strict=False)
    return [after_cancel(row.ambiguous_attempts, answer, same_key=same_key[row.id]) for row, answer in pairs]


def checked_at(row: Cancellation, answer: StatusRow | None, now: datetime, same_key: dict[int, bool]) -> Outcome:
    """Return what an answer to a status call makes of a row."""
    reading = answer if isinstance(answer, OrderReading) else None
    resend = not row.given_up and may_resend(now, row.resends_at(now), row.running_checks)
    verdict = after_status(row.state, row.ambiguous_attempts, answer, same_key=same_key[row.id], may_resend=resend)
    return Outcome(row, verdict, now, reading, checked=reading is not None, failed=answer is None)


def ended_before_their_eyes(row: Cancellation) -> bool:
    """Tell whether an order ended while its user is taken to watch the card: all else is told by a message too."""
    return bool(row.ended_at and not row.queued_at and row.ended_at - row.created_at <= WATCHED_FOR)


DUE = """
    SELECT 'CARDS', 'card', id, card_due_at FROM requests WHERE card_due_at IS NOT NULL
    UNION ALL SELECT 'NOTICES', 'message', id, due_at FROM notices WHERE due_at IS NOT NULL
    UNION ALL SELECT 'NOTICES', 'edit', id, edit_at FROM notices
    WHERE edit_at IS NOT NULL AND state = 'delivered' AND channel_id IS NOT NULL
"""
unsettled = found(
    "SELECT account_id FROM cancellations WHERE ended_at IS NULL "
    "UNION SELECT account_id FROM requests WHERE waiting > 0 AND began_at IS NOT NULL"
)


def next_notices(machine: "LedgerMachine") -> list[int]:
    """Return the notice of each user that is to be sent next."""
    query = "SELECT MIN(id) FROM notices WHERE due_at <= ? GROUP BY user_id"
    return [id for (id,) in machine.sql(query, to_ms(machine.now))]


def messages_behind(machine: "LedgerMachine") -> list[int]:
    """Return the notices whose messages are to be edited now, or are being edited."""
    query = "SELECT id FROM notices WHERE edit_at <= ? AND state = 'delivered'"
    return [id for (id,) in machine.sql(query, to_ms(machine.now))]


undelivered_notices = found("SELECT id FROM notices WHERE state = 'kept'")


@dataclass(frozen=True, slots=True)
class PanelCall:
    """A call that is under way for an account: a cancel call, or a status check."""

    account_id: int
    sends: bool
    rows: list[Cancellation]


class LedgerMachine(RuleBasedStateMachine):
    """Two users on one ledger, and all that commands and loops have in hand beside it."""

    server: ClassVar[Postgres | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.loop = asyncio.Runner()
        self.stack = ExitStack()
        folder = self.stack.enter_context(TemporaryDirectory())
        self.below = self.stack.enter_context(ledger_in(Path(folder), self.server))
        self.late: list[tuple[int, list[Cancellation]]] = []  # calls of dead processes, whose answers may yet come
        self.sent: dict[int, datetime] = {}
        self.same_key: dict[int, bool] = {}  # as it was when the last call was begun
        self.ambiguous: dict[int, int] = {}  # last call ambiguous; how often checks have shown it running since
        self.questions: list[int] = []
        self.seen: set[int] = set()  # ended before their user's eyes, as far as the ledger has heard
        self.stands_in: defaultdict[int, set[int]] = defaultdict(set)  # in which messages an end stands, or may stand
        self.nonces: dict[int, str] = {}
        self.closed: dict[int, list[Any]] = {}
        self.woken: set[Work] = set()
        self.loop.run(self.start())
        for user_id, name in KEYS:
            self.loop.run(self.connect(user_id, name))

    async def start(self) -> None:
        """Open the ledger with nothing in hand, and begin where the last process has stopped."""
        self.calls: list[PanelCall] = []
        self.cards: dict[int, tuple[Request, list[Cancellation]]] = {}
        self.messages: dict[int, Report] = {}
        self.edits: dict[int, tuple[Notice, Notice]] = {}  # as they were before, and as they are being shown
        self.process = AsyncExitStack()
        self.ledger = await self.process.enter_async_context(Ledger.open(self.below.database, clock=lambda: self.now))
        for work in Work:
            self.ledger.when_due(work, partial(self.woken.add, work))
        async with self.write() as tx:
            await tx.recover_sending()
            await tx.pull_in(AT_ONCE)

    @asynccontextmanager
    async def write(self, turn_of: int | None = None) -> AsyncGenerator[Writer]:
        """Begin a transaction; once it is committed, the loops are woken for whatever is due sooner than before.

        But not for the account whose turn ends with it: when that is due is found after its turn.
        """
        before = await self.due()
        self.woken.clear()
        async with self.ledger.write() as tx:
            yield tx
            assert not self.woken
        after = await self.due()
        after.pop((Work.ORDERS, "account", turn_of or 0), None)
        sooner = {what[0] for what, at in after.items() if at < before.get(what, at + 1)}
        assert sooner <= self.woken

    async def due(self) -> dict[tuple[Work, str, int], int]:
        """Return when each account, card and notice is due."""
        rows = await self.ledger._engine.reader.rows(DUE, ())
        accounts = await self.ledger.read.accounts_due(self.now)
        return {(Work[work], what, id): at for work, what, id, at in rows} | {
            (Work.ORDERS, "account", a.id): to_ms(a.due_at) for a in accounts
        }

    async def connect(self, user_id: int, name: str) -> None:
        """Save a key."""
        async with self.write() as tx:
            account_id = await tx.place_account(user_id, name)
            await tx.save_key(
                SealedKey(account_id, b"sealed" + str(self.now).encode(), self.now, f"{account_id} {self.now}".encode())
            )

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database itself, past all of the bot's code."""
        return self.below.sql(query, *values)

    def ids(self, query: str) -> set[int]:
        """Return the ids that a query finds."""
        return {id for (id,) in self.sql(query)}

    def under_way(self) -> set[int]:
        """Return the cancellations that a call is trying to send."""
        return {row.id for call in self.calls if call.sends for row in call.rows}

    # What users do.

    @step(
        key=st.sampled_from(KEYS),
        what=st.sampled_from(("saved", "saved", "removed", "default", AccountState.REJECTED, AccountState.SUSPENDED)),
    )
    async def have_a_key(self, key: tuple[int, str], what: str) -> None:
        if what == "saved":
            await self.connect(*key)
            return
        accounts = {account.name: account for account in await self.ledger.read.accounts_of(key[0])}
        account = accounts.get(key[1])
        if not account:
            return
        async with self.write() as tx:
            if what == "removed":
                await tx.remove_key(account)
            elif what == "default":
                await tx.make_default(account)
            elif await tx.pause(account, AccountState(what)):
                await tx.notify(account, NoticeKind(what))
                await tx.touch_account(account.id)

    @step(
        account_id=found("SELECT id FROM accounts WHERE state = 'active'"),
        orders=orders,
        in_dm=st.booleans(),
    )
    async def request(self, account_id: int, orders: list[str], in_dm: bool) -> None:
        ask_first = len(orders) == len(ORDERS)
        async with self.write() as tx:
            account = await tx.account(account_id)
            card = self.card(in_dm=in_dm)
            request_id = await tx.add_request(account, orders, card, ask_first=ask_first, ignored=(), repeats=0)
        self.questions += [request_id] * ask_first

    def card(self, *, in_dm: bool = False) -> MessageRef:
        """Return a card made now: an interaction's, or a plain message of the bot's own."""
        return MessageRef(5, None, 7, None if in_dm else b"token", self.now + (MESSAGE_LIVES if in_dm else TOKEN_LIVES))

    @step(request_id=lambda machine: machine.questions, go=st.booleans())
    async def press_confirm_or_keep(self, request_id: int, go: bool) -> None:
        request = await self.ledger.read.request(request_id)
        assert request
        late = self.now - request.created_at > DRAFT_LIVES
        state = RequestState.EXPIRED if late else RequestState.ACTIVE if go else RequestState.DECLINED
        async with self.write() as tx:
            account = await tx.account(request.account_id)
            if state is not RequestState.ACTIVE or account.state is AccountState.ACTIVE:
                await tx.place_card(request_id, self.card())
                await tx.answer_request(request_id, state)

    @step(request_id=found("SELECT id FROM requests WHERE waiting > 0 AND began_at IS NOT NULL"))
    async def press_stop(self, request_id: int) -> None:
        async with self.write() as tx:
            await tx.place_card(request_id, self.card())
            request = await tx.request(request_id)
            assert request
            await tx.stop_request(request)
        assert self.sql("SELECT waiting FROM requests WHERE id = ?", request_id) == [(0,)]

    @step(account_id=unsettled)
    async def stop_watching(self, account_id: int) -> None:
        given_up = "SELECT id FROM cancellations WHERE state IN ('expired', 'withdrawn')"
        before = self.ids(given_up)
        async with self.write() as tx:
            counts = await tx.stop_watching(account_id)
        told = self.ids(given_up) - before
        assert sum(counts) == len(told)
        assert told.isdisjoint(self.ids("SELECT cancellation_id FROM notice_items WHERE kind = 'ended'"))
        open_still = self.sql("SELECT state FROM cancellations WHERE account_id = ? AND ended_at IS NULL", account_id)
        assert set(open_still) <= {("sending",)}
        self.seen |= told

    @step(account_id=found("SELECT id FROM accounts WHERE state = 'active'"))
    async def ask_for_a_look(self, account_id: int) -> None:
        asked = "SELECT checks_asked_at FROM accounts WHERE id = ?"
        before = self.sql(asked, account_id)
        async with self.write() as tx:
            begun = await tx.check_now(account_id, WATCHED_FOR)
        assert begun == (self.sql(asked, account_id) != before)

    @step(user_id=st.sampled_from([1001, 1002]), timing=st.sampled_from(NotifyWhen))
    async def choose(self, user_id: int, timing: NotifyWhen) -> None:
        async with self.write() as tx:
            await tx.save_preferences(user_id, Preferences(notify_when=timing))

    @step(user_id=found("SELECT user_id FROM accounts"))
    async def have_all_erased(self, user_id: int) -> None:
        others, accounts = self.rows_but_those_of(user_id), await self.ledger.read.accounts_of(user_id)
        async with self.write() as tx:
            await tx.begin_erasure(user_id)
            while await tx.erase_piece(user_id):
                pass
        assert self.rows_but_those_of(user_id) == others == self.rows_but_those_of(0)
        erased = {account.id for account in accounts}
        self.late += [(call.account_id, call.rows) for call in self.calls if call.account_id in erased]
        self.calls = [call for call in self.calls if call.account_id not in erased]
        self.seen &= self.ids("SELECT id FROM cancellations")
        self.questions = [id for id in self.questions if id in self.ids("SELECT id FROM requests")]
        self.closed = {id: lines for id, lines in self.closed.items() if id in self.ids("SELECT id FROM notices")}
        self.stands_in = defaultdict(set)
        await self.what_was_on_its_way_to_discord_arrives(others)

    def rows_but_those_of(self, user_id: int) -> dict[str, list[tuple[Any, ...]]]:
        """Return all that is in the ledger of anybody else."""
        return {table: self.sql(query, user_id) for table, query in OF_OTHERS.items()}

    async def what_was_on_its_way_to_discord_arrives(self, others: dict[str, list[tuple[Any, ...]]]) -> None:
        """Note cards and messages as shown of which there is nothing any more: that changes nothing."""
        for request_id in self.cards.keys() - self.ids("SELECT id FROM requests"):
            request, _ = self.cards.pop(request_id)
            async with self.write() as tx:
                await tx.card_shown(request, AT_ONCE)
                await tx.card_failed(request_id, AT_ONCE)
                await tx.card_gone(request)
        for notice_id in self.messages.keys() - self.ids("SELECT id FROM notices"):
            del self.messages[notice_id]
            async with self.write() as tx:
                assert await tx.begin_sending(notice_id, AT_ONCE) is None
                await tx.set_undelivered(notice_id, "late", pinged=False)
                await tx.notice_delivered(notice_id, 1_000, SentMessage(1, 2))
        for notice_id in self.edits.keys() - self.ids("SELECT id FROM notices"):
            before, begun = self.edits.pop(notice_id)
            async with self.write() as tx:
                assert await tx.begin_edit(before, AT_ONCE) is None
                await tx.edited(begun)
                await tx.edit_failed(before, AT_ONCE, may_have_acted=True)
                await tx.cannot_be_edited(begun)
        assert self.rows_but_those_of(0) == others

    @step(request_id=found("SELECT DISTINCT request_id FROM cancellations WHERE state = 'unknown' AND given_up = 1"))
    async def press_retry(self, request_id: int) -> None:
        async with self.write() as tx:
            await tx.place_card(request_id, self.card())
            await tx.retry_request(request_id)
        rows = await orders_of(self.ledger.read, request_id)
        assert not any(row.is_only_watched for row in rows)

    @step(notice_id=undelivered_notices)
    async def read_a_kept_message(self, notice_id: int) -> None:
        if report := await self.ledger.read.report_of(notice_id):
            await self.deliver(notice_id, report.last_line)

    @step(user_id=found("SELECT user_id FROM notices WHERE state = 'kept' GROUP BY user_id HAVING COUNT(*) > 1"))
    async def all_kept_messages_become_one(self, user_id: int) -> None:
        before = [
            line for notice in await self.ledger.read.undelivered_notices(user_id) for line in self.lines(notice.id)
        ]
        async with self.write() as tx:
            await tx.merge_undelivered(user_id)
        (left,) = await self.ledger.read.undelivered_notices(user_id)
        assert sorted(self.lines(left.id)) == sorted(before)
        notices = self.ids("SELECT id FROM notices")
        self.closed = {id: lines for id, lines in self.closed.items() if id in notices} | {left.id: self.lines(left.id)}

    # What the worker does: several calls at once for an account, each for orders that no other has.

    async def work(self, data: st.DataObject) -> None:
        """Let a few calls begin or end, in any order."""
        for _ in range(data.draw(st.integers(0, 3))):
            accounts = unsettled(self)
            if accounts and data.draw(st.booleans()):
                account_id = data.draw(st.sampled_from(accounts))
                await self.begin_a_call(account_id, data.draw(counts), checks_first=data.draw(st.booleans()))
            elif self.calls:
                call = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
                answers = data.draw(one_each(cancel_rows if call.sends else status_rows))
                await self.end_a_call(call, answers, data.draw(fates), data.draw(st.none() | counts))

    async def begin_a_call(self, account_id: int, most: int, *, checks_first: bool = False) -> None:
        """Take orders for a call, as a turn does that finds nothing else to do."""
        taken = 1
        while taken:
            async with self.write() as tx:
                taken = await self.take(tx, account_id, most, checks_first=checks_first)

    async def take(self, tx: Writer, account_id: int, most: int, *, checks_first: bool) -> int:
        """Claim what was requested, or else what is due and no other call asks about; return whether to look again."""
        account = await tx.account(account_id)
        if account is None or account.state is not AccountState.ACTIVE:
            return 0
        asked = {row.id for call in self.calls if not call.sends and call.account_id == account_id for row in call.rows}
        started, claimed = 0, list[Cancellation]()
        looks = await tx.due_checks(account_id, self.now, most, asked) if checks_first else []
        if not looks:
            started = await tx.start_orders(account_id, most)
            claimed = await tx.claim_for_sending(account_id, most)
        if not (looks or started or claimed):
            looks = await tx.due_checks(account_id, self.now, most, asked)
        if not (rows := claimed or looks):
            return started
        assert len(rows) <= most
        assert asked.isdisjoint(row.id for row in looks)
        for row in claimed:  # what may still be carried out is not sent again
            assert self.ambiguous.pop(row.id, 2) >= 2
            assert row.ambiguous_attempts == 0 or self.now - self.sent[row.id] >= timedelta(minutes=2)
            self.sent[row.id] = self.now
        self.calls.append(PanelCall(account_id, bool(claimed), rows))
        self.same_key |= {row.id: row.sent_with(account) for row in rows}
        return 0

    async def end_a_call(self, call: PanelCall, answers: list[Any], fate: str, next_call: int | None = None) -> None:
        """Record what a call led to; the turn may go on with orders for its next one."""
        rows = call.rows
        if not call.sends:
            pairs = zip(rows, answers, strict=False)
            outcomes = [checked_at(row, answer, self.now, self.same_key) for row, answer in pairs]
        else:
            if fate == "answered":
                verdicts = judged(rows, answers, self.same_key)
            else:
                verdicts = [after_lost_call(row.ambiguous_attempts, may_have_acted=fate == "lost") for row in rows]
            outcomes = [Outcome(*pair, self.now) for pair in zip(rows, verdicts, strict=True)]
            unclear = (outcome for outcome in outcomes if outcome.transition.state is State.UNKNOWN)
            self.ambiguous |= {outcome.cancellation.id: 0 for outcome in unclear}
        attempts = dict(self.sql("SELECT id, ambiguous_attempts FROM cancellations"))
        for row in (outcome.cancellation for outcome in outcomes if outcome.shows_running):
            if row.id in self.ambiguous and attempts.get(row.id) == row.ambiguous_attempts:
                self.ambiguous[row.id] += 1
        await self.record(call.account_id, outcomes, next_call)

    async def record(self, account_id: int, outcomes: list[Outcome], next_call: int | None = None) -> None:
        """Record outcomes, and take up to so many orders for the next call in the same transaction."""
        async with self.write(turn_of=account_id) as tx:
            await tx.record(account_id, outcomes)
            if next_call:
                await self.take(tx, account_id, next_call, checks_first=False)

    # What is delivered: one edit at a time for a card, and one message at a time for a user.

    @step(
        request_id=found("SELECT id FROM requests WHERE card_until > 0 OR card_due_at > 0"),
        how=st.sampled_from(("shown", "shown", "failed", "gone")),
    )
    async def a_card_is_edited(self, request_id: int, how: str) -> None:
        request, rows = self.cards.pop(request_id, (None, []))
        if not request:
            await self.begin_a_card(request_id)
            return
        async with self.write() as tx:
            if how == "shown":
                now = await tx.request(request_id)
                await tx.card_shown(request, AT_ONCE)
                if now and now.revision == request.revision:  # else the card is due again, and shows it then
                    self.seen |= {row.id for row in rows if ended_before_their_eyes(row)}
            elif how == "failed":
                await tx.card_failed(request_id, AT_ONCE)
            else:
                await tx.card_gone(request)

    async def begin_a_card(self, request_id: int) -> None:
        """Read what a card is to show, unless it has run out."""
        request = await self.ledger.read.request(request_id)
        assert request
        if request.card_until > self.now:
            self.cards[request_id] = request, await orders_of(self.ledger.read, request_id)
            return
        async with self.write() as tx:
            await tx.card_gone(request)

    @step(notice_id=next_notices, how=st.sampled_from(("delivered", "delivered", "postponed", "kept", "unheard")))
    async def a_message_is_sent(self, notice_id: int, how: str) -> None:
        report = self.messages.pop(notice_id, None)
        if not report:
            await self.begin_a_message(notice_id)
        elif how == "delivered":
            await self.deliver(notice_id, report.last_line, SentMessage(1, notice_id))
        elif how == "postponed":
            async with self.write() as tx:
                await tx.postpone_notice(notice_id, AT_ONCE, how)
        elif how == "kept":
            async with self.write() as tx:
                await tx.set_undelivered(notice_id, how, pinged=False)

    async def begin_a_message(self, notice_id: int) -> None:
        """Close a notice and read what it is to say, unless all of it was overtaken by events."""
        assert notice_id in [notice.id for notice in await self.ledger.read.notices_due(self.now)]
        sending = None
        async with self.write() as tx:
            if report := await tx.report_of(notice_id):
                sending = await tx.begin_sending(notice_id, AT_ONCE)
            else:
                await tx.notice_delivered(notice_id, report.last_line)
        if sending:
            self.messages[notice_id] = await self.ledger.read.report_of(notice_id)
            self.closed.setdefault(notice_id, self.lines(notice_id))

    async def deliver(self, notice_id: int, last_line: int, message: SentMessage | None = None) -> None:
        """Note that a user has these lines before their eyes, in a message or at a command."""
        async with self.write() as tx:
            await tx.notice_delivered(notice_id, last_line, message)
        self.shown(notice_id, last_line)
        self.closed[notice_id] = self.lines(notice_id, last_line)

    def shown(self, notice_id: int, last_line: int) -> None:
        """Note which ends a message is now known to show."""
        ended = [id for _, kind, id in self.lines(notice_id, last_line) if kind == NoticeKind.ENDED]
        self.seen.update(ended)
        for id in ended:
            self.stands_in[id].add(notice_id)

    @step(notice_id=messages_behind, how=st.sampled_from(("shown", "shown", "refused", "unclear", "gone", "died")))
    async def a_message_is_edited(self, notice_id: int, how: str) -> None:
        if notice_id not in self.edits:
            await self.begin_an_edit(notice_id)
        elif how != "died":
            await self.end_an_edit(notice_id, how)

    async def begin_an_edit(self, notice_id: int) -> None:
        """Settle what a message is to show, which it may do from now on."""
        before = await self.ledger.read.notice(notice_id)
        assert before
        async with self.write() as tx:
            begun = await tx.begin_edit(before, AT_ONCE)
        assert begun
        self.edits[notice_id] = before, begun
        assert (await self.ledger.read.report_of(notice_id)).last_line == begun.tried_item
        self.closed[notice_id] = self.lines(notice_id, begun.tried_item or 0)

    async def end_an_edit(self, notice_id: int, how: str) -> None:
        """Note what came of an edit; one that is unclear may have taken effect."""
        before, begun = self.edits.pop(notice_id)
        tried = begun.tried_item or 0
        async with self.write() as tx:
            if how == "shown":
                await tx.edited(begun)
            elif how == "gone":
                await tx.cannot_be_edited(begun)
            else:
                await tx.edit_failed(before, AT_ONCE, may_have_acted=how == "unclear")
        if how == "shown":
            self.shown(notice_id, tried)
        elif how == "unclear":
            for _, _, id in self.lines(notice_id, tried):
                self.stands_in[id].add(notice_id)
        elif how == "gone":
            for standing in self.stands_in.values():
                standing.discard(notice_id)
            self.closed[notice_id] = self.lines(notice_id)
        else:
            self.closed[notice_id] = self.lines(notice_id, before.tried_item or 0)

    # What just happens, minute by minute or any time.

    @step(pause=pauses, awake=st.booleans())
    async def time_passes(self, pause: timedelta, awake: bool) -> None:
        self.now += pause
        if awake:
            await self.sweep()

    async def sweep(self) -> None:
        """Do what is done once a minute."""
        async with self.write() as tx:
            await tx.expire_old()
            await tx.notify_overdue()
            await tx.enqueue_all_notifications()
        async with self.write() as tx:
            await tx.expire_cards()
            await tx.expire_requests()

    @precondition(lambda machine: machine.calls or machine.cards or machine.messages or machine.edits)
    @step()
    async def the_process_dies(self) -> None:
        await self.die()

    async def die(self) -> None:
        """End without a word, and begin again with nothing in hand."""
        self.late += [(call.account_id, call.rows) for call in self.calls if call.sends]
        self.ambiguous |= dict.fromkeys(self.under_way(), 0)
        await self.process.aclose()
        await self.start()

    @step(call=late_calls, answers=one_each(cancel_rows))
    async def an_answer_comes_too_late(self, call: int, answers: list[CancelRow | None]) -> None:
        account_id, rows = self.late.pop(call)
        before = self.rows_but_those_of(0)["cancellations"]
        outcomes = zip(rows, judged(rows, answers, self.same_key), strict=True)
        await self.record(account_id, [Outcome(row, verdict, self.now) for row, verdict in outcomes])
        assert self.rows_but_those_of(0)["cancellations"] == before

    # What holds at any time.

    @invariant()
    def the_ledger_keeps_its_promises(self) -> None:
        assert breaches(self.sql) == {}
        assert self.ids("SELECT id FROM cancellations WHERE state = 'sending'") == self.under_way()
        assert self.ids("SELECT id FROM cancellations WHERE notified_at IS NOT NULL") == self.seen
        self.every_step_was_legal_and_the_last_is_the_state()
        self.every_notice_keeps_its_nonce_and_once_begun_its_lines()

    def every_step_was_legal_and_the_last_is_the_state(self) -> None:
        last: dict[int, str] = {}
        for id, before, after in self.sql("SELECT cancellation_id, from_state, to_state FROM transitions ORDER BY id"):
            assert before == last.get(id)
            assert after in TRANSITIONS[State(before)] if before else after in (State.REQUESTED, State.WITHDRAWN)
            last[id] = after
        assert last == dict(self.sql("SELECT id, state FROM cancellations"))

    def every_notice_keeps_its_nonce_and_once_begun_its_lines(self) -> None:
        for id, nonce in self.sql("SELECT id, nonce FROM notices"):
            assert self.nonces.setdefault(id, nonce) == nonce
        living = self.ids("SELECT id FROM notices WHERE request_id IS NOT NULL")
        for id, lines in self.closed.items():
            now = self.lines(id)
            assert (now[: len(lines)] if id in living else now) == lines

    def lines(self, notice_id: int, last: int = 2**62) -> list[tuple[Any, ...]]:
        """Return what is written in a notice, up to its last line or that one."""
        query = "SELECT id, kind, cancellation_id FROM notice_items WHERE notice_id = ? AND id <= ? ORDER BY id"
        return self.sql(query, notice_id, last)

    # How it ends.

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:  # else a step has failed already
                self.loop.run(self.drive_to_the_end())
                self.check_the_end()
        finally:
            self.loop.run(self.process.aclose())
            self.loop.close()
            self.stack.close()

    async def drive_to_the_end(self) -> None:
        """Let everybody connect, the panel answer everything, all cards run out and all messages arrive."""
        await self.die()
        for user_id, name in KEYS:
            await self.connect(user_id, name)
        while accounts := unsettled(self):  # calls for what was requested, and then a look at all that is open
            account_id = accounts[0]
            await self.begin_a_call(account_id, len(ORDERS))
            for call in self.calls:
                await self.end_a_call(call, [Accepted() if call.sends else FINAL] * len(ORDERS), "answered")
            self.calls.clear()
        self.now += MESSAGE_LIVES
        await self.sweep()
        for request_id in self.ids("SELECT id FROM requests WHERE card_due_at IS NOT NULL"):
            await self.begin_a_card(request_id)
        await self.sweep()
        for notice_id in undelivered_notices(self):
            if report := await self.ledger.read.report_of(notice_id):
                await self.deliver(notice_id, report.last_line)
        while self.sql("SELECT 1 FROM notices WHERE due_at IS NOT NULL OR edit_at IS NOT NULL"):
            while notices := next_notices(self):
                await self.begin_a_message(notices[0])
                if report := self.messages.pop(notices[0], None):
                    await self.deliver(notices[0], report.last_line, SentMessage(1, notices[0]))
            while behind := messages_behind(self):
                await self.begin_an_edit(behind[0])
                await self.end_an_edit(behind[0], "shown")
            self.now += timedelta(days=1)

    def check_the_end(self) -> None:
        """Everything has ended, and every end was told, in one message at most."""
        assert self.sql("SELECT id, state FROM cancellations WHERE ended_at IS NULL OR notified_at IS NULL") == []
        assert [id for id, messages in self.stands_in.items() if len(messages) > 1] == []
        self.the_ledger_keeps_its_promises()


LedgerMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


class TestInFile(LedgerMachine.TestCase):
    """On SQLite."""


class TestInPostgres(LedgerMachine.TestCase):
    """On PostgreSQL."""

    @pytest.fixture(autouse=True)
    def _server(self, postgres: Postgres) -> Generator[None]:
        LedgerMachine.server = postgres
        yield
        LedgerMachine.server = None
