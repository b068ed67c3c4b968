"""One open cancel for each order of a user, under whichever of their keys; what one key does not find another may."""

import re
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from bot.domain.accounts import AccountState
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading
from bot.domain.states import State, Transition
from bot.ledger import Account, Cancellation, Outcome, Writer
from bot.ledger.sqlite.engine import SQLITE_QUERIES
from bot.panel.phrases import read_reason
from tests.invariants import breaches
from tests.ledger.ledger_case import ANN, CARD_GONE, FOUND, KEY, LATER, LedgerCase, ask, claim, connect, opened
from tests.ledgers import Below
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


@pytest.mark.postgresql
async def test_the_next_orders_of_a_list_are_started_without_a_look_at_all_before_them(keys: Keys) -> None:
    await keys.asks(keys.account, *(f"ord_{n}" for n in range(3_000)))
    async with keys.later() as tx:
        await tx.start_orders(keys.account.id, 2_000)
    values: dict[str, object] = {"request_id": 1, "count": 100, "now": 1, "notified_at": 1, "state": "requested"}
    plan = [step for (step,) in keys.sql(f"EXPLAIN {named_values('start_orders', values)}")]
    assert any("SubPlan" in step for step in plan)
    assert not [step for step in plan if "Anti Join" in step]


def named_values(query: str, values: dict[str, object]) -> str:
    """Return a query with its values in it."""
    return re.sub(r":(\w+)", lambda name: repr(values[name[1]]), getattr(SQLITE_QUERIES, query).sql)
