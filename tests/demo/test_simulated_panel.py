"""The simulated panel keeps NotPanel's documented protocol, seen through the real client."""

import re
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

import pytest
from pydantic import SecretStr

from bot.demo.panel import SimulatedPanel, Upstream
from bot.demo.sample import sample_panel
from bot.demo.serve import serve
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Accepted, Balance, Limits, OrderReading, Refill, RowError
from bot.domain.reasons import Reason
from bot.panel import Answer, InvalidKey, Panel, RateLimited, Refused, Suspended, in_process

SECRET = "np-test-key-0123456789abcdef"
KEY = SecretStr(SECRET)
START = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = OrderStatus.IN_PROGRESS
NOT_FOUND = RowError("Order not found", Reason.NOT_FOUND)
NOT_POSSIBLE = RowError("Service does not support cancellation", Reason.CANCEL_UNSUPPORTED)
NOT_DONE = RowError("Order is not completed or partial", Reason.REFILL_TOO_EARLY)
STILL_OPEN = RowError("A refill of this order is already open", Reason.REFILL_OPEN)
NO_MORE = RowError("Refill limit reached for this order", Reason.REFILL_LIMIT)
TOO_LATE = RowError("Order cannot be cancelled (already completed)", Reason.ALREADY_COMPLETED)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger_case(clock: Clock) -> SimulatedPanel:
    panel = SimulatedPanel(clock)
    panel.add_key(SECRET, balance=Decimal(10))
    return panel


@pytest.fixture(params=["in process", "loopback"])
async def panel(request: pytest.FixtureRequest, ledger_case: SimulatedPanel, clock: Clock) -> AsyncGenerator[Panel]:
    if request.param == "in process":
        client = Panel("https://panel.invalid/", transport=in_process(ledger_case.answer), clock=clock)
        yield client
        await client.aclose()
        return
    async with serve(ledger_case, 0) as url:
        client = Panel(url, clock=clock)
        yield client
        await client.aclose()


async def reading(panel: Panel, order: str = "a") -> OrderReading:
    row = (await panel.status(KEY, [order])).rows[order]
    assert isinstance(row, OrderReading)
    return row


async def balance(panel: Panel) -> str:
    left, _ = await panel.balance(KEY)
    return left.balance


async def test_a_pending_order_is_refunded_at_once(panel: Panel, ledger_case: SimulatedPanel) -> None:
    ledger_case.add_order(SECRET, "a", charge="0.50")
    assert (await panel.cancel(KEY, ["a"])).rows == {"a": Accepted()}
    assert await reading(panel) == OrderReading(OrderStatus.CANCELLED, "canceled", "0.00", "1234", "1000", "USD")
    assert await balance(panel) == "10.50"
    assert (await panel.cancel(KEY, ["a"])).rows == {"a": TOO_LATE}
    assert ledger_case.cancel_requests == {"a": 1}


@pytest.mark.parametrize(
    ("ends_as", "status", "charge", "left", "credit"),
    [
        ("canceled", OrderStatus.CANCELLED, "0.00", "650", "11.00"),
        ("partial", OrderStatus.PARTIAL, "0.35", "650", "10.65"),
        ("completed", OrderStatus.COMPLETED, "1.00", "0", "10.00"),
    ],
)
async def test_a_queued_cancel_ends_upstream(
    panel: Panel,
    ledger_case: SimulatedPanel,
    clock: Clock,
    ends_as: Literal["canceled", "completed", "partial"],
    status: OrderStatus,
    charge: str,
    left: str,
    credit: str,
) -> None:
    upstream = Upstream(timedelta(seconds=6), ends_as)
    ledger_case.add_order(SECRET, "a", status=RUNNING, charge="1.00", remains=650, upstream=upstream)
    clock.forward(3600)
    assert (await reading(panel)).status is RUNNING
    assert (await panel.cancel(KEY, ["a"])).rows == {"a": Accepted()}
    clock.forward(5)
    assert (await panel.cancel(KEY, ["a"])).rows == {"a": Accepted()}
    assert await reading(panel) == OrderReading(RUNNING, "in_progress", "1.00", "1234", "650", "USD")
    assert await balance(panel) == "10.00"
    clock.forward(1)
    assert await balance(panel) == credit
    seen = await reading(panel)
    assert (seen.status, seen.charge, seen.remains) == (status, charge, left)
    clock.forward(3600)
    assert await balance(panel) == credit
    assert ledger_case.cancel_requests == {"a": 2}


