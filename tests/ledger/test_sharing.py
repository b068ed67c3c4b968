"""Processes that share a ledger: each account is one's at a time, and whoever loses it can neither claim nor write."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from bot.domain.accounts import AccountState
from bot.domain.reasons import Reason
from bot.domain.states import State, Transition
from bot.ledger import DEAD_AFTER, SURE_FOR, WIRE_CLEAR_AFTER, LeaseLost, Ledger, Outcome, Preview, PreviewState, Writer
from bot.panel import CALL_DEADLINE
from bot.workers.leases import Leases
from bot.workers.turns import Answer, claimed, recorded
from tests.ledger.ledger_case import ANN, CARD_ENDS, KEY, LATER, WINDOW, LedgerCase, ask, connect, opened
from tests.ledgers import InPostgres
from tests.world import Clock

SEEN_AGO = "UPDATE processes SET seen_at = now_here() - 1000 * CAST(? AS BIGINT) WHERE id = ?"


class Pair:
    """One ledger as two processes have it open, with one account that has an order to be sent."""

    def __init__(self, ledger_case: LedgerCase, one: Ledger, other: Ledger) -> None:
        self.ledger_case, self.one, self.other = ledger_case, one, other

    async def claim(self, ledger: Ledger) -> list[str]:
        """Claim what is to be sent, as a process's worker does."""

        async def claim(tx: Writer) -> list[str]:
            await tx.check_lease(self.ledger_case.account.id)
            return [row.order_id for row in (await claimed(tx, self.ledger_case.account, 100)).orders]

        return await ledger.write_at_once(claim)

    async def take(self, ledger: Ledger) -> bool:
        """Take the account."""
        async with ledger.write() as tx:
            return await tx.take_account(self.ledger_case.account.id)

    async def state(self) -> State:
        """Return how the order stands."""
        return (await self.ledger_case.newest("ord_A")).state

    def dies(self, ledger: Ledger, seconds: int = WIRE_CLEAR_AFTER) -> None:
        """Let a process not be seen for so long: by default until none of its calls can be on its way."""
        self.ledger_case.sql(SEEN_AGO, seconds, ledger.process)

    def leases(self, ledger: Ledger) -> Leases:
        """Return a process's own view of what it may work on."""
        return Leases(ledger)


@pytest.fixture
async def pair(base: InPostgres) -> AsyncGenerator[Pair]:
    """Two processes on a ledger."""
    clock = Clock(LATER)
    async with opened(base.database, clock, shards=[0]) as one, opened(base.database, clock, shards=[1]) as other:
        async with one.write() as tx:
            account = await connect(tx, ANN, KEY)
            await ask(tx, account, "ord_A")
        yield Pair(LedgerCase(base, one, account, clock), one, other)


async def test_an_account_is_one_process_s_at_a_time(pair: Pair) -> None:
    assert await pair.take(pair.one)
    assert await pair.take(pair.one)
    assert not await pair.take(pair.other)
    due = pair.one.read.accounts_due
    assert [row.id for row in await due(LATER)] == [pair.ledger_case.account.id]
    assert await pair.other.read.accounts_due(LATER) == []


async def test_of_two_that_reach_for_it_at_once_one_gets_it(pair: Pair) -> None:
    taken = await asyncio.gather(*(pair.take(ledger) for ledger in (pair.one, pair.other) * 5))
    assert sum(taken) == 5


async def test_without_a_lease_nothing_is_claimed(pair: Pair) -> None:
    with pytest.raises(LeaseLost):
        await pair.claim(pair.one)
    await pair.take(pair.other)
    with pytest.raises(LeaseLost):
        await pair.claim(pair.one)
    assert pair.ledger_case.sql("SELECT COUNT(*) FROM cancellations") == [(0,)]
    assert await pair.claim(pair.other) == ["ord_A"]


async def test_the_account_of_a_dead_process_is_taken_over_and_what_it_was_sending_is_unknown(pair: Pair) -> None:
    await pair.take(pair.one)
    assert await pair.claim(pair.one) == ["ord_A"]
    assert not await pair.take(pair.other)
    assert await pair.state() is State.SENDING
    pair.dies(pair.one)
    (due,) = await pair.other.read.accounts_due(LATER)
    assert (due.id, due.due_at) == (pair.ledger_case.account.id, LATER)
    assert await pair.take(pair.other)
    assert await pair.state() is State.UNKNOWN


def test_a_call_is_over_before_anybody_takes_over_what_it_was_about() -> None:
    begun_at_the_latest = SURE_FOR
    assert begun_at_the_latest + CALL_DEADLINE < WIRE_CLEAR_AFTER
    assert SURE_FOR < DEAD_AFTER < WIRE_CLEAR_AFTER


