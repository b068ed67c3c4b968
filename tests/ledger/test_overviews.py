"""What stands on record by request, on both engines: each order counted once, money summed exactly."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.polling import OVERDUE_AFTER
from bot.domain.states import State
from bot.ledger import Checked, Money, Past, RequestTally
from tests.ledger.ledger_case import LATER, LedgerCase
from tests.world import START

ALWAYS = Past(START - timedelta(days=1), None)


async def test_each_open_order_counts_once_with_the_request_that_holds_it(ledger_case: LedgerCase) -> None:
    first = await ledger_case.ask("ord_A", "ord_B")
    second = await ledger_case.ask("ord_B", "ord_C", now=LATER)
    found = await ledger_case.ledger.read.open_by_request([ledger_case.account.id], LATER)
    assert found == [
        RequestTally(first, ledger_case.account.id, START, 2, {State.REQUESTED: 2}, START),
        RequestTally(second, ledger_case.account.id, LATER, 2, {State.REQUESTED: 1}, LATER),
    ]
    late = START + OVERDUE_AFTER + timedelta(seconds=1)
    found = await ledger_case.ledger.read.open_by_request([ledger_case.account.id], late)
    assert [(one.id, one.overdue) for one in found] == [(first, 2), (second, 0)]


async def test_how_orders_ended_is_told_by_request(ledger_case: LedgerCase) -> None:
    request = await ledger_case.ask("ord_A", "ord_B")
    await ledger_case.lead("ord_A", State.ACCEPTED, State.CANCELLED)
    read = ledger_case.ledger.read
    (found,) = await read.history_by_request([ledger_case.account.id], ALWAYS)
    assert (found.id, found.orders, found.states) == (request, 2, {State.CANCELLED: 1})
    assert await read.history_by_request([ledger_case.account.id], Past(LATER + timedelta(seconds=1), None)) == []
    assert await read.history_by_request([ledger_case.account.id], Past(START, State.FAILED)) == []


@pytest.mark.parametrize(
    ("charges", "sums"),
    [
        ([("12.5", "12"), ("0.00000001", "0")], [Money(Decimal("0.50000001"), "USD", 2)]),
        ([("3", "2.99999999"), ("10", "0.5")], [Money(Decimal("9.50000001"), "USD", 2)]),
        ([("999999999999.99999999", "0")] * 3, [Money(Decimal("2999999999999.99999997"), "USD", 3)]),
        ([("1234567890123", "1")], []),
        ([("1.1", "1.05")], [Money(Decimal("0.05"), "USD", 1)]),
    ],
)
async def test_what_came_back_is_summed_exactly(
    ledger_case: LedgerCase, charges: list[tuple[str, str]], sums: list[Money]
) -> None:
    for number, (first, last) in enumerate(charges):
        await ledger_case.ask(f"ord_{number}")
        row = await ledger_case.lead(f"ord_{number}", State.ACCEPTED, State.CANCELLED)
        ledger_case.below.sql(
            "UPDATE cancellations SET charge_first = ?, charge_last = ?, currency = 'USD', refund = 'charge' "
            "WHERE id = ?",
            first,
            last,
            row.id,
        )
    assert await ledger_case.ledger.read.money_of_history([ledger_case.account.id], ALWAYS) == sums


async def test_an_order_that_ended_twice_is_known_to(ledger_case: LedgerCase) -> None:
    read = ledger_case.ledger.read
    for state in (State.FAILED, State.PARTIAL):
        await ledger_case.ask("ord_A", now=LATER)
        await ledger_case.lead("ord_A", State.ACCEPTED, state)
    assert await read.count_ended_again([ledger_case.account.id], ALWAYS) == 1
    assert await read.count_ended_again([ledger_case.account.id], Past(START, State.FAILED)) == 0


async def test_what_a_check_has_found_since_is_counted(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A", "ord_B")
    await ledger_case.lead("ord_A", State.ACCEPTED)
    read, ids = ledger_case.ledger.read, [ledger_case.account.id]
    assert await read.checked_since(ids, START) == Checked(0, 0, 0, 1)
    assert await read.is_being_checked(ids[0], LATER)
