"""One open cancel for each order of a user, under whichever of their keys; what one key does not find another may."""

import asyncio
import itertools
import re
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, closing
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.domain.accounts import AccountState
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading
from bot.domain.reasons import Reason
from bot.domain.states import State, Transition
from bot.ledger import Account, Cancellation, Outcome, Writer, migrate
from bot.ledger.schema import migrations
from bot.ledger.sqlite.engine import SQLITE_QUERIES
from bot.panel.phrases import read_reason
from tests.invariants import breaches
from tests.ledger.ledger_case import ANN, CARD_GONE, FOUND, KEY, LATER, LedgerCase, ask, claim, connect, opened
from tests.ledgers import Below, InFile, InPostgres
from tests.world import Clock, orders_of

RUNNING = OrderReading(OrderStatus.IN_PROGRESS, "in_progress", charge="1.00")
DONE = OrderReading(OrderStatus.COMPLETED, "completed", charge="1.00")
NOT_FOUND = "Order not found"


class Keys(LedgerCase):
    """A user's ledger with the keys "main" and "shop", and another user's."""

    shop: Account
    third: Account
    bob: Account

    def later(self) -> AbstractAsyncContextManager[Writer]:
        """Begin a transaction a second after the last."""
        return self.at(self.clock.now + timedelta(seconds=1))

    async def asks(self, account: Account, *orders: str) -> int:
        """Write down a request under a key and take it up."""
        async with self.later() as tx:
            request_id = await ask(tx, account, *orders)
            await tx.start_orders(account.id, 100)
        return request_id

    async def sends(self, account: Account) -> list[str]:
        """Send what a key has to send; return the orders."""
        async with self.later() as tx:
            return [row.order_id for row in await claim(tx, account)]

    async def answers(
        self, account: Account, order: str, state: State, *, words: str | None = None, seen: OrderReading | None = None
    ) -> None:
        """Write down what the panel said of an order under a key."""
        async with self.later() as tx:
            (row,) = [
                row
                for row in await self.rows(order, account.user_id)
                if row.account_id == account.id and row.ended_at is None
            ]
            reason = read_reason("cancel", words) if words else None
            verdict = Transition(state, row.ambiguous_attempts + (state is State.UNKNOWN), words, reason)
            outcome = Outcome(row, verdict, tx.now, seen, checked=seen is not None)
            await tx.record(account.id, [outcome])
        assert breaches(self.sql) == {}

    async def rows(self, order: str, user_id: int) -> list[Cancellation]:
        """Return all cancellations of an order of a user's."""
        found = dict[int, Cancellation]()
        for (request_id,) in self.sql("SELECT DISTINCT request_id FROM cancellations WHERE user_id = ?", user_id):
            found |= {row.id: row for row in await orders_of(self.ledger.read, request_id) if row.order_id == order}
        return list(found.values())

    def stands(self, order: str) -> list[tuple[str, str]]:
        """Return under which key each cancellation of an order of Ann's is, and how it stands."""
        return self.sql(
            "SELECT a.name, c.state FROM cancellations c JOIN accounts a ON a.id = c.account_id"
            " WHERE c.order_id = ? AND c.user_id = ? ORDER BY c.id",
            order,
            ANN,
        )

    async def shown(self, request_id: int) -> list[State]:
        """Return how the orders of a request stand on its card."""
        return [state for state, group in (await self.ledger.read.groups_of_request(request_id)).items() if group.count]

    def linked(self) -> set[frozenset[str]]:
        """Return the names of keys that are known to be of one panel account."""
        found: dict[int, set[str]] = {}
        for name, panel_account in self.sql("SELECT name, panel_account FROM accounts WHERE panel_account IS NOT NULL"):
            found.setdefault(panel_account, set()).add(name)
        return {frozenset(names) for names in found.values()}


@pytest.fixture
async def keys(below: Below) -> AsyncGenerator[Keys]:
    """Ann with two keys, and Bob with one."""
    clock = Clock(LATER)
    async with opened(below.database, clock) as ledger:
        async with ledger.write() as tx:
            made = Keys(below, ledger, await connect(tx, ANN, KEY), clock)
            made.shop = await connect(tx, ANN, KEY, name="shop")
            made.third = await connect(tx, ANN, KEY, name="third")
            made.bob = await connect(tx, ANN + 1, KEY, name="bobs")
        yield made


@pytest.mark.parametrize(
    "states",
    [
        (),
        (State.ACCEPTED,),
        (State.ACCEPTED, State.QUEUED),
        (State.UNKNOWN,),
        (State.ACCEPTED, State.QUEUED, State.CANCELLED),
        (State.UNKNOWN, State.CANCELLED),
    ],
)
async def test_what_is_open_or_cancelled_under_one_key_is_not_sent_under_another(
    keys: Keys, states: tuple[State, ...]
) -> None:
    await keys.asks(keys.account, "ord_A")
    if states:
        await keys.sends(keys.account)
    for state in states:
        await keys.answers(keys.account, "ord_A", state, seen=FOUND if state is State.CANCELLED else None)
    again = await keys.asks(keys.shop, "ord_A")
    assert await keys.sends(keys.shop) == []
    assert keys.stands("ord_A") == [("main", states[-1] if states else State.REQUESTED)]
    assert await keys.ledger.read.count_linked(again) == 1
    assert breaches(keys.sql) == {}