async def test_by_default_a_queued_cancel_succeeds_after_a_minute(
    panel: Panel, ledger_case: SimulatedPanel, clock: Clock
) -> None:
    ledger_case.add_order(SECRET, "a", status="Processing")
    await panel.cancel(KEY, ["a"])
    clock.forward(59)
    assert (await reading(panel)).word == "Processing"
    clock.forward(1)
    assert (await reading(panel)).word == "canceled"


async def test_a_batch_gets_a_row_for_each_order(panel: Panel, ledger_case: SimulatedPanel) -> None:
    ledger_case.add_key("np-somebody-else-0123456789")
    ledger_case.add_order("np-somebody-else-0123456789", "theirs")
    ledger_case.add_order(SECRET, "mine")
    ledger_case.add_order(SECRET, "rigid", status=RUNNING, cancellable=False)
    for status in OrderStatus:
        if status.is_final:
            ledger_case.add_order(SECRET, status, status=status)
    ended = {str(status): TOO_LATE for status in OrderStatus if status.is_final}
    orders = ["mine", "theirs", "absent", "rigid", *ended]
    assert (await panel.cancel(KEY, orders)).rows == {
        "mine": Accepted(),
        "theirs": NOT_FOUND,
        "absent": NOT_FOUND,
        "rigid": NOT_POSSIBLE,
        **ended,
    }
    seen = (await panel.status(KEY, orders)).rows
    assert seen["theirs"] == seen["absent"] == NOT_FOUND
    assert {order: row.word for order, row in seen.items() if isinstance(row, OrderReading)} == {
        "mine": "canceled",
        "rigid": "in_progress",
        **{order: order for order in ended},
    }
    assert ledger_case.orders["theirs"].status == "pending"


async def test_only_a_completed_or_partial_order_is_refilled(panel: Panel, ledger_case: SimulatedPanel) -> None:
    ledger_case.add_key("np-somebody-else-0123456789")
    ledger_case.add_order("np-somebody-else-0123456789", "theirs", status=OrderStatus.COMPLETED)
    for status in OrderStatus:
        ledger_case.add_order(SECRET, status, status=status)
    orders = ["theirs", "absent", *OrderStatus]
    expected = dict.fromkeys(OrderStatus, NOT_DONE) | {"theirs": NOT_FOUND, "absent": NOT_FOUND}
    expected |= {"completed": Refill("ref_000000000001"), "partial": Refill("ref_000000000002")}
    assert (await panel.refill(KEY, orders)).rows == expected
    assert (await panel.refill(KEY, ["pending"])).rows == {"pending": NOT_DONE}
    assert ledger_case.refill_requests == {"completed": 1, "partial": 1}


async def test_three_refills_of_an_order_and_one_at_a_time(
    panel: Panel, ledger_case: SimulatedPanel, clock: Clock
) -> None:
    ledger_case.add_order(SECRET, "a", status=OrderStatus.COMPLETED)
    for _ in range(3):
        assert isinstance((await panel.refill(KEY, ["a"])).rows["a"], Refill)
        clock.forward(59)
        assert (await panel.refill(KEY, ["a"])).rows == {"a": STILL_OPEN}
        clock.forward(1)
    assert (await panel.refill(KEY, ["a"])).rows == {"a": NO_MORE}
    assert ledger_case.refill_requests == {"a": 3}


@pytest.mark.parametrize("order", ["theirs", "absent"])
async def test_one_order_that_is_not_there(panel: Panel, ledger_case: SimulatedPanel, order: str) -> None:
    ledger_case.add_order("np-somebody-else-0123456789", "theirs")
    assert (await panel.cancel(KEY, [order])).rows == {order: NOT_FOUND}
    assert (await panel.status(KEY, [order])).rows == {order: NOT_FOUND}


async def test_keys(panel: Panel, ledger_case: SimulatedPanel) -> None:
    left, _ = await panel.balance(KEY)
    assert left == Balance("10.00", "USD")
    ledger_case.add_key("np-suspended-0123456789abcd", suspended=True)
    with pytest.raises(Suspended):
        await panel.balance(SecretStr("np-suspended-0123456789abcd"))
    ledger_case.revoke_key(SECRET)
    for key in (KEY, SecretStr("nonsense"), SecretStr("")):
        with pytest.raises(InvalidKey, match="Invalid API key"):
            await panel.balance(key)