@pytest.mark.parametrize("seen_ago", [DEAD_AFTER - 2, DEAD_AFTER + 1, WIRE_CLEAR_AFTER - 3, WIRE_CLEAR_AFTER + 1])
@pytest.mark.parametrize("sending", [False, True])
async def test_what_may_be_on_its_way_is_taken_over_later_than_all_else(
    pair: Pair, sending: bool, seen_ago: int
) -> None:
    await pair.take(pair.one)
    if sending:
        await pair.claim(pair.one)
    pair.dies(pair.one, seen_ago)
    taken = await pair.take(pair.other)
    assert taken == (seen_ago > (WIRE_CLEAR_AFTER if sending else DEAD_AFTER))
    if sending:
        assert await pair.state() is (State.UNKNOWN if taken else State.SENDING)


async def test_a_process_that_comes_back_in_time_goes_on_with_its_call(pair: Pair) -> None:
    await pair.take(pair.one)
    await pair.claim(pair.one)
    row = await pair.ledger_case.newest("ord_A")
    pair.dies(pair.one, DEAD_AFTER + 10)
    assert not await pair.take(pair.other)
    answer = Answer([Outcome(row, Transition(State.ACCEPTED, 0), LATER)])
    await pair.one.write_at_once(lambda tx: recorded(tx, pair.ledger_case.account, answer))
    assert await pair.state() is State.ACCEPTED
    assert await pair.take(pair.other)  # nothing is on its way any more


async def test_what_is_being_sent_is_not_left_to_others(pair: Pair) -> None:
    await pair.take(pair.one)
    await pair.claim(pair.one)
    async with pair.one.write() as tx:
        await tx.release([pair.ledger_case.account.id])
    assert not await pair.take(pair.other)
    row = await pair.ledger_case.newest("ord_A")
    answer = Answer([Outcome(row, Transition(State.ACCEPTED, 0), LATER)])
    await pair.one.write_at_once(lambda tx: recorded(tx, pair.ledger_case.account, answer))
    async with pair.one.write() as tx:
        await tx.release([pair.ledger_case.account.id])
    assert await pair.take(pair.other)


async def test_whoever_lost_an_account_writes_nothing_there(pair: Pair) -> None:
    await pair.take(pair.one)
    await pair.claim(pair.one)
    row = await pair.ledger_case.newest("ord_A")
    pair.dies(pair.one)
    await pair.take(pair.other)
    before = await pair.ledger_case.newest("ord_A")
    answer = Answer([Outcome(row, Transition(State.ACCEPTED, 0), LATER)])
    with pytest.raises(LeaseLost):
        await pair.one.write_at_once(lambda tx: recorded(tx, pair.ledger_case.account, answer))
    assert await pair.ledger_case.newest("ord_A") == before


async def test_whoever_ends_in_order_leaves_its_accounts_at_once(base: InPostgres) -> None:
    clock = Clock(LATER)
    async with opened(base.database, clock, shards=[0]) as other:
        async with opened(base.database, clock, shards=[1]) as one, one.write() as tx:
            account = await connect(tx, ANN, KEY)
            await ask(tx, account, "ord_A")
            assert await tx.take_account(account.id)
        async with other.write() as tx:
            assert await tx.take_account(account.id)