async def test_what_ended_since_it_was_asked_for_answers_a_request_under_another_key_too(keys: Keys) -> None:
    await keys.asks(keys.account, "ord_A")
    await keys.sends(keys.account)
    async with keys.later() as tx:
        again = await ask(tx, keys.shop, "ord_A")
    await keys.answers(keys.account, "ord_A", State.ACCEPTED)
    await keys.answers(keys.account, "ord_A", State.COMPLETED, seen=DONE)
    assert await keys.sends(keys.shop) == []
    assert await keys.shown(again) == [State.COMPLETED]


async def test_another_user_s_cancel_of_the_same_order_is_their_own(keys: Keys) -> None:
    await keys.asks(keys.account, "ord_A")
    await keys.asks(keys.bob, "ord_A")
    assert (await keys.sends(keys.account), await keys.sends(keys.bob)) == (["ord_A"], ["ord_A"])
    await keys.answers(keys.account, "ord_A", State.ACCEPTED)
    assert keys.sql("SELECT user_id, state FROM cancellations ORDER BY id") == [
        (ANN, State.ACCEPTED),
        (ANN + 1, State.SENDING),
    ]
    assert keys.linked() == set()


async def test_what_is_not_found_under_the_key_that_was_joined_is_tried_under_the_one_that_was_named(
    keys: Keys,
) -> None:
    await keys.asks(keys.account, "ord_A", "ord_B")
    again = await keys.asks(keys.shop, "ord_A")
    assert await keys.sends(keys.account) == ["ord_A", "ord_B"]
    assert await keys.sends(keys.shop) == []
    await keys.answers(keys.account, "ord_A", State.REFUSED, words=NOT_FOUND)
    await keys.answers(keys.account, "ord_B", State.REFUSED, words=NOT_FOUND)
    assert keys.stands("ord_A") == [("main", State.REFUSED), ("shop", State.REQUESTED)]
    assert keys.stands("ord_B") == [("main", State.REFUSED)]
    assert await keys.shown(again) == [State.REQUESTED]
    assert await keys.sends(keys.shop) == ["ord_A"]
    await keys.answers(keys.shop, "ord_A", State.ACCEPTED)
    assert await keys.shown(again) == [State.ACCEPTED]


async def test_it_goes_from_key_to_key_until_one_finds_it(keys: Keys) -> None:
    requests = [await keys.asks(account, "ord_A") for account in (keys.account, keys.shop, keys.shop, keys.third)]
    for account in (keys.account, keys.shop):
        assert await keys.sends(account) == ["ord_A"]
        await keys.answers(account, "ord_A", State.REFUSED, words=NOT_FOUND)
    assert await keys.sends(keys.third) == ["ord_A"]
    await keys.answers(keys.third, "ord_A", State.REFUSED, words=NOT_FOUND)
    assert keys.stands("ord_A") == [("main", State.REFUSED), ("shop", State.REFUSED), ("third", State.REFUSED)]
    assert [await keys.shown(request) for request in requests] == [[State.REFUSED]] * 4


@pytest.mark.parametrize("words", ["Service does not support cancellation", "Order cannot be cancelled"])
async def test_a_refusal_that_speaks_of_the_order_is_the_answer_to_all(keys: Keys, words: str) -> None:
    await keys.asks(keys.account, "ord_A")
    again = await keys.asks(keys.shop, "ord_A")
    await keys.sends(keys.account)
    await keys.answers(keys.account, "ord_A", State.REFUSED, words=words)
    assert await keys.sends(keys.shop) == []
    assert await keys.shown(again) == [State.REFUSED]


async def test_what_was_stopped_is_not_begun_under_another_key(keys: Keys) -> None:
    await keys.asks(keys.account, "ord_A")
    again = await keys.asks(keys.shop, "ord_A", "ord_B")
    async with keys.ledger.write() as tx:
        request = await tx.request(again)
        assert request
        await tx.stop_request(request)
    await keys.sends(keys.account)
    await keys.answers(keys.account, "ord_A", State.REFUSED, words=NOT_FOUND)
    assert await keys.sends(keys.shop) == []