async def test_every_call_is_remembered(panel: Panel, ledger_case: SimulatedPanel, clock: Clock) -> None:
    await panel.balance(KEY)
    clock.forward(1)
    await panel.cancel(KEY, ["a"])
    with pytest.raises(InvalidKey):
        await panel.status(SecretStr("nonsense"), ["a", "b"])
    assert [(call.action, call.key, call.orders, call.at) for call in ledger_case.calls] == [
        ("balance", SECRET, (), START),
        ("cancel", SECRET, ("a",), START + timedelta(seconds=1)),
        ("status", "nonsense", ("a", "b"), START + timedelta(seconds=1)),
    ]


async def test_the_limit_of_a_key(panel: Panel, ledger_case: SimulatedPanel, clock: Clock) -> None:
    ledger_case.add_order(SECRET, "a")
    reset = START + timedelta(minutes=1)
    for remaining in range(99, -1, -1):
        limits = (await panel.status(KEY, ["a"])).limits
        assert limits == Limits(100, remaining, reset, 1000)
    with pytest.raises(RateLimited, match="Rate limit exceeded") as caught:
        await panel.cancel(KEY, ["a"])
    assert (caught.value.layer, caught.value.reset) == ("key", reset)
    assert not ledger_case.cancel_requests
    ledger_case.add_key("np-another-key-0123456789ab")
    await panel.balance(SecretStr("np-another-key-0123456789ab"))
    clock.forward(60)
    assert (await panel.status(KEY, ["a"])).limits.remaining == 99


async def test_the_limit_of_an_address_counts_invalid_keys(panel: Panel, clock: Clock) -> None:
    for _ in range(300):
        with pytest.raises(InvalidKey):
            await panel.balance(SecretStr("nonsense"))
    for key in (KEY, SecretStr("nonsense")):
        with pytest.raises(RateLimited) as caught:
            await panel.balance(key)
        assert (caught.value.layer, caught.value.reset) == ("ip", START + timedelta(minutes=1))
    clock.forward(60)
    assert await balance(panel) == "10.00"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Missing required parameter: action"),
        ({"action": "refill"}, "Missing required parameter: order or orders"),
        ({"action": "cancel"}, "Missing required parameter: order or orders"),
        ({"action": "status", "orders": ","}, "Missing required parameter: order or orders"),
        ({"action": "cancel", "order": "a", "orders": "a,b"}, "Use either order or orders, not both"),
        ({"action": "status", "orders": ",".join(map(str, range(101)))}, "Too many orders: at most 100"),
        ({"action": "add"}, "Unknown action: add"),
    ],
)
async def test_a_request_that_must_be_mended(ledger_case: SimulatedPanel, form: Mapping[str, str], words: str) -> None:
    answer = await ledger_case.answer({"key": SECRET, **form})
    assert (answer.status, answer.body) == (400, f'{{"error": "{words}"}}')

    async def same(_form: Mapping[str, str]) -> Answer:
        return answer

    with pytest.raises(Refused, match=words):
        await Panel("https://panel.invalid/", transport=in_process(same)).cancel(KEY, ["a", "b"])


async def test_the_story_of_the_demo(clock: Clock) -> None:
    ledger_case, sample = sample_panel(clock)
    ledger_case.latency = 0
    key, orders = SecretStr(sample.key), list(sample.orders)
    assert len(sample.key) >= 24
    assert all(re.fullmatch("ord_[0-9A-HJKMNP-TV-Z]{26}", order) for order in orders)
    panel = Panel("https://panel.invalid/", transport=in_process(ledger_case.answer), clock=clock)
    accepted = (await panel.cancel(key, orders)).rows
    assert list(accepted.values()) == [Accepted(), Accepted(), Accepted(), TOO_LATE, NOT_POSSIBLE]

    async def words() -> list[str]:
        rows = (await panel.status(key, orders)).rows
        return [row.word for row in rows.values() if isinstance(row, OrderReading)]

    assert await words() == ["canceled", "in_progress", "in_progress", "completed", "in_progress"]
    clock.forward(6)
    assert await words() == ["canceled", "canceled", "in_progress", "completed", "in_progress"]
    clock.forward(3)
    assert await words() == ["canceled", "canceled", "completed", "completed", "in_progress"]
    refilled = (await panel.refill(key, orders)).rows
    assert [isinstance(row, Refill) for row in refilled.values()] == [False, False, True, True, False]
