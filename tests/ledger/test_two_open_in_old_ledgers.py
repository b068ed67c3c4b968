"""Ledgers of 0.1.0, in which one order of a user could be open under two keys."""

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.domain.reasons import Reason
from bot.domain.states import State, Transition
from bot.ledger import Outcome, migrate
from bot.ledger.schema import migrations
from tests.invariants import breaches
from tests.ledger.ledger_case import LATER, ask, opened
from tests.ledgers import Below, InFile, InPostgres
from tests.world import Clock, orders_of

NOT_FOUND = "Order not found"
OPEN = ("requested", "unknown", "accepted", "queued")
INSERTS = """
    INSERT INTO accounts (id, user_id, name, folded, is_default, key_sealed, state, created_at, changed_at)
    {over} VALUES
        (1, 1001, 'main', 'main', 1, '1', 'active', 0, 5), (2, 1001, 'shop', 'shop', 0, '2', 'active', 0, 6),
        (3, 1002, 'main', 'main', 1, '3', 'active', 0, 7);
    INSERT INTO requests (id, account_id, user_id, state, orders, waiting, ignored, repeats, channel_id, card_until,
                          created_at, began_at) {over} VALUES
        (1, 1, 1001, 'going', 1, 0, '[]', 0, 1, 0, 0, 0), (2, 2, 1001, 'going', 1, 0, '[]', 0, 1, 0, 0, 0),
        (3, 3, 1002, 'going', 1, 0, '[]', 0, 1, 0, 0, 0);
    INSERT INTO cancellations (id, request_id, account_id, order_id, state, doubts, created_at, changed_at, due_at)
    {over} VALUES
        (1, 1, 1, 'ord_A', '{first}', 0, 0, 0, 0), (2, 2, 2, 'ord_A', '{second}', 0, 0, 0, 0),
        (3, 3, 3, 'ord_A', 'queued', 0, 0, 0, 0);
    INSERT INTO request_orders (request_id, position, cancellation_id) VALUES (1, 0, 1), (2, 0, 2), (3, 0, 3);
"""


def old(engine: str, first: str, second: str) -> str:
    """Return the SQL that makes a ledger of 0.1.0 with one order open under two keys of a user, and under another's."""
    schema = [sql for number, _, sql in migrations(engine) if number == 1]
    over = "OVERRIDING SYSTEM VALUE" if engine == "postgresql" else ""
    version = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);"
    stamp = "INSERT INTO schema_version VALUES (1, '');"
    return "\n".join([version, *schema, stamp, INSERTS.format(over=over, first=first, second=second)])


@pytest.fixture(params=["sqlite", "postgresql"])
def old_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Callable[[str, str], Below]]:
    """Make such a ledger on an engine, and bring it to this release."""
    made: list[InPostgres] = []
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None

    def make(first: str, second: str) -> Below:
        if server is None:
            below = InFile(tmp_path / "ledger.sqlite3")
            with closing(sqlite3.connect(below.database)) as db:
                db.executescript(old("sqlite", first, second))
            migrate(below.database)
            return below
        bare = InPostgres(server, migrated=False)
        made.append(bare)
        bare.script(old("postgresql", first, second))
        for table in ("accounts", "requests", "cancellations"):
            bare.sql(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH 10")
        migrate(SecretStr(bare.url))
        return bare

    yield make
    for one in made:
        one.drop()


@pytest.mark.parametrize(("first", "second"), list(itertools.product(OPEN, OPEN)))
async def test_an_old_ledger_with_an_order_open_under_two_keys_goes_on_with_one_cancel_to_send(
    old_ledger: Callable[[str, str], Below], first: str, second: str
) -> None:
    below = await asyncio.to_thread(old_ledger, first, second)
    assert breaches(below.sql) == {}
    rows = below.sql("SELECT id, state, twin FROM cancellations WHERE user_id = 1001 ORDER BY id")
    linked = below.sql("SELECT cancellation_id, linked FROM request_orders WHERE request_id < 3 ORDER BY request_id")
    match first == "requested", second == "requested":
        case False, False:  # both were sent, and both are watched to their ends
            assert rows == [(1, first, 0), (2, second, 1)]
            assert linked == [(1, 0), (2, 0)]
        case True, False:
            assert rows == [(2, second, 0)]
            assert linked == [(2, 1), (2, 0)]
        case _:
            assert rows == [(1, first, 0)]
            assert linked == [(1, 0), (1, 1)]
    assert below.sql("SELECT id, user_id, state FROM cancellations WHERE account_id = 3") == [(3, 1002, "queued")]
    assert below.sql("SELECT panel_account, key_stored_at FROM accounts ORDER BY id") == [
        (None, 5),
        (None, 6),
        (None, 7),
    ]
    async with opened(below.database, Clock(LATER)) as ledger:
        async with ledger.write() as tx:
            account = await tx.account(2)
            assert account
            again = await ask(tx, account, "ord_A")
            await tx.start_orders(2, 100)
        assert await ledger.read.count_linked(again) == 1
    assert breaches(below.sql) == {}


async def test_of_two_twins_one_that_is_not_found_leaves_its_followers_to_the_other(
    old_ledger: Callable[[str, str], Below],
) -> None:
    below = await asyncio.to_thread(old_ledger, "unknown", "unknown")
    async with opened(below.database, Clock(LATER)) as ledger:
        async with ledger.write() as tx:
            account = await tx.account(2)
            assert account
            again = await ask(tx, account, "ord_A")
            await tx.start_orders(2, 100)
        ((followed,),) = below.sql("SELECT cancellation_id FROM request_orders WHERE request_id = ?", again)
        first = next(row for row in await orders_of(ledger.read, again) if row.id == followed)
        async with ledger.write() as tx:
            verdict = Transition(State.REFUSED, first.ambiguous_attempts, NOT_FOUND, Reason.NOT_FOUND)
            await tx.record(first.account_id, [Outcome(first, verdict, LATER)])
    assert breaches(below.sql) == {}