@pytest.mark.parametrize("gone", ["rejected", "removed"])
@pytest.mark.parametrize("when", ["before", "after"], ids=["asked before", "asked after"])
@pytest.mark.parametrize("states", [(), (State.ACCEPTED,), (State.ACCEPTED, State.QUEUED), (State.UNKNOWN,)])
async def test_a_key_out_of_use_leaves_what_is_open_to_the_one_that_was_named_as_well(
    keys: Keys, gone: str, when: str, states: tuple[State, ...]
) -> None:
    await keys.asks(keys.account, "ord_A", "ord_B")
    if states:
        await keys.sends(keys.account)
        for state in states:
            await keys.answers(keys.account, "ord_A", state, seen=RUNNING if state is State.QUEUED else None)
    again = await keys.asks(keys.shop, "ord_A") if when == "before" else None
    async with keys.ledger.write() as tx:
        if gone == "removed":
            await tx.remove_key(keys.account)
        else:
            await tx.pause(keys.account, AccountState.REJECTED)
    again = again or await keys.asks(keys.shop, "ord_A")
    assert breaches(keys.sql) == {}
    if gone == "removed" and when == "after":
        state = State.EXPIRED if states else State.WITHDRAWN
        assert keys.stands("ord_A") == [("main", state), ("shop", State.REQUESTED)]
        return
    ((name, state),) = keys.stands("ord_A")
    assert (name, state) == ("shop", states[-1] if states else State.REQUESTED)
    assert await keys.shown(again) == [state]
    assert await keys.sends(keys.shop) == ([] if states else ["ord_A"])
    if states:
        await keys.answers(keys.shop, "ord_A", State.CANCELLED, seen=FOUND)
    assert {name for name, _ in keys.stands("ord_B")} == {"main"}


async def test_whoever_wants_no_order_watched_is_left_none_under_any_key(keys: Keys) -> None:
    await keys.asks(keys.account, "ord_A")
    await keys.asks(keys.shop, "ord_A")
    async with keys.ledger.write() as tx:
        for account in (keys.shop, keys.account):
            await tx.stop_watching(account.id)
    assert keys.stands("ord_A") == [("main", State.WITHDRAWN)]
    assert breaches(keys.sql) == {}


async def test_what_a_request_under_another_key_waits_for_is_told_when_the_card_is_gone(keys: Keys) -> None:
    await keys.asks(keys.account, "ord_A")
    again = await keys.asks(keys.shop, "ord_A")
    await keys.sends(keys.account)
    await keys.answers(keys.account, "ord_A", State.ACCEPTED)
    await keys.answers(keys.account, "ord_A", State.CANCELLED, seen=FOUND)
    for request_id in (1, again):
        request = await keys.ledger.read.request(request_id)
        assert request
        async with keys.at(CARD_GONE) as tx:
            await tx.card_gone(request)
    assert [order for notice in keys.outbox() for _, order in notice] == ["ord_A"]
    assert breaches(keys.sql) == {}


async def seen_under(keys: Keys, account: Account, order: str) -> None:
    """Have an order asked for, and shown to a key as completed."""
    await keys.asks(account, order)
    await keys.sends(account)
    await keys.answers(account, order, State.ACCEPTED)
    await keys.answers(account, order, State.COMPLETED, seen=DONE)


async def test_keys_that_see_the_same_order_are_of_one_panel_account(keys: Keys) -> None:
    await seen_under(keys, keys.account, "ord_A")
    assert keys.linked() == set()
    await keys.asks(keys.shop, "ord_A")
    await keys.sends(keys.shop)
    await keys.answers(keys.shop, "ord_A", State.ACCEPTED)
    assert keys.linked() == {frozenset({"main", "shop"})}
    await seen_under(keys, keys.bob, "ord_A")
    await seen_under(keys, keys.third, "ord_C")
    assert keys.linked() == {frozenset({"main", "shop"})}
    await seen_under(keys, keys.shop, "ord_C")
    assert keys.linked() == {frozenset({"main", "shop", "third"})}


async def test_what_is_only_refused_or_not_found_links_nothing(keys: Keys) -> None:
    await seen_under(keys, keys.account, "ord_A")
    await keys.asks(keys.shop, "ord_A")
    await keys.sends(keys.shop)
    await keys.answers(keys.shop, "ord_A", State.REFUSED, words=NOT_FOUND)
    assert keys.linked() == set()


async def test_a_key_that_takes_the_place_of_another_is_of_an_account_of_its_own(keys: Keys) -> None:
    for account in (keys.account, keys.shop, keys.third):
        await seen_under(keys, account, "ord_A")
    assert keys.linked() == {frozenset({"main", "shop", "third"})}
    async with keys.later() as tx:
        await connect(tx, ANN, bytes(64))
    assert keys.linked() == {frozenset({"shop", "third"})}
    await seen_under(keys, keys.shop, "ord_A")  # what its predecessor has seen proves nothing of it
    assert keys.linked() == {frozenset({"shop", "third"})}


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "query", ["start_orders", "link_orders", "heirs_of_account", "heir", "follow", "accounts_seeing"]
)
async def test_nothing_goes_through_all_that_was_ever_joined(keys: Keys, query: str) -> None:
    numbers = ("request_id", "count", "now", "notified_at", "account_id", "cancellation_id", "anew")
    values = {**dict.fromkeys(numbers, 1), "state": "requested", "orders": "[]"}
    plan = [step for *_, step in keys.sql(f"EXPLAIN QUERY PLAN {named_values(query, values)}")]
    assert plan
    assert not [step for step in plan if step.startswith("SCAN") and "json_each" not in step]
    assert not [step for step in plan if "request_orders_joined" in step]


def named_values(query: str, values: dict[str, object]) -> str:
    """Return a query with its values in it."""
    return re.sub(r":(\w+)", lambda name: repr(values[name[1]]), getattr(SQLITE_QUERIES, query).sql)


# --- ledgers of 0.1.0 ---

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
