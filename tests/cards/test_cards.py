"""The cards over all states: nothing is claimed that is not proven, nothing exceeds Discord's limits."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.cards import request_card
from bot.cards.csv import OrdersCsv
from bot.cards.language import use_language
from bot.cards.pages import page_card
from bot.cards.text import code, quoted
from bot.domain.languages import Language
from bot.domain.refunds import Refund
from bot.domain.states import State
from bot.ledger import Cancellation, Listed, Reach
from bot.services.lists import PAGE_LENGTH
from tests.examples import (
    CLAIMS,
    HOSTILE,
    NOW,
    all_cards,
    keeps_discords_limits,
    key,
    last_page,
    order,
    ours,
    text_of,
    view,
)


@pytest.mark.parametrize("state", [state for state in State if state is not State.CANCELLED])
@pytest.mark.parametrize("words", [None, HOSTILE])
async def test_no_card_claims_an_end_that_no_status_has_proven(state: State, words: str | None) -> None:
    for card in all_cards([order(1, state, words=words), order(2, state, words=words)]):
        assert not any(claim in ours(card) for claim in CLAIMS)


async def test_what_is_proven_is_said() -> None:
    for card in all_cards([order(1, State.CANCELLED, status="Canceled")]):
        assert "### 1 cancelled" in text_of(card) or "### ✅ Cancelled: `ord_" in text_of(card)


async def test_a_mixed_card_counts_only_what_is_proven() -> None:
    for card in all_cards([order(1, State.CANCELLED), order(2, State.QUEUED), order(3, State.UNKNOWN)]):
        assert "### 1 cancelled · 1 waiting · 1 unclear" in text_of(card)
        assert "✅ **Cancelled** (1)" in text_of(card)


@pytest.mark.parametrize("count", [1, 12, 100, 200, 2_000])
@pytest.mark.parametrize("states", [[State.QUEUED], [State.REFUSED], [State.CANCELLED], list(State)], ids=len)
@pytest.mark.parametrize("words", [None, HOSTILE])
@pytest.mark.parametrize("in_trouble", [False, True])
async def test_every_card_keeps_discords_limits(
    count: int, states: list[State], words: str | None, in_trouble: bool
) -> None:
    orders = [order(n, states[n % len(states)], words=words and f"={n % 7} {words}") for n in range(count)]
    for card in all_cards(orders, in_trouble=in_trouble):
        keeps_discords_limits(card)
        if not all(row.order_id in text_of(card) for row in orders):
            assert f"Show all {len(orders)}" in text_of(card).replace(",", "") or in_trouble


def rich(row: Cancellation) -> Cancellation:
    """Return an order of which as much money came back as can be told of."""
    return replace(row, refund=Refund.CHARGE, charge_first=f"{'9' * 12}.{'9' * 8}", charge_last="0", currency=HOSTILE)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("words", [None, HOSTILE])
@pytest.mark.parametrize("state", State)
async def test_every_page_keeps_discords_limits_in_every_language(
    language: Language, words: str | None, state: State
) -> None:
    row, names = rich(order(1, state, words=words, status=HOSTILE)), {1: key(1).name}
    with use_language(language):
        keeps_discords_limits(page_card(last_page([Listed(1, 1, row.order_id, row)] * PAGE_LENGTH), names))


@pytest.mark.parametrize("state", State)
async def test_the_panels_words_stand_only_where_they_still_hold(state: State) -> None:
    line = Listed(1, 1, "ord_1", order(1, state, words="Too many requests"))
    table = OrdersCsv()
    table.add([line])
    page = page_card(last_page([line]), {1: key(1).name})
    for text in (table.file("list.csv").fp.read().decode("utf-8-sig"), text_of(page)):
        assert ("Too many requests" in text) == (state in (State.REFUSED, State.UNKNOWN, State.EXPIRED))


@pytest.mark.parametrize("words", [None, HOSTILE])
async def test_a_list_as_a_file_holds_every_order_and_no_formula(words: str | None) -> None:
    states = list(State)
    orders = [order(n, states[n % len(states)], words=words and f"={n % 7} {words}") for n in range(200)]
    table = OrdersCsv()
    table.add([Listed(row.id, row.account_id, row.order_id, row) for row in orders])
    table.add([Listed(200, 1, "ord_waiting", None)])
    text = table.file("list.csv").fp.read().decode("utf-8-sig")
    assert all(row.order_id in text for row in orders)
    assert "ord_waiting,Not sent yet" in text
    assert not re.search(r'(?m)(^|,)"?[=+@-]', text)


async def test_a_long_list_shows_how_much_is_sent_and_about_how_long_the_rest_takes() -> None:
    text = text_of(request_card(view([order(n, State.ACCEPTED) for n in range(10_000)], in_trouble=False)))
    assert "▰" not in text
    request = replace(view([]).request, orders=100_000, waiting=57_000)
    going = replace(view([order(1, State.ACCEPTED)]), request=request, waiting=("ord_A",))
    text = text_of(request_card(going))
    assert "▰▰▰▰▱▱▱▱▱▱\n43,000 of 100,000 sent\n" in text
    assert "Stop sending" in text


@pytest.mark.parametrize("is_paused", [False, True])
def test_an_end_is_promised_only_while_somebody_watches(is_paused: bool) -> None:
    shown = view([order(1, State.QUEUED)], in_trouble=is_paused)
    text = text_of(request_card(replace(shown, reach=Reach.DM)))
    assert ("Paused: NotPanel rejects your key" in text) is is_paused
    assert ("I'll DM you" in text) is not is_paused


@pytest.mark.parametrize(
    ("taken", "by_limits", "said"),
    [(1, 9, ""), (60, 0, "about 80 s left"), (1, 42, "about 45 s left"), (600, 0, "about 14 min left")],
)
async def test_the_time_left_is_by_the_limits_or_as_it_has_gone_so_far(taken: int, by_limits: int, said: str) -> None:
    going = view([order(1, State.ACCEPTED)])
    request = replace(going.request, orders=100_000, waiting=57_000, began_at=NOW - timedelta(seconds=taken))
    text = text_of(request_card(replace(going, request=request, sent_by=NOW + timedelta(seconds=by_limits))))
    assert f"sent{said and f' · {said}'}\n" in text


@given(st.text(max_size=400))
def test_foreign_words_stay_inside_inline_code(words: str) -> None:
    shown = code(words)
    if shown != "(no words)":
        assert shown[0] == shown[-1] == "`"
        assert not re.search(r"[`\x00-\x1f\u061c\u202a-\u202e\u2060-\u2069]", shown[1:-1])
        assert len(shown) <= 202


@pytest.mark.parametrize("mark", ["\u061c", "\u2060", "\u202e", "\0", "\x1b"])
def test_marks_that_nobody_sees_are_left_out_of_foreign_words(mark: str) -> None:
    assert mark not in code(f"on{mark}hold") + quoted(f"on{mark}hold")


async def test_of_very_many_orders_a_card_names_only_a_few() -> None:
    for card in all_cards([order(n, State.CANCELLED) for n in range(101)]):
        assert text_of(card).count("`ord_") == 5
        assert "-# + 96 more" in text_of(card)
        assert "Show all 101" in text_of(card)
    for card in all_cards([order(n, list(State)[n % 4]) for n in range(100)]):
        assert 5 < text_of(card).count("`ord_") <= 10
    for card in all_cards([order(n, State.CANCELLED) for n in range(5)]):
        assert text_of(card).count("`ord_") == 5
        assert "more\n" not in text_of(card)
        assert "Show all" not in text_of(card)


async def test_an_id_has_a_line_of_its_own_and_a_message_stands_once() -> None:
    orders = [
        order(n, State.REFUSED, words="No *such* order" if n < 3 else "Order already completed") for n in range(4)
    ]
    for card in all_cards(orders):
        assert re.findall(r"(?m)^`ord_[0-9]+`", text_of(card)) == [f"`{row.order_id}`" for row in orders]
        assert text_of(card).count("“No \\*such\\* order”") == 1


@given(st.text(max_size=400))
def test_quoted_words_stay_what_they_are(words: str) -> None:
    shown = quoted(words)
    if shown != "(no words)":
        assert shown[0] + shown[-1] == "“”"
        assert not re.search(r"[`\x00-\x1f\u061c\u202a-\u202e\u2060-\u2069“”]", shown[1:-1])
        assert not re.search(r"(?<!\\)[*_~|<>\[\]()#:]|@(?!\u200b)", re.sub(r"\\\\", "", shown))
        assert len(shown) <= 2 * 160 + 2
