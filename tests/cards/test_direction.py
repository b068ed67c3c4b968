"""Arabic runs from right to left; what people copy, press and pay in it does not."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.answers import ids_card
from bot.cards.csv import OrdersCsv
from bot.cards.direction import MARKS, isolate, isolate_typed, right_to_left
from bot.cards.language import _, plural, use_language
from bot.cards.layout import CardView
from bot.cards.mentions import CommandIds, use_commands
from bot.cards.money import sums
from bot.cards.pages import page_card
from bot.cards.text import ago, code, quoted
from bot.demo.locale import set_locale
from bot.domain.languages import RIGHT_TO_LEFT, Language
from bot.domain.order_ids import visible
from bot.domain.states import State
from bot.ledger import Listed, ListKind
from tests.cards.test_sizes import plain_cards
from tests.examples import all_cards, grouped, last_page, order, overview_cards, parts_of, text_of
from tests.world import World, messages, shown

FSI, LRI, RLI, PDI, RLM = "\u2068", "\u2066", "\u2067", "\u2069", "\u200f"
TYPED = r"`[^`\n]+`|<t:[^>]+>|</[^>]+>|[+\u2212]?[0-9.]+ USD"
"""What is copied, pressed, shown as a time, or paid."""


def cards() -> Iterator[CardView]:
    """Yield cards with orders in every state, and those that say the same to everybody."""
    orders = [order(n, state) for n, state in enumerate(State)]
    yield from all_cards(orders)
    yield from all_cards(orders, in_trouble=True)
    yield from overview_cards(orders)
    yield page_card(last_page([Listed(one.id, 1, one.order_id, one) for one in orders]), {1: "main", 2: "shop2"})
    yield from plain_cards()


def outside_isolates(line: str) -> str:
    """Return what of a line takes the line's own direction; fail where an isolate is closed twice or never."""
    depth, bare = 0, ""
    for character in line:
        depth += (character in FSI + LRI) - (character == PDI)
        assert depth >= 0, ascii(line)
        bare += character if not depth else ""
    assert depth == 0, ascii(line)
    return bare


def lines_of(card: CardView) -> Iterator[str]:
    """Yield the lines of a card that are no block of code."""
    for part in parts_of(card):
        yield from re.sub(r"```.*?```", "", part.get("content", ""), flags=re.DOTALL).splitlines()


def test_in_arabic_every_line_says_its_direction_and_nothing_to_copy_takes_it() -> None:
    with use_language(Language.ARABIC):
        lines = [line for card in cards() for line in lines_of(card) if line]
    assert lines
    for line in lines:
        assert re.match(rf"(?:### |-# |- |\d\. )?{RLM}{RLI}[^#]", line), ascii(line)
        bare = outside_isolates(line)
        assert not re.search(TYPED, bare), ascii(line)


def test_copied_ids_amounts_and_custom_ids_have_no_marks() -> None:
    with use_language(Language.ARABIC):
        for card in cards():
            text = text_of(card)
            for copied in re.findall(r"`[^`\n]+`|<[^>\n]*>", text):
                assert not set(copied) & set(MARKS), ascii(copied)
            assert not any(set(part.get("custom_id", "")) & set(MARKS) for part in parts_of(card))
        (block,) = re.findall(r"```(.*?)```", text_of(ids_card(["ord_1", "9"], State.QUEUED, ListKind.OPEN, 0)), re.S)
    assert block == "\nord_1\n9\n"


def test_files_have_no_marks() -> None:
    table = OrdersCsv()
    with use_language(Language.ARABIC):
        table.add(
            [
                Listed(1, 1, one.order_id, one)
                for group in grouped([order(1, State.FAILED)]).values()
                for one in group.first
            ]
        )
        file = table.file("orders.csv").fp.read().decode("utf-8-sig")
    assert not set(file) & set(MARKS)


@pytest.mark.parametrize("language", [one for one in Language if one not in RIGHT_TO_LEFT])
def test_other_languages_have_no_marks(language: Language) -> None:
    with use_language(language):
        for card in cards():
            assert not set(text_of(card)) & set(MARKS)


def test_values_commands_and_counts_are_isolated_in_a_sentence() -> None:
    use_commands(ids := CommandIds())
    ids.update({"queued": 7})
    with use_language(Language.ARABIC):
        sentence = _("`/queued` and `/cancel`: {amount} of {count}", amount="\u22120.50 USD", count=1_234)
        counted = plural("{count} ID", "{count} IDs", 2)
    assert sentence == (f"{LRI}</queued:7>{PDI} and {LRI}`/cancel`{PDI}: {FSI}\u22120.50 USD{PDI} of {FSI}1,234{PDI}")
    assert counted == f"{FSI}2{PDI} IDs"


def test_what_is_isolated_once_is_not_isolated_again() -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    with use_language(Language.ARABIC):
        for value in (code("ord_1"), quoted("Order not found"), ago(when), sums({"USD": Decimal("0.50")})):
            assert (value[0], value[-1], value.count(FSI)) == (FSI, PDI, 1)
            assert _("asked {when}", when=value).count(FSI) == 1


def test_markup_at_the_beginning_of_a_line_still_works() -> None:
    text = "### one\n-# two\n\n- three\n> four\n```\nord_1\n```\n1. five"
    assert right_to_left(text).replace(RLM + RLI, "|") == (
        "### |one\n-# |two\n\n- |three\n> |four\n```\nord_1\n```\n1. |five"
    )


@given(text=st.text(st.sampled_from("ab \u06271`#-> \n/<:" + MARKS)))
def test_the_marks_change_nothing_that_is_seen(text: str) -> None:
    for marked in (isolate(text), isolate_typed(text), right_to_left(text)):
        assert re.sub(f"[{MARKS}]", "", marked) == re.sub(f"[{MARKS}]", "", text)


async def test_a_client_in_arabic_is_answered_in_it_and_its_copied_lines_are_understood(here: World, ann: Any) -> None:
    set_locale(here.env, ann.id, "ar")
    here.order("ord_0001", "Pending")
    await ann.slash("cancel", orders="ord_0001")
    await here.settle()
    await here.wait(60)
    page = shown(await ann.slash("history"))
    assert f"{RLM}{RLI}" in page
    line = next(line for line in page.splitlines() if "ord_0001" in line)
    assert visible(line).count("ord_0001") == 1
    here.order("ord_0002", "Pending")
    again = await ann.slash("status", orders=f"{line.replace('`', '')} ord_0002")
    assert "`ord_0001`" in shown(again)
    assert f"{FSI}1 canceled{PDI} · {FSI}1 pending{PDI}\n" in shown(again)  # each count stays beside its word
    assert messages(ann) == [] or f"{RLM}{RLI}" in messages(ann)[0]
