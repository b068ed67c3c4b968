"""Cancelled is not refunded: money is said to be back only where that is proven, everywhere and in every language."""

import csv
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.csv import OrdersCsv
from bot.cards.language import _, use_language
from bot.cards.pages import page_card
from bot.cards.words import REFUND_NOT_KNOWN, REFUND_NOT_SHOWN
from bot.demo.panel import Upstream
from bot.domain.languages import Language
from bot.domain.order_status import OrderStatus
from bot.domain.refunds import PENDING_PROVES, Refund, came_back, proof
from bot.domain.states import State
from bot.ledger import Cancellation, Listed
from bot.ops.metrics import label_counts
from bot.panel import Answer
from tests.examples import all_cards, last_page, order, ours
from tests.invariants import breaches
from tests.world import KEY, World, messages, orders_of, shown

FELL = "\u2212"  # a charge that is less by so much
SAYS_REFUNDED = {
    Language.ENGLISH: "refund",
    Language.TURKISH: "iade",
    Language.SPANISH: "reembols",
    Language.PORTUGUESE: "reembols",
    Language.HINDI: "रिफ़ंड",
    Language.INDONESIAN: "refund",
    Language.RUSSIAN: "возвращ",
    Language.VIETNAMESE: "đã hoàn",
    Language.ARABIC: "سترد",
}
"""How each language begins to say that money came back."""

Reading = tuple[str, str | None, str | None]
"""A status word, the charge and its currency, as the panel writes them."""

PENDING: Reading = ("pending", "0.50", "USD")
RUNNING: Reading = ("in_progress", "0.50", "USD")
STOPPED: Reading = ("cancelled", "0.50", "USD")
LESS: Reading = ("canceled", "0.18", "USD")

NUMBER = "1234567"
"""A number is asked about first, so its question has a preview."""


def saying(reading: Reading) -> Callable[[Answer], Answer]:
    """Return a fault by which the panel's answer about one order says that instead."""
    told = {name: value for name, value in zip(("status", "charge", "currency"), reading, strict=True) if value}
    return lambda answer: replace(answer, status=200, body=json.dumps(told))


def passed_on(answer: Answer) -> Answer:
    """Let a call through."""
    return answer


async def cancelled(here: World, ann: Any, before: Reading | None, after: Sequence[Reading], pause: float = 0) -> Any:
    """Have one order cancelled, of which the panel says that before it is sent and that after; return its card."""
    order = here.order(NUMBER if before else "ord_A", OrderStatus.IN_PROGRESS)
    here.wire.faults = [*([saying(before)] if before else []), passed_on, *map(saying, after)]
    card = await ann.slash("cancel", orders=order)
    await here.settle()
    if before:
        await here.wait(pause, step=30)
        await ann.click(card.response, label="Cancel 1 order")
        await here.settle()
    while here.sql("SELECT 1 FROM cancellations WHERE ended_at IS NULL"):
        await here.wait(20, step=20)
    assert here.wire.faults == []
    return card


