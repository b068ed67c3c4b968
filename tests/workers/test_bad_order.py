"""One order that the panel fails at holds up no other, and is itself told as unclear."""

from collections import Counter
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.order_status import OrderStatus
from bot.ledger import Cancellation
from bot.panel import MAX_BATCH, Answer
from bot.workers.budget import Budget
from bot.workers.suspects import Suspects
from tests.world import KEY, Clock, World, messages, shown

SPOILT = [
    Answer(500, '{"error": "Internal error"}'),
    Answer(502, "<html>Bad gateway</html>"),
    Answer(200, "<html>Welcome</html>"),
    Answer(200, '{"ord_0": {"status": "in_prog'),
    httpx.ReadTimeout("no answer"),
    httpx.RemoteProtocolError("closed"),
]


@pytest.fixture
def orders(here: World) -> list[str]:
    return [here.order(f"ord_{number}") for number in range(10)]


@pytest.mark.usefixtures("env")
class TestChecks:
    """Status checks that fail because of one order."""

    @pytest.mark.parametrize("answer", SPOILT, ids=str)
    async def test_the_others_are_told_and_the_panel_is_not_blamed(
        self, here: World, ann: Any, orders: list[str], answer: Exception | Answer
    ) -> None:
        here.wire.spoilt = {("status", "ord_3"): answer}
        card = await ann.slash("cancel", orders=" ".join(orders))
        await here.wait(60)
        assert "9 cancelled · 1 checking" in shown(card)
        assert "can't be reached" not in shown(card)
        assert "can't read" not in shown(card)
        here.wire.spoilt = {}
        await here.wait(400, step=5)
        assert "10 cancelled" in shown(card) or "1 cancelled" in messages(ann)[-1]

    async def test_two_among_a_hundred(self, here: World, ann: Any) -> None:
        orders = [here.order(f"ord_{number:02}") for number in range(100)]
        here.wire.spoilt = {("status", order): SPOILT[0] for order in ("ord_07", "ord_63")}
        card = await ann.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
        await ann.click(card.response, label="Cancel 100 orders")
        await here.wait(300, step=5)
        assert "98 cancelled · 2 checking" in shown(card)

    async def test_a_culprit_stays_alone_and_is_asked_about_ever_more_rarely(
        self, here: World, ann: Any, orders: list[str]
    ) -> None:
        for order in orders:
            here.panel.orders[order].status = OrderStatus.IN_PROGRESS
        here.wire.spoilt = {("status", "ord_3"): SPOILT[0]}
        calls = Counter[str]()
        here.wire.tried = lambda action: calls.update([action])
        await ann.slash("cancel", orders=" ".join(orders))
        await here.wait(3600, step=5)
        assert "9 cancelled" in messages(ann)[-1]
        assert calls["status"] < 60

    async def test_what_the_panel_says_in_words_not_known_is_asked_about_ever_more_rarely(
        self, here: World, ann: Any
    ) -> None:
        here.order("ord_A")
        here.wire.spoilt = {
            ("cancel", "ord_A"): httpx.ReadTimeout("no answer"),
            ("status", "ord_A"): Answer(200, '{"status": "Sleeping"}'),
        }
        await ann.slash("cancel", orders="ord_A")
        calls = Counter[str]()
        here.wire.tried = lambda action: calls.update([action])
        await here.wait(3 * 3600, step=5)
        assert calls["cancel"] == 1
        assert calls["status"] < 300

    async def test_after_an_outage_orders_are_asked_about_together_again(self, here: World, ann: Any) -> None:
        orders = [here.order(f"ord_{number:02}", OrderStatus.IN_PROGRESS) for number in range(100)]
        card = await ann.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
        await ann.click(card.response, label="Cancel 100 orders")
        await here.settle()
        here.wire.broken = "status"
        await here.wait(1800, step=5)
        assert "can't be reached" in shown(card)
        here.wire.broken = None
        before = len(here.calls("status"))
        await here.wait(600, step=5)
        assert "Nothing waiting" in shown(await ann.slash("queued"))
        assert len(here.calls("status")) - before < 20


