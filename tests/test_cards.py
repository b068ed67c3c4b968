"""The cards over all states: nothing is claimed that is not proven, nothing exceeds Discord's limits."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simcord.components import walk_components

from bot.cancels import RequestView
from bot.states import State
from bot.store import (
    Account,
    AccountState,
    Cancellation,
    NoticeItem,
    NoticeKind,
    Request,
    RequestState,
    Trouble,
)
from bot.ui.cards import notice_card, open_card, request_card
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
        queued_at=NOW,
        ended_at=ended,
        other_key=False,
    )


def view(orders: Sequence[Cancellation], *, in_trouble: bool = False) -> RequestView:
    """Return what a card shows, with everything that can stand beside the orders if in trouble."""
    state = AccountState.REJECTED if in_trouble else AccountState.ACTIVE
    account = Account(1, 7, b"sealed", state, Trouble.RATE_LIMITED if in_trouble else None, NOW)
    junk = tuple(f"{number:07}…" for number in range(50)) if in_trouble else ()
    request = Request(1, 1, 7, RequestState.GOING, (), junk, len(junk), 9, None, 5, None, NOW, 0, 0, NOW)
    return RequestView(request, account, tuple(orders))


def all_cards(orders: Sequence[Cancellation], *, in_trouble: bool = False) -> list[CardView]:
    """Return every card that shows orders."""
    kinds = (NoticeKind.ENDED, NoticeKind.OVERDUE) if in_trouble else (NoticeKind.ENDED,)
    items = [NoticeItem(kind, row) for row in orders for kind in kinds]
    if in_trouble:
        items += [NoticeItem(NoticeKind.REJECTED, None), NoticeItem(NoticeKind.SUSPENDED, None)]
    return [
        request_card(view(orders, in_trouble=in_trouble)),
        notice_card(items, "ref 0123456789"),
        open_card(orders),
    ]


def parts_of(card: CardView) -> list[dict[str, Any]]:
    """Return all components of a card, nested ones too."""
    return list(walk_components(card.view.to_components()))


def text_of(card: CardView) -> str:
    """Return all that a card says."""
    return "\n".join(part.get("content") or part.get("label") or "" for part in parts_of(card))


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
        assert sum(len(part.get("content", "")) for part in parts_of(card)) <= 4_000
        if not all(row.order_id in text_of(card) for row in orders):
            (file,) = card.files
            listed = file.fp.read().decode("utf-8-sig")
            assert all(row.order_id in listed for row in orders)
            assert not re.search(r'(?m)(^|,)"?[=+@-]', listed)


@given(st.text(max_size=400))
def test_foreign_words_stay_inside_inline_code(words: str) -> None:
    shown = code(words)
    if shown != "(no words)":
        assert shown[0] == shown[-1] == "`"
        assert not re.search(r"[`\n\r\u202a-\u202e\u2066-\u2069]", shown[1:-1])
        assert len(shown) <= 202