async def test_a_process_that_was_not_seen_of_late_sends_nothing(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    leases, account_id = pair.leases(pair.one), pair.ledger_case.account.id
    await leases.heartbeat()
    assert await leases.take(account_id)
    leases.require(account_id)
    monkeypatch.setattr("bot.workers.leases.monotonic", lambda: 1e9)
    with pytest.raises(LeaseLost):
        leases.require(account_id)


async def test_a_process_that_hung_finds_out_what_it_has_lost(pair: Pair) -> None:
    leases, account_id = pair.leases(pair.one), pair.ledger_case.account.id
    await leases.heartbeat()
    await leases.take(account_id)
    pair.dies(pair.one)
    await pair.take(pair.other)
    await leases.heartbeat()
    with pytest.raises(LeaseLost):
        leases.require(account_id)
    assert not await leases.take(account_id)


async def test_accounts_are_shared_out_among_the_living(pair: Pair) -> None:
    ids = [pair.ledger_case.account.id]
    async with pair.one.write() as tx:
        for user_id in range(ANN + 1, ANN + 12):
            account = await connect(tx, user_id, KEY)
            await ask(tx, account, "ord_B")
            ids.append(account.id)
    pair.dies(pair.other)
    one, other = pair.leases(pair.one), pair.leases(pair.other)
    await one.heartbeat()
    assert all([await one.take(account_id) for account_id in ids])  # alone it takes everything
    await other.heartbeat()
    assert not any([await other.take(account_id) for account_id in ids])
    for account_id in ids:
        other.done(account_id)
    for account_id in ids[1:]:
        one.done(account_id)  # only the first one is still being worked on
    await one.heartbeat()
    taken = [await other.take(account_id) for account_id in ids]
    assert sum(taken) in (5, 6, 7)
    assert not taken[0]


async def test_many_accounts_that_are_reached_for_at_once_cost_one_sign_of_life(pair: Pair) -> None:
    leases, transactions = pair.leases(pair.one), "SELECT pg_current_xact_id()::text"
    if telling := pair.one._engine._telling:  # pyright: ignore[reportAttributeAccessIssue]  # of the request
        await asyncio.wait(telling)
    ((before,),) = pair.ledger_case.sql(transactions)
    await asyncio.gather(*(leases.take(pair.ledger_case.account.id) for _ in range(20)))
    ((after,),) = pair.ledger_case.sql(transactions)
    assert int(after) - int(before) <= 20 + 2


async def test_what_was_lost_is_taken_anew_only_once_nothing_of_it_is_under_way(pair: Pair) -> None:
    leases, account_id = pair.leases(pair.one), pair.ledger_case.account.id
    await leases.heartbeat()
    assert await leases.take(account_id)
    assert await pair.claim(pair.one) == ["ord_A"]
    leases.forget(account_id)  # for another turn's sake: this one still waits for the panel
    assert not await leases.take(account_id)
    assert await pair.state() is State.SENDING
    leases.done(account_id)
    leases.done(account_id)
    assert await leases.take(account_id)
    assert await pair.state() is State.UNKNOWN


async def test_an_account_with_nothing_to_do_is_left(pair: Pair) -> None:
    leases, account_id = pair.leases(pair.one), pair.ledger_case.account.id
    await leases.heartbeat()
    await leases.take(account_id)
    leases.done(account_id)
    async with pair.one.write() as tx:
        await tx.stop_watching(account_id)
    await leases.heartbeat()
    assert pair.ledger_case.sql("SELECT held_by FROM accounts") == [(None,)]


async def test_accounts_whose_key_is_needed_again_keep_no_others_from_being_worked_on(pair: Pair) -> None:
    async with pair.one.write() as tx:
        others = [await connect(tx, ANN + n, KEY) for n in range(1, 4)]
        for account in others:
            await ask(tx, account, "ord_B")
    leases = pair.leases(pair.one)
    await leases.heartbeat()
    pair.dies(pair.other)
    assert all([await leases.take(account.id) for account in others])
    for account in others:
        leases.done(account.id)
    async with pair.one.write() as tx:
        for account in others:
            await tx.pause(account, AccountState.REJECTED)
    await pair.leases(pair.other).heartbeat()
    await leases.heartbeat()
    assert await leases.take(pair.ledger_case.account.id)


@pytest.mark.parametrize("gone", ["removed", "paused"])
async def test_what_a_dead_process_was_sending_with_a_key_out_of_use_is_not_left_there(pair: Pair, gone: str) -> None:
    await pair.take(pair.one)
    await pair.claim(pair.one)
    async with pair.other.write() as tx:
        if gone == "removed":
            await tx.remove_key(pair.ledger_case.account)
        else:
            await tx.pause(pair.ledger_case.account, AccountState.REJECTED)
    leases = pair.leases(pair.other)
    await leases.heartbeat()
    assert await pair.state() is State.SENDING  # it lives, and its call may be under way
    pair.dies(pair.one, DEAD_AFTER + 1)
    await leases.heartbeat()
    assert await pair.state() is State.SENDING  # its last call may be on its way
    pair.dies(pair.one)
    await leases.heartbeat()
    assert await pair.state() is (State.EXPIRED if gone == "removed" else State.UNKNOWN)


async def test_only_what_a_dead_process_was_asking_is_broken_off(pair: Pair) -> None:
    async with pair.one.write() as tx:
        for process in (pair.one.process, pair.other.process):
            request_id = await ask(tx, pair.ledger_case.account, f"ord_{process}", until=CARD_ENDS, first=True)
            await tx.save_preview(request_id, Preview(1, process=process))
    pair.dies(pair.other)
    async with pair.one.write() as tx:
        await tx.heartbeat()
        await tx.interrupt_previews()
    requests = [await pair.one.read.request(number) for (number,) in pair.ledger_case.sql("SELECT id FROM requests")][
        1:
    ]
    previews = [request.preview for request in requests if request and request.preview]
    assert [preview.state for preview in previews] == [PreviewState.ASKING, Reason.INTERRUPTED]


async def test_a_card_is_one_process_s_to_edit_at_a_time(pair: Pair) -> None:
    ((request_id,),) = pair.ledger_case.sql("SELECT id FROM requests")

    async def hold(ledger: Ledger) -> bool:
        async with ledger.write() as tx:
            return await tx.hold_card(request_id, timedelta(seconds=30))

    assert sum(await asyncio.gather(*(hold(ledger) for ledger in (pair.one, pair.other) * 3))) == 1


async def test_a_notice_is_one_process_s_to_send_at_a_time(pair: Pair) -> None:
    async with pair.one.write() as tx:
        await tx.stop_request(await tx.request(1))  # pyright: ignore[reportArgumentType]
    await pair.ledger_case.gone(1)
    ((notice_id,),) = pair.ledger_case.sql("SELECT id FROM notices")
    pair.ledger_case.clock.now = LATER + WINDOW

    async def begin(ledger: Ledger) -> bool:
        async with ledger.write() as tx:
            return await tx.begin_sending(notice_id, WINDOW) is not None

    assert sum(await asyncio.gather(*(begin(ledger) for ledger in (pair.one, pair.other) * 3))) == 1