@pytest.mark.parametrize(
    ("before", "after", "pause", "refund", "back"),
    [
        # The word says so, whatever was seen before.
        (None, [("Refunded", None, None)], 0, Refund.WORD, ""),
        (RUNNING, [RUNNING, ("refunded", "0.50", "USD")], 0, Refund.WORD, ""),
        # The charge has fallen between two readings.
        (None, [RUNNING, LESS], 0, Refund.CHARGE, "0.32 of 0.50 USD"),
        (RUNNING, [LESS], 0, Refund.CHARGE, "0.32 of 0.50 USD"),
        (PENDING, [("cancelled", "0", "USD")], 0, Refund.CHARGE, "0.50 of 0.50 USD"),
        (None, [RUNNING, ("refunded", "0.00", "USD")], 0, Refund.CHARGE, "0.50 of 0.50 USD"),
        (None, [RUNNING, ("partial", "0.18", "USD")], 0, Refund.CHARGE, "0.32 of 0.50 USD"),
        (None, [("in_progress", "0.5", None), ("cancelled", "0.18", None)], 0, Refund.CHARGE, "0.32 of 0.5"),
        # It was pending when it was sent, and cancelled when next seen.
        (PENDING, [STOPPED], 0, Refund.PENDING, ""),
        (PENDING, [STOPPED], 240, Refund.PENDING, ""),
        # Nothing of that.
        (None, [STOPPED], 0, None, ""),
        (None, [("cancelled", "0.00", "USD")], 0, None, ""),
        (None, [RUNNING, STOPPED], 0, None, ""),
        (RUNNING, [STOPPED], 0, None, ""),
        (PENDING, [STOPPED], 360, None, ""),
        (PENDING, [RUNNING, STOPPED], 0, None, ""),
        (PENDING, [PENDING, STOPPED], 0, None, ""),
        (PENDING, [("Awaiting", "0.50", "USD"), STOPPED], 0, None, ""),
        (None, [RUNNING, ("cancelled", "0.60", "USD")], 0, None, ""),
        (None, [RUNNING, ("cancelled", "0.18", "EUR")], 0, None, ""),
        (None, [RUNNING, ("cancelled", "0.18", None)], 0, None, ""),
        (None, [("in_progress", "0.50", "EUR"), RUNNING, STOPPED], 0, None, ""),
        (None, [("in_progress", "0,50", "USD"), LESS], 0, None, ""),
        (None, [RUNNING, ("cancelled", "-0.10", "USD")], 0, None, ""),
        (None, [RUNNING, ("cancelled", "free", "USD")], 0, None, ""),
        (None, [("in_progress", None, None), ("cancelled", "0.00", "USD")], 0, None, ""),
        (PENDING, [("partial", "0.50", "USD")], 0, None, ""),
        (None, [RUNNING, ("failed", "0.50", "USD")], 0, None, ""),
        (PENDING, [("completed", "0.50", "USD")], 0, None, ""),
    ],
)
async def test_refunded_is_said_only_where_it_is_proven(
    here: World,
    ann: Any,
    before: Reading | None,
    after: Sequence[Reading],
    pause: float,
    refund: Refund | None,
    back: str,
) -> None:
    card = await cancelled(here, ann, before, after, pause)
    (row,) = await orders_of(here.app.ledger.read, 1)
    assert row.refund is refund
    assert breaches(here.sql) == {}
    assert label_counts(here.app.services.metrics.refunds) == ({refund: 1} if refund else {})
    not_known = row.state is State.CANCELLED and not refund
    for text in filter(None, [shown(card), "".join(messages(ann))]):
        assert (REFUND_NOT_KNOWN in text) == not_known, text
        said = text.replace(REFUND_NOT_KNOWN, "")
        assert ("refunded" in said or FELL in said) == bool(refund), text
        assert back.split(" ")[0] in said, text
    for language in Language:
        with use_language(language):
            for text in surfaces(row):
                for unknown in (REFUND_NOT_KNOWN, REFUND_NOT_SHOWN):
                    text = text.replace(_(unknown).casefold(), "")
                said = re.sub("[\u064b-\u0652]", "", text)  # Arabic vowel signs
                assert (SAYS_REFUNDED[language] in said or FELL in said) == bool(refund), text
    (line,) = in_file(row)
    assert (line["refund"], line["refund_amount"]) == (refund or "", back.split(" ")[0])


async def test_pending_before_another_user_sent_it_with_the_same_key_proves_nothing(here: World, ann: Any) -> None:
    bob = here.env.create_user("bob")
    await here.connect(bob, KEY)
    here.order(NUMBER, OrderStatus.IN_PROGRESS, upstream=Upstream(after=timedelta(hours=5)))
    here.wire.faults = [saying(PENDING), saying(PENDING)]
    cards: list[Any] = []
    for user in (ann, bob):
        cards.append(await user.slash("cancel", orders=NUMBER))
        await here.settle()
    here.wire.faults = [passed_on, saying(RUNNING)]
    await ann.click(cards[0].response, label="Cancel 1 order")
    while here.wire.faults:
        await here.wait(5, step=5)
    here.wire.faults = [saying(STOPPED)]
    await bob.click(cards[1].response, label="Cancel 1 order")
    await here.wait(5, step=5)
    assert here.sql("SELECT state, refund FROM cancellations ORDER BY id") == [("queued", None), ("cancelled", None)]