@pytest.mark.usefixtures("env")
class TestCancels:
    """Cancel calls that fail because of one order."""

    @pytest.mark.parametrize("answer", SPOILT, ids=str)
    async def test_the_others_are_cancelled_and_it_alone_ends_as_unclear(
        self, here: World, ann: Any, orders: list[str], answer: Exception | Answer
    ) -> None:
        here.wire.spoilt = {("cancel", "ord_3"): answer}
        card = await ann.slash("cancel", orders=" ".join(orders))
        await here.wait(900, step=10)
        assert "9 cancelled · 1 unclear" in shown(card)
        assert here.hasty() == []
        await here.wait(9 * 3600, step=60)
        assert here.panel.cancel_requests == {order: 1 for order in orders if order != "ord_3"}
        assert "/cancel` them to try once more" in shown(await ann.slash("queued"))

    async def test_a_list_that_fails_waits_between_its_calls(self, here: World, ann: Any) -> None:
        orders = [here.order(f"ord_{number:04}") for number in range(3_000)]
        here.wire.broken = "cancel"
        calls = Counter[str]()
        here.wire.tried = lambda action: calls.update([action])
        card = await ann.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
        await ann.click(card.response, label="Cancel 3,000 orders")
        await here.wait(60)
        assert calls["cancel"] <= 8 + 4 + 2 + 4  # fewer at once each time, and ever longer pauses
        here.wire.broken = None
        await here.wait(900, step=5)
        assert "3,000 cancelled" in shown(card) or "All 3,000" in messages(ann)[-1]
        assert here.hasty() == []

    async def test_no_pause_outlasts_a_clock_that_is_set_back_or_a_new_key(self, here: World, ann: Any) -> None:
        for order in ("ord_A", "ord_B", "ord_C"):
            here.order(order)
        here.wire.broken = "cancel"
        for _ in range(3):
            await ann.slash("cancel", orders="ord_A")
            await here.wait(40)
        here.wire.broken = None
        here.clock.now -= timedelta(hours=3)
        await ann.slash("cancel", orders="ord_B")
        await here.wait(5)
        assert here.panel.cancel_requests["ord_B"] == 1
        here.panel.revoke_key(KEY)
        await ann.slash("cancel", orders="ord_C")
        await here.wait(5)
        here.panel.add_key("np-another-key-000111", beside="")
        here.panel.orders["ord_C"].key = "np-another-key-000111"
        await here.connect(ann, "np-another-key-000111")
        await here.settle()
        assert here.panel.cancel_requests["ord_C"] == 1


class Row:
    """As much of a cancellation as is needed to choose it."""

    def __init__(self, number: int) -> None:
        self.id = number


@given(st.integers(1, 250), st.sets(st.integers(0, 249), max_size=5))
def test_all_but_the_culprits_are_answered_within_some_rounds(count: int, bad: set[int]) -> None:
    suspects, due = Suspects(), [cast(Cancellation, Row(number)) for number in range(count)]
    bad &= set(range(count))
    budget = Budget(Clock(), 10**6, 10**6)
    for _ in range(100 + 30 * len(bad)):
        call = budget.spend(1)
        rows = list(suspects.choose(1, due[:MAX_BATCH]))
        assert rows[0] is due[0]
        if bad.isdisjoint(row.id for row in rows):
            suspects.answered(1, rows, call)
            due = [row for row in due if row not in rows]
        else:
            suspects.failed(1, rows, call)
            due = [*(row for row in due if row not in rows), *rows]  # tried again later
        if not due:
            break
    assert {row.id for row in due} == bad


def test_what_another_account_suspects_is_nothing_here() -> None:
    suspects, rows = Suspects(), [cast(Cancellation, Row(number)) for number in range(10)]
    call = Budget(Clock(), 100, 100).spend(1)
    suspects.failed(1, rows, call)
    suspects.failed(1, rows, call)
    assert len(suspects.choose(1, rows)) == 5
    assert suspects.choose(2, rows) == rows


def test_a_culprit_is_found_out_under_a_new_key_as_well() -> None:
    budget = Budget(Clock(), 10**6, 10**6)
    budget.link(1, 1, b"a key")
    suspects, rows = Suspects(), [cast(Cancellation, Row(number)) for number in range(2)]
    for _ in range(3):
        suspects.failed(1, rows, budget.spend(1))
    budget.link(1, 1, b"another key")
    suspects.answered(1, rows[1:], budget.spend(1))
    for _ in range(2):
        suspects.failed(1, rows[:1], budget.spend(1))
    assert suspects.is_culprit(1, rows[:1])
