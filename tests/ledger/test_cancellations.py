"""One open cancellation an order, every step on record, nothing sent twice."""

from datetime import timedelta
from itertools import pairwise

import pytest

from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading
from bot.domain.states import State, Transition
from bot.ledger import NoticeKind, Outcome, SealedKey
from bot.ledger.requests import _ORDERS_AT_ONCE
from bot.panel import CALL_DEADLINE, MAX_BATCH
from tests.ledger.ledger_case import ANN, KEY, LATER, LedgerCase, ask, claim, connect
from tests.world import START, orders_of

HOUR = timedelta(hours=1)


async def test_a_second_request_joins_what_is_open(ledger_case: LedgerCase) -> None:
    one = await ledger_case.ask("ord_A", "ord_B")
    two = await ledger_case.ask("ord_B", "ord_C")
    first, second = [await orders_of(ledger_case.ledger.read, request) for request in (one, two)]
    assert [row.order_id for row in first] == ["ord_A", "ord_B"]
    assert [row.order_id for row in second] == ["ord_B", "ord_C"]
    assert first[1] == second[0]
    assert first[1].request_id == one
    assert len(await ledger_case.claim()) == 3


@pytest.mark.parametrize("state", [State.ACCEPTED, State.UNKNOWN])
async def test_what_is_under_way_is_joined_in_every_open_state(ledger_case: LedgerCase, state: State) -> None:
    await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", state)
    again = await ledger_case.ask("ord_A")
    assert [row.state for row in await orders_of(ledger_case.ledger.read, again)] == [state]
    assert await ledger_case.claim() == []


async def test_a_cancelled_order_is_joined_and_never_sent_again(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.ACCEPTED, State.CANCELLED)
    again = await ledger_case.ask("ord_A")
    assert [row.state for row in await orders_of(ledger_case.ledger.read, again)] == [State.CANCELLED]
    assert await ledger_case.claim() == []


not_cancelled = pytest.mark.parametrize(
    "way", [[State.REFUSED], [State.ACCEPTED, State.FAILED], [State.ACCEPTED, State.PARTIAL]], ids=lambda w: w[-1]
)


@not_cancelled
async def test_what_ended_otherwise_is_tried_again(ledger_case: LedgerCase, way: list[State]) -> None:
    await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", *way)
    again = await ledger_case.ask("ord_A", now=LATER)
    (row,) = await orders_of(ledger_case.ledger.read, again)
    assert (row.state, row.request_id) == (State.REQUESTED, again)
    assert [row.order_id for row in await ledger_case.claim(LATER)] == ["ord_A"]


@not_cancelled
async def test_what_was_asked_for_while_it_was_open_is_not_sent_when_its_turn_comes(
    ledger_case: LedgerCase, way: list[State]
) -> None:
    async with ledger_case.ledger.write() as tx:
        first = await ask(tx, ledger_case.account, "ord_A")
        again = await ask(tx, ledger_case.account, "ord_A", "ord_B")
        await claim(tx, ledger_case.account, most=1)  # the other waits its turn
    for state in way:
        await ledger_case.record(await ledger_case.newest("ord_A"), state)
    assert [row.order_id for row in await ledger_case.claim()] == ["ord_B"]
    linked, own = await orders_of(ledger_case.ledger.read, again)
    assert (linked.state, linked.request_id) == (way[-1], first)
    assert own.request_id == again


async def test_what_was_refused_under_a_key_that_was_replaced_is_sent_with_the_new_one(ledger_case: LedgerCase) -> None:
    async with ledger_case.ledger.write() as tx:
        first = await ask(tx, ledger_case.account, "ord_A")
        again = await ask(tx, ledger_case.account, "ord_A", "ord_B")
        await claim(tx, ledger_case.account, most=1)  # the other waits its turn
    await ledger_case.record(await ledger_case.newest("ord_A"), State.REFUSED)
    async with ledger_case.at(LATER) as tx:
        await tx.save_key(SealedKey(ledger_case.account.id, b"another key", LATER, b"another"))
    assert [row.order_id for row in await ledger_case.claim(LATER)] == ["ord_A", "ord_B"]
    assert [row.request_id for row in await orders_of(ledger_case.ledger.read, again)] == [again, again]
    assert [row.state for row in await orders_of(ledger_case.ledger.read, first)] == [State.REFUSED]