def surfaces(row: Cancellation) -> list[str]:
    """Return what every card and page says of an order."""
    page = page_card(last_page([Listed(1, 1, row.order_id, row)]), {})
    return [ours(card) for card in (*all_cards([row]), page)]


def in_file(*rows: Cancellation) -> list[dict[str, str]]:
    """Return the lines of a file of orders."""
    table = OrdersCsv()
    table.add([Listed(row.id, row.account_id, row.order_id, row) for row in rows])
    return list(csv.DictReader(table.file("orders.csv").fp.read().decode("utf-8-sig").splitlines()))


@pytest.mark.parametrize("language", Language)
def test_each_group_says_once_of_which_orders_nobody_knows(language: Language) -> None:
    proven = [replace(order(n, State.CANCELLED), refund=Refund.PENDING) for n in range(3)]
    others = [order(n, State.CANCELLED) for n in range(3, 6)]
    with use_language(language):
        for orders, note in (
            (proven, None),
            (others, REFUND_NOT_KNOWN),
            ([*proven, *others], REFUND_NOT_SHOWN),
            ([replace(one, id=n) for n in range(200) for one in proven[:1]], REFUND_NOT_SHOWN),
            ([replace(one, id=n) for n in range(200) for one in others[:1]], REFUND_NOT_SHOWN),
        ):
            for card in all_cards(orders):
                notes = [ours(card).count(_(one).casefold()) for one in (REFUND_NOT_KNOWN, REFUND_NOT_SHOWN)]
                assert notes == [note == REFUND_NOT_KNOWN, note == REFUND_NOT_SHOWN]


async def test_an_order_seen_pending_between_two_sends_proves_it(here: World, ann: Any) -> None:
    """The first call is lost on its way; the panel names no charge."""
    here.order("ord_A")
    here.wire.faults = [httpx.ReadTimeout("slow"), *[without_charge] * 50]
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(600, step=20)
    assert len(here.cancel_calls()) == 1
    assert here.sql("SELECT state, refund FROM cancellations") == [("cancelled", "pending")]
    assert "`ord_A` · refunded" in shown(card)


def without_charge(answer: Answer) -> Answer:
    """Leave the charge out of what the panel says of an order."""
    body = json.loads(answer.body)
    body.pop("charge", None)
    return replace(answer, body=json.dumps(body))


money = st.decimals(min_value=0, max_value=10**9, places=2).map(str)


@given(money, money)
def test_what_came_back_is_the_difference(first: str, last: str) -> None:
    back = came_back(first, last)
    assert (back is not None) == (Decimal(last) < Decimal(first))
    assert back is None or Decimal(last) + back == Decimal(first)


@given(st.none() | st.text() | money, st.none() | st.text() | money)
def test_what_is_no_plain_number_proves_nothing(first: str | None, last: str | None) -> None:
    plain = all(text is not None and re.fullmatch(r"[0-9]+(\.[0-9]+)?", text, re.ASCII) for text in (first, last))
    assert plain or came_back(first, last) is None


@pytest.mark.parametrize("status", OrderStatus)
def test_pending_before_proves_a_refund_only_of_what_is_cancelled(status: OrderStatus) -> None:
    expected = {OrderStatus.CANCELLED: Refund.PENDING, OrderStatus.REFUNDED: Refund.WORD}.get(status)
    assert proof(status, "0.50", "0.50", PENDING_PROVES) is expected
    late = proof(status, "0.50", "0.50", PENDING_PROVES + timedelta(seconds=1))
    assert late is (Refund.WORD if status is OrderStatus.REFUNDED else None)
