"""The cards over all states: nothing is claimed that is not proven, nothing exceeds Discord's limits."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simcord.components import walk_components

from bot.accounts import OpenView
from bot.cancels import RequestView
from bot.records import HistoryView, LooksView
from bot.states import State
from bot.store import (
    Account,
    AccountState,
    Cancellation,
    Group,
    Groups,
    Listed,
    Notice,
    NoticeState,
    Report,
    Request,
    RequestState,
    Trouble,
)
from bot.store.rows import MOST_SHOWN
from bot.ui.cards import history_card, looks_card, notice_card, open_card, request_card
from bot.ui.csv import OrdersCsv
from bot.ui.layout import CardView
from bot.ui.text import code

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "**Refunded** [click](https://x.example) `code` @everyone \u202e>\n# cancelled ord_1 =1+1 " * 4
CLAIMS = ("refund", "cancelled", "canceled")


def order(
    number: int, state: State, *, words: str | None = None, status: str | None = "In progress", doubts: int = 0
) -> Cancellation:
    """Return an order with the longest ID there is."""
    ended = None if state.is_open else NOW
    return Cancellation(
        id=number,
        request_id=1 + number % 2,
        account_id=1,
        order_id=f"ord_{number:064}",
        state=state,
        attempts=1,
        doubts=doubts,
        words=words,
        status_word=status,
        remains="650",
        charge_first="0.50",
        charge_last="0.20",
        currency="USD",
        created_at=NOW,
        changed_at=NOW,
        sent_at=NOW,
        looked_at=NOW,
        queued_at=NOW,
        ended_at=ended,
        other_key=False,
    )


def grouped(orders: Sequence[Cancellation]) -> Groups:
    """Group orders the way the ledger does."""
    states = {row.told_as for row in orders}
    groups = {state: [row for row in orders if row.told_as is state] for state in states}
    return {state: Group(len(rows), tuple(rows[:MOST_SHOWN])) for state, rows in groups.items()}


def view(orders: Sequence[Cancellation], *, in_trouble: bool = False) -> RequestView:
    """Return what a card shows, with everything that can stand beside the orders if in trouble."""
    state = AccountState.REJECTED if in_trouble else AccountState.ACTIVE
    account = Account(1, 7, b"sealed", state, Trouble.RATE_LIMITED if in_trouble else None, NOW, None)
    junk = tuple(f"{number:07}…" for number in range(50)) if in_trouble else ()
    waiting = 90_000 if in_trouble else 0
    named = len(orders) + waiting
    request = Request(
        1, 1, 7, RequestState.GOING, named, waiting, junk, len(junk), 9, None, 5, b"", NOW, 0, 0, NOW, NOW
    )
    ids = tuple(f"ord_{number:064}" for number in range(min(waiting, MOST_SHOWN)))
    return RequestView(request, account, grouped(orders), ids, len(orders) if in_trouble else 0, NOW)


def all_cards(orders: Sequence[Cancellation], *, in_trouble: bool = False) -> list[CardView]:
    """Return every card that shows orders."""
    groups = grouped(orders)
    pauses = (AccountState.REJECTED, AccountState.SUSPENDED) if in_trouble else ()
    report = Report(pauses, groups if in_trouble else {}, groups)
    notice = Notice(3, 7, "0123456789", NoticeState.SENDING, 1, NOW, NOW)
    waiting = tuple(f"ord_{number}" for number in range(MOST_SHOWN)) if in_trouble else ()
    return [
        request_card(view(orders, in_trouble=in_trouble)),
        notice_card(report, notice),
        open_card(OpenView(groups, waiting, 1_000 if in_trouble else 0)),
        looks_card(LooksView(OpenView(groups, waiting, len(waiting)), True, NOW)),
        history_card(HistoryView(30, None, groups, len(waiting))),
    ]


def parts_of(card: CardView) -> list[dict[str, Any]]:
    """Return all components of a card, nested ones too."""
    return list(walk_components(card.view.to_components()))


def text_of(card: CardView) -> str:
    """Return all that a card says."""
    return "\n".join(part.get("content") or part.get("label") or "" for part in (*parts_of(card), *options_of(card)))


def options_of(card: CardView) -> list[dict[str, Any]]:
    """Return what can be chosen from a card's menus."""
    return [option for part in parts_of(card) for option in part.get("options", ())]