async def test_what_was_stopped_is_sent_for_the_next_request_that_waits_for_it(ledger_case: LedgerCase) -> None:
    async with ledger_case.ledger.write() as tx:
        first = await ask(tx, ledger_case.account, "ord_A")
        again = await ask(tx, ledger_case.account, "ord_A")
        request = await tx.request(first)
        assert request
        await tx.stop_request(request)
    assert [(row.order_id, row.request_id) for row in await ledger_case.claim()] == [("ord_A", again)]
    assert [row.state for row in await orders_of(ledger_case.ledger.read, first)] == [State.WITHDRAWN]


async def test_the_database_itself_refuses_a_second_open_cancellation(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    async with ledger_case.ledger.write() as tx:
        other = await connect(tx, ANN, KEY, name="other")
    for account_id in (ledger_case.account.id, other.id):
        with pytest.raises(ledger_case.below.refuses):
            ledger_case.sql(
                "INSERT INTO cancellations"
                " (request_id, account_id, user_id, order_id, state, created_at, changed_at, due_at) "
                "SELECT request_id, CAST(? AS BIGINT), user_id, order_id, 'requested', 0, 0, 0 FROM cancellations",
                account_id,
            )


async def test_the_database_itself_refuses_a_cancellation_of_nobody(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    with pytest.raises(ledger_case.below.refuses):
        ledger_case.sql(
            "INSERT INTO cancellations (request_id, account_id, order_id, state, created_at, changed_at, due_at) "
            "SELECT request_id, account_id, 'ord_B', 'requested', 0, 0, 0 FROM cancellations"
        )


async def test_another_user_with_the_same_order_has_a_cancellation_of_their_own(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    async with ledger_case.ledger.write() as tx:
        bob = await connect(tx, ANN + 1, KEY)
        await ask(tx, bob, "ord_A")
        await claim(tx, bob)
    assert ledger_case.sql("SELECT COUNT(*), COUNT(DISTINCT account_id) FROM cancellations") == [(2, 2)]


async def test_a_question_sends_nothing_until_it_is_confirmed(ledger_case: LedgerCase) -> None:
    async with ledger_case.ledger.write() as tx:
        request_id = await ask(tx, ledger_case.account, "ord_A", first=True)
    assert await ledger_case.claim() == []
    request = await ledger_case.ledger.read.request(request_id)
    assert request
    assert (request.orders, request.waiting) == (1, 1)
    assert await ledger_case.ledger.read.waiting_orders(request_id) == ["ord_A"]


async def test_every_step_leaves_a_row(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.ACCEPTED, State.QUEUED, State.QUEUED, State.CANCELLED)
    ways = ["requested", "sending", "accepted", "queued", "cancelled"]
    assert ledger_case.steps("ord_A") == [(None, "requested"), *pairwise(ways)]


async def test_an_answer_that_comes_too_late_changes_nothing(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    (stale,) = await ledger_case.claim()
    await ledger_case.record(stale, State.ACCEPTED)
    await ledger_case.record(stale, State.REFUSED)
    assert (await ledger_case.newest("ord_A")).state is State.ACCEPTED


async def test_a_claim_is_on_disk_before_its_rows_are_in_hand(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A", "ord_B")
    rows = await ledger_case.claim()
    assert [(row.order_id, row.state) for row in rows] == [("ord_A", State.SENDING), ("ord_B", State.SENDING)]
    assert ledger_case.sql("SELECT state FROM cancellations") == [("sending",), ("sending",)]
    assert await ledger_case.claim() == []


async def test_a_claim_takes_no_more_than_a_batch(ledger_case: LedgerCase) -> None:
    await ledger_case.ask(*(f"ord_{n}" for n in range(5)))
    async with ledger_case.ledger.write() as tx:
        assert len(await claim(tx, ledger_case.account, 2)) == 2
    assert ledger_case.sql("SELECT COUNT(*) FROM cancellations WHERE state = 'sending'") == [(2,)]


async def test_orders_that_are_to_be_sent_again_take_no_room_in_the_call_of_a_new_list(ledger_case: LedgerCase) -> None:
    await ledger_case.ask(*(f"ord_again{n}" for n in range(100)))
    await ledger_case.claim()
    async with ledger_case.ledger.write() as tx:
        await tx.recover_sending()
        rows = await tx.due_checks(ledger_case.account.id, START, 100)
        again = [Outcome(row, Transition(State.REQUESTED, row.ambiguous_attempts), START) for row in rows]
        await tx.record(ledger_case.account.id, again)
        await ask(tx, ledger_case.account, *(f"ord_new{n}" for n in range(50)))
    assert [row.order_id for row in await ledger_case.claim()] == [f"ord_new{n}" for n in range(50)]
    assert len(await ledger_case.claim()) == 10


async def test_an_order_was_pending_when_the_panel_said_so_however_late_that_is_written_down(
    ledger_case: LedgerCase,
) -> None:
    await ledger_case.ask("ord_A")
    row = await ledger_case.lead("ord_A", State.UNKNOWN)
    pending = OrderReading(OrderStatus.PENDING, "pending")
    async with ledger_case.at(LATER) as tx:
        again = Outcome(row, Transition(State.REQUESTED, 1), LATER, pending, checked=True, seen_at=START)
        await tx.record(ledger_case.account.id, [again])
    assert (await ledger_case.newest("ord_A")).pending_at == START


async def test_what_a_dead_process_was_sending_is_unclear_and_doubted(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    await ledger_case.claim()
    await ledger_case.ask("ord_B")
    async with ledger_case.at(LATER) as tx:
        assert await tx.recover_sending() == 1
    ours, other = await ledger_case.newest("ord_A"), await ledger_case.newest("ord_B")
    assert (ours.state, ours.ambiguous_attempts) == (State.UNKNOWN, 1)
    assert (other.state, other.ambiguous_attempts) == (State.REQUESTED, 0)
    assert [row.order_id for row in await ledger_case.ledger.read.due_checks(ledger_case.account.id, LATER, 9)] == [
        "ord_A"
    ]


async def test_what_was_being_sent_with_a_removed_key_ends_with_the_process_and_is_told(
    ledger_case: LedgerCase,
) -> None:
    await ledger_case.ask("ord_A")
    await ledger_case.claim()
    async with ledger_case.at(LATER) as tx:
        await tx.remove_key(ledger_case.account)
    assert (await ledger_case.newest("ord_A")).state is State.SENDING
    async with ledger_case.at(LATER + timedelta(hours=1)) as tx:
        await tx.recover_sending()
        await tx.expire_cards()
    assert (await ledger_case.newest("ord_A")).state is State.EXPIRED
    assert ledger_case.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_removing_a_key_ends_what_needs_it(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.ACCEPTED)
    await ledger_case.ask("ord_B")
    async with ledger_case.at(LATER) as tx:
        await tx.remove_key(ledger_case.account)
    states = {order: (await ledger_case.newest(order)).state for order in ("ord_A", "ord_B")}
    assert states == {"ord_A": State.EXPIRED, "ord_B": State.WITHDRAWN}
    assert await ledger_case.ledger.read.accounts_due(LATER) == []


async def test_what_is_being_sent_is_due_for_nobody_while_a_call_may_take(ledger_case: LedgerCase) -> None:
    due = ledger_case.ledger.read.accounts_due
    await ledger_case.ask("ord_A", "ord_B")
    if ledger_case.ledger.is_shared:
        async with ledger_case.at(START) as tx:
            assert await tx.take_account(ledger_case.account.id)
    (row, _) = await ledger_case.claim()
    lost_at = START + timedelta(seconds=CALL_DEADLINE)  # unless whoever was at it has died
    assert [(one.urgent_at, one.due_at) for one in await due(LATER)] == [(None, lost_at)]
    await ledger_case.record(row, State.ACCEPTED)  # beside another that is still being sent
    assert [(one.urgent_at, one.due_at) for one in await due(LATER)] == [(LATER, LATER)]
    checked = Outcome(await ledger_case.newest("ord_A"), Transition(State.QUEUED, 0), LATER + HOUR, checked=True)
    async with ledger_case.at(LATER) as tx:
        await tx.record(ledger_case.account.id, [checked])
    assert [(one.urgent_at, one.due_at) for one in await due(LATER)] == [(None, lost_at)]
    await ledger_case.record(await ledger_case.newest("ord_B"), State.REFUSED)
    assert [(one.urgent_at, one.due_at) for one in await due(LATER)] == [(None, LATER + HOUR)]


@pytest.mark.parametrize("count", [1, 63, 64, 100])
async def test_of_many_that_are_recorded_together_each_gets_its_own(ledger_case: LedgerCase, count: int) -> None:
    await ledger_case.ask(*(f"ord_{n}" for n in range(count)))
    sent = await ledger_case.claim()
    readings = [OrderReading(OrderStatus.IN_PROGRESS, f"word {row.id}", charge=f"{row.id}.00") for row in sent]
    outcomes = [
        Outcome(row, Transition(State.QUEUED if row.id % 3 else State.ACCEPTED, 0), LATER, reading, checked=True)
        for row, reading in zip(sent, readings, strict=True)
    ]
    async with ledger_case.at(LATER) as tx:
        await tx.record(ledger_case.account.id, outcomes)
    found = {row.order_id: row for row in await ledger_case.ledger.read.due_checks(ledger_case.account.id, LATER, 100)}
    for row in sent:
        recorded = found[row.order_id]
        assert recorded.state is (State.QUEUED if row.id % 3 else State.ACCEPTED)
        assert (recorded.status_word, recorded.charge_last) == (f"word {row.id}", f"{row.id}.00")
        assert ledger_case.steps(row.order_id)[-1] == (State.SENDING, recorded.state)


async def test_a_list_that_waits_hides_none_of_the_orders_before_it(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_before")
    await ledger_case.lead("ord_before", State.REFUSED)
    async with ledger_case.ledger.write() as tx:
        await ask(tx, ledger_case.account, *(f"ord_{n}" for n in range(2_000)))
    found = await ledger_case.ledger.read.recent_orders(ledger_case.account.id, "", 25)
    assert [order.order_id for order in found] == ["ord_before"]


async def test_an_open_order_is_recent_however_many_have_ended_since(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_open")
    await ledger_case.lead("ord_open", State.ACCEPTED, State.QUEUED)
    await ledger_case.ask(*(f"ord_{n}" for n in range(600)))
    while rows := await ledger_case.claim():
        for row in rows:
            await ledger_case.record(row, State.REFUSED)
    found = await ledger_case.ledger.read.recent_orders(ledger_case.account.id, "", 3)
    assert found[0].order_id == "ord_open"
    assert len(found) == 3
    assert [
        order.order_id for order in await ledger_case.ledger.read.recent_orders(ledger_case.account.id, "OPEN", 3)
    ] == ["ord_open"]


async def test_what_is_sent_again_lets_checks_and_short_requests_go_first(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_doubtful")
    (row,) = await ledger_case.claim()
    async with ledger_case.at(LATER) as tx:
        await tx.recover_sending()
    unknown = await ledger_case.ledger.read.due_checks(ledger_case.account.id, LATER, 1)
    async with ledger_case.ledger.write() as tx:
        await tx.record(ledger_case.account.id, [Outcome(unknown[0], Transition(State.REQUESTED, 1), LATER)])
    assert (await ledger_case.newest("ord_doubtful")).id == row.id
    assert await ledger_case.ledger.read.fewest_to_send(ledger_case.account.id, LATER) > MAX_BATCH
    await ledger_case.ask("ord_new", now=LATER)
    assert await ledger_case.ledger.read.fewest_to_send(ledger_case.account.id, LATER) == 0
    assert [one.order_id for one in await ledger_case.claim(LATER)] == ["ord_new"]
    assert [one.order_id for one in await ledger_case.claim(LATER)] == ["ord_doubtful"]


async def test_a_list_that_takes_several_statements_keeps_its_order(ledger_case: LedgerCase) -> None:
    orders = [f"ord_{number}" for number in range(_ORDERS_AT_ONCE + 2)]
    request = await ledger_case.ask(*orders)
    assert [row.order_id for row in await orders_of(ledger_case.ledger.read, request)] == orders
