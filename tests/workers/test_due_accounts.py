"""What is known of accounts that are due is what the ledger says, though it is asked about few at a time."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from bot.domain.states import State, Transition
from bot.ledger import Due, Ledger, Outcome, Work
from bot.workers import due_accounts
from bot.workers.due_accounts import DueAccounts
from tests.ledger.ledger_case import KEY, ask, connect, opened
from tests.world import Clock

ACCOUNTS, MOST, FEW = 12, 6, 2


async def have_a_turn(ledger: Ledger, due: DueAccounts, account_id: int, random: Random) -> None:
    """Send an account's orders, or check those that are due; most of them are due again some time later."""
    async with ledger.write() as tx:
        await tx.start_orders(account_id, 100)
        rows = await tx.claim_for_sending(account_id, 100) or await tx.due_checks(account_id, tx.now, 100)
    due.had_turn(account_id)
    async with ledger.write() as tx:
        again = tx.now + timedelta(seconds=random.randint(1, 90))
        state = random.choice([State.QUEUED, State.QUEUED, State.REFUSED])
        if rows and rows[0].state is State.SENDING and random.random() < 0.5:  # it did not go out
            state = State.REQUESTED
        checked = state is not State.REQUESTED
        await tx.record(account_id, [Outcome(row, Transition(state, 0), again, checked=checked) for row in rows])
    due.had_turn(account_id)


@pytest.mark.parametrize("seed", range(10, 20))
async def test_the_first_that_are_due_are_known_as_the_ledger_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(due_accounts, "_MOST", MOST)
    monkeypatch.setattr(due_accounts, "_FEW", FEW)
    clock, random, idle = Clock(), Random(seed), 0
    async with opened(tmp_path / "ledger.db", clock) as ledger:
        async with ledger.write() as tx:
            accounts = [await connect(tx, user_id, KEY) for user_id in range(1, ACCOUNTS + 1)]
        due = DueAccounts(ledger)
        ledger.when_due(Work.ORDERS, due.forget)
        for step in range(150):
            clock.now += timedelta(seconds=random.randint(0, 5))
            known = {one.id: one for one in await due.read(clock.now)}
            there = {one.id: one for one in await ledger.read.accounts_due(clock.now)}

            def now(some: dict[int, Due]) -> list[int]:
                return [one.id for one in some.values() if one.due_at <= clock.now]

            def urgent(some: dict[int, Due]) -> list[int]:
                return [one.id for one in some.values() if one.urgent_at and one.urgent_at <= clock.now]

            assert set(now(known)) <= set(now(there))
            assert now(known) or not now(there)
            assert urgent(known) or not urgent(there)
            idle += not now(there)
            if random.random() < 0.3:
                async with ledger.write() as tx:
                    await ask(tx, random.choice(accounts), f"ord_{step}")
            elif now(known):
                await have_a_turn(ledger, due, now(known)[0], random)
    assert idle < 100
