"""Erasing forgets no table: whatever names a user, or refers to what does, is filled for one, and then gone."""

from collections import defaultdict
from typing import Any

import pytest

from bot.domain.polling import OVERDUE_AFTER
from bot.domain.states import State, Transition
from bot.ledger import NoticeKind, NotifyVia, OrderAction, Outcome, Preferences
from tests.ledger.ledger_case import ANN, KEY, LATER, LedgerCase, ask, claim, connect
from tests.ledgers import Below, InFile
from tests.world import START

BOB = ANN + 1
NOBODYS = {"facts", "processes", "schema_version", "sqlite_sequence"}
"""What is about the installation, not about anybody."""

_COLUMNS = {
    "sqlite": "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    "postgresql": """
        SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0""",
}
_REFERENCES = {
    "sqlite": "SELECT t.name, f.[table] FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
    "postgresql": "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'",
}

Tables = dict[str, list[Any]]


def about_users(below: Below) -> set[str]:
    """Return the tables that name a user or anything of theirs by a column's name, or refer to one that does."""
    engine = "sqlite" if isinstance(below, InFile) else "postgresql"
    columns = defaultdict[str, list[str]](list)
    for table, column in below.sql(_COLUMNS[engine]):
        columns[table].append(column)
    found = {table for table, names in columns.items() if any(name.endswith("_id") for name in names)}
    references = below.sql(_REFERENCES[engine])
    while more := {table for table, to in references if to in found} - found:
        found |= more
    return found


def content(below: Below) -> Tables:
    """Return all rows of all tables of users."""
    return {
        name: sorted(below.sql(f"SELECT * FROM {name}"), key=repr) for name in below.tables() if name not in NOBODYS
    }


async def fill(ledger_case: LedgerCase, user_id: int) -> None:
    """Have something in each table for a user: of each kind of request, of state, and of line in a message."""
    async with ledger_case.at(START) as tx:
        account = await connect(tx, user_id, KEY)
        other = await connect(tx, user_id, KEY[::-1], name="other")
        await tx.keep_orders(user_id, OrderAction.CANCEL, ["ord_kept"])
        await tx.save_webhook(user_id, b"%d" % user_id)
        await ask(tx, account, "ord_asked", first=True)
        await ask(tx, account, *(f"ord_{number}" for number in range(4)), until=START)
        rows = await claim(tx, account)
        states = (State.CANCELLED, State.QUEUED, State.ACCEPTED, State.UNKNOWN)
        outcomes = [
            Outcome(row, Transition(state, row.ambiguous_attempts + 1), LATER)
            for row, state in zip(rows, states, strict=True)
        ]
        await tx.record(account.id, outcomes)
        await ask(tx, other, "ord_1", "ord_waits")  # the one is joined
        await tx.start_orders(other.id, 1)
        await tx.notify(account, NoticeKind.REJECTED)
        await tx.save_preferences(user_id, Preferences(NotifyVia.OFF))
    async with ledger_case.at(LATER + OVERDUE_AFTER) as tx:
        await tx.notify_overdue()


async def erase(ledger_case: LedgerCase, user_id: int) -> Tables:
    """Erase a user; return what there was of whom as long as it was going on."""
    async with ledger_case.ledger.write() as tx:
        assert await tx.begin_erasure(user_id)
    during = content(ledger_case.below)
    async with ledger_case.ledger.write() as tx:
        while await tx.erase_piece(user_id):
            pass
    return during


async def test_each_table_is_about_users_or_known_to_be_about_nobody(ledger_case: LedgerCase) -> None:
    assert set(ledger_case.below.tables()) - about_users(ledger_case.below) <= NOBODYS
    assert not about_users(ledger_case.below) & NOBODYS


@pytest.mark.parametrize(
    "made", ["(note TEXT, user_id BIGINT)", "(account BIGINT REFERENCES accounts (id))", "(mail TEXT)"]
)
async def test_a_table_that_is_not_thought_of_would_be_found(ledger_case: LedgerCase, made: str) -> None:
    ledger_case.sql(f"CREATE TABLE forgotten {made}")
    assert ("forgotten" in about_users(ledger_case.below)) == ("mail" not in made)
    await fill(ledger_case, BOB)
    assert content(ledger_case.below)["forgotten"] == []


async def test_nothing_is_left_of_a_user_with_something_in_each_table(ledger_case: LedgerCase) -> None:
    before = content(ledger_case.below)
    await fill(ledger_case, BOB)
    bobs = content(ledger_case.below)
    assert [table for table, rows in bobs.items() if len(rows) <= len(before[table])] == ["erasures"]
    await fill(ledger_case, BOB + 1)
    during = await erase(ledger_case, BOB + 1)
    assert during["erasures"] == [(BOB + 1, during["erasures"][0][1])]
    assert content(ledger_case.below) == bobs
    await erase(ledger_case, BOB)
    assert content(ledger_case.below) == before