def ours(card: CardView) -> str:
    """Return what a card says in our own words: the panel's stand in inline code."""
    return re.sub(r"`[^`]*`", "", text_of(card)).casefold()


@pytest.mark.parametrize("state", [state for state in State if state is not State.REFUNDED])
@pytest.mark.parametrize("words", [None, HOSTILE])
async def test_no_card_claims_an_end_that_no_status_has_proven(state: State, words: str | None) -> None:
    for card in all_cards([order(1, state, words=words), order(2, state, words=words)]):
        assert not any(claim in ours(card) for claim in CLAIMS)


async def test_what_is_proven_is_said() -> None:
    for card in all_cards([order(1, State.REFUNDED, status="Canceled")]):
        assert "**1** refunded" in text_of(card)


async def test_a_mixed_card_counts_only_what_is_proven() -> None:
    for card in all_cards([order(1, State.REFUNDED), order(2, State.QUEUED), order(3, State.UNKNOWN)]):
        assert "**1** refunded" in text_of(card)
        assert "**Refunded** (1)" not in text_of(card)  # the heading has its sign
        assert "✅ Refunded** (1)" in text_of(card)


@pytest.mark.parametrize("count", [1, 12, 100, 200, 2_000])
@pytest.mark.parametrize("states", [[State.QUEUED], [State.REFUSED], [State.REFUNDED], list(State)], ids=len)
@pytest.mark.parametrize("words", [None, HOSTILE])
@pytest.mark.parametrize("in_trouble", [False, True])
async def test_every_card_keeps_discords_limits(
    count: int, states: list[State], words: str | None, in_trouble: bool
) -> None:
    orders = [order(n, states[n % len(states)], words=words and f"={n % 7} {words}") for n in range(count)]
    for card in all_cards(orders, in_trouble=in_trouble):
        assert len(parts_of(card)) <= 40
        assert len(options_of(card)) <= 25
        assert all(len(part["components"]) <= 5 for part in parts_of(card) if part["type"] == 1)
        assert sum(len(part.get("content", "")) for part in parts_of(card)) <= 4_000
        if not all(row.order_id in text_of(card) for row in orders):
            assert "Whole list (CSV)" in text_of(card)


@pytest.mark.parametrize("words", [None, HOSTILE])
async def test_a_list_as_a_file_holds_every_order_and_no_formula(words: str | None) -> None:
    states = list(State)
    orders = [order(n, states[n % len(states)], words=words and f"={n % 7} {words}") for n in range(200)]
    table = OrdersCsv()
    table.add([Listed(row.id, row.order_id, row) for row in orders])
    table.add([Listed(200, "ord_waiting", None)])
    text = table.file("list.csv").fp.read().decode("utf-8-sig")
    assert all(row.order_id in text for row in orders)
    assert "ord_waiting,Waiting to be sent" in text
    assert not re.search(r'(?m)(^|,)"?[=+@-]', text)


async def test_a_long_list_shows_how_much_is_sent_and_what_the_limits_allow() -> None:
    text = text_of(request_card(view([order(n, State.ACCEPTED) for n in range(10_000)], in_trouble=False)))
    assert "sent" not in text.split("\n")[2]
    request = replace(view([]).request, orders=100_000, waiting=57_000)
    going = replace(view([order(1, State.ACCEPTED)]), request=request, waiting=("ord_A",))
    text = text_of(request_card(going))
    assert "▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱ 43,000 of 100,000 sent" in text
    assert f"go <t:{int(NOW.timestamp())}:R> at the earliest" in text
    assert "Stop sending" in text


@given(st.text(max_size=400))
def test_foreign_words_stay_inside_inline_code(words: str) -> None:
    shown = code(words)
    if shown != "(no words)":
        assert shown[0] == shown[-1] == "`"
        assert not re.search(r"[`\n\r\u202a-\u202e\u2066-\u2069]", shown[1:-1])
        assert len(shown) <= 202


async def test_of_very_many_orders_a_card_names_only_a_few() -> None:
    for card in all_cards([order(n, State.REFUNDED) for n in range(101)]):
        assert text_of(card).count("`ord_") == 24
        assert "… and 77 more, in the list" in text_of(card)
    for card in all_cards([order(n, State.REFUNDED) for n in range(25)]):
        assert text_of(card).count("`ord_") == 25
