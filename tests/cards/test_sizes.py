"""Every card fits: 4,000 characters, 40 components, and the bytes beyond which Discord answers 500."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import answers, connecting, keys, refills, small_talk
from bot.cards.balances import balances_card
from bot.cards.cards import request_card
from bot.cards.errors import panel_error
from bot.cards.help import help_card
from bot.cards.language import _, number, use_language
from bot.cards.layout import CardView, Tone, card
from bot.cards.mentions import CommandIds, use_commands
from bot.cards.pages import page_card
from bot.cards.preferences import preferences_card
from bot.cards.statuses import status_card
from bot.cards.text import clipped, code, size
from bot.cards.webhooks import address_made, registration_question, webhook_card
from bot.cards.words import WORDINGS
from bot.domain.accounts import AccountState
from bot.domain.dm_words import VERBS
from bot.domain.errors import KeyPaused, NoSuchKey, SameKey, TooManyKeys
from bot.domain.languages import Language
from bot.domain.links import Way
from bot.domain.order_ids import Junk
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Balance, OrderReading, Refill, RowError
from bot.domain.states import State
from bot.ledger import Account, Cancellation, Listed, ListKind, Preferences, Preview, PreviewState, Stored
from bot.panel import Refused
from bot.services.erasing import Erasure, StoredView
from bot.services.keys import Connected, KeyView, Removed
from bot.services.lists import PAGE_LENGTH
from bot.services.panel_calls import BalanceView, Refills, Statuses
from tests.examples import (
    HOSTILE,
    NOW,
    all_cards,
    grouped,
    keeps_discords_limits,
    key,
    last_page,
    order,
    parts_of,
    text_of,
    view,
)
from tests.wire.objects import refusal


@pytest.fixture(autouse=True)
def _with_ids() -> Iterator[None]:
    """All commands can be pressed, which takes more room than their names do."""
    ids = CommandIds()
    ids.update(dict.fromkeys(COMMANDS, 2**63))
    use_commands(ids)
    yield
    use_commands(CommandIds())


COMMANDS = (
    *("cancel", "status", "refill", "queued", "history", "balance", "settings", "webhook", "forget-me", "help"),
    *("key set", "key show", "key remove", "key default"),
)
WORDS = {
    "ASCII": HOSTILE,
    "emoji": "🎉" * 190,
    "Thai": "คำสั่งซื้อนี้ไม่สามารถยกเลิกได้ " * 8,
    "half an emoji": "in_progress\ud83d" * 20,
}
COUNTS = [1, 100, 10_000]


def named(number: int, words: str, state: AccountState = AccountState.ACTIVE) -> Account:
    """Return an account whose name is as odd as may be: 32 characters of these words."""
    name = f"{number:02}{words[:30]}".encode(errors="ignore").decode()  # Discord hands over no half characters
    return replace(key(number, state), name=name, folded=name.casefold())


@cache
def many_orders(count: int, words: str) -> list[Cancellation]:
    """Return orders in every state, with these words of the panel."""
    states = list(State)
    return [order(n, states[n % 12], words=f"={n % 7} {WORDS[words]}", ambiguous_attempts=9) for n in range(count)]


def cards_with(words: str, count: int) -> Iterator[CardView]:
    """Yield every card that shows a user's own names or the panel's words, or as many orders as they like."""
    mine = tuple(named(number, words, AccountState(state)) for number, state in enumerate(["active", "rejected"] * 5))
    orders = tuple(f"ord_{number:064}" for number in range(count))
    few = orders[:200]
    junk = tuple(f"1{words[:22]}…" for _ in range(50))
    errors = {one: RowError(f"{number % 60} {words}") for number, one in enumerate(few)}
    reading = OrderReading(OrderStatus.UNKNOWN, words, "0.123456789012", words, "123456", words[:40])
    refusals = tuple(f"{number} {words}" for number in range(5))
    asking = Preview(1_000, 900, PreviewState.ASKING, dict.fromkeys(OrderStatus, 100), 50, refusals, refusals)
    request = replace(view([]).request, ignored=Junk.of(junk), repeats=9, orders=count, preview=asking)

    yield request_card(replace(view([]), request=replace(request, state="asking"), waiting=orders[:120], keys=mine))
    listed = [Listed(1, 1, one, order(1, State.REFUSED, words=words)) for one in few[:PAGE_LENGTH]]
    for page_names in ({}, {1: mine[0].name}):
        yield page_card(last_page(listed), page_names)
        strange = [replace(line, cancellation=order(1, State.QUEUED, status=words)) for line in listed]
        yield page_card(last_page(strange), page_names)
    for rows in (errors, dict.fromkeys(few, reading), {}):
        yield status_card(few, Statuses(mine[0], mine, NOW, rows, stopped=Refused(words), others=mine[1:]), junk, 9)
    yield answers.ids_card(orders, State.WITHDRAWN, ListKind.REQUEST, 1)
    yield refills.refill_question(orders, ListKind.REQUEST, 1, mine[0], mine)
    under = keys.key_fact(mine, mine[0])
    yield refills.refill_named_question(replace(view([]), request=request, waiting=orders[:120], keys=mine))
    yield refills.refills_under_way(few, under)
    for result in (
        Refills(NOW, errors, stopped=Refused(words)),
        Refills(NOW, dict.fromkeys(few, Refill(words))),
        Refills(NOW, {}),
    ):
        yield refills.refills_card(few, result, junk, 9, under, mine[0].name)
    mixed = {one: row if number % 2 else Refill(words) for number, (one, row) in enumerate(errors.items())}
    yield refills.refills_card(
        few, Refills(NOW, mixed, frozenset(few[-9:]), Refused(words)), junk, 9, under, mine[0].name
    )

    balance = Balance(words[:40], words[:10])
    views = [KeyView(one, "4321", count) for one in mine]
    yield connecting.connected(Connected(mine[0], mine, "4321", balance, count))
    yield connecting.connected(Connected(mine[1], mine, "4321", balance, count), dms_refused=True)
    yield keys.keys_card(views)
    yield keys.keys_card(views[:1])
    yield connecting.not_connected(panel_error(Refused(words)), "https://example.com/keys", mine[0].name, count)
    yield keys.which_to_remove(mine)
    yield keys.removal_question(views[0])
    yield keys.removed(Removed(mine[0], count, mine, wholly=False))
    yield keys.which_to_try(ListKind.REQUEST, 1, mine)
    yield keys.default_chosen(mine[0])
    yield balances_card([BalanceView(one, balance, NOW) for one in mine], mine)
    yield balances_card([BalanceView(one, Refused(words), NOW) for one in mine], mine)

    names = tuple(named(number, words).name for number in range(25))
    yield answers.user_problem(NoSuchKey(words, names))
    yield answers.user_problem(TooManyKeys(names, 10, 25))
    yield answers.user_problem(SameKey(names[0]))
    yield answers.user_problem(KeyPaused(AccountState.REJECTED, names[0], several=True))
    yield answers.panel_problem(Refused(words))


def plain_cards() -> Iterator[CardView]:
    """Yield the cards that say the same to everybody."""
    links = dict.fromkeys(Way, "https://bot.example/" + "x" * 490)
    yield help_card(links, connected=False)
    yield help_card({}, connected=True)
    yield answers.internal_problem()
    yield small_talk.key_in_message()
    yield small_talk.not_understood(["cancel ord_…", "status ord_…"])
    yield from (small_talk.which_orders(verb) for verb in VERBS)
    yield from (small_talk.welcome(), small_talk.use_buttons(), small_talk.how_to_stop(), small_talk.unreadable_file())
    yield small_talk.as_command("/key remove")
    yield answers.erasure_question(StoredView(Stored(9, 9_999_999, 999, 1), 10, 200_000))
    yield answers.erased(Erasure.TRACES)
    yield answers.erased(Erasure.UNDER_WAY)
    yield answers.channel_ping(2**63, chosen=False)
    yield preferences_card(Preferences())
    yield webhook_card(None)
    yield registration_question()
    yield address_made("https://bot.example/webhooks/" + "x" * 43)


@pytest.mark.parametrize("language", Language)
def test_what_is_the_same_for_everybody_fits_in_every_language(language: Language) -> None:
    with use_language(language):
        for shown in plain_cards():
            keeps_discords_limits(shown)
            assert not any(part.get("content", "").endswith("…") for part in parts_of(shown))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("words", WORDS)
def test_any_words_of_users_and_of_the_panel_fit_in_every_language(language: Language, count: int, words: str) -> None:
    with use_language(language):
        for shown in cards_with(WORDS[words], count):
            keeps_discords_limits(shown)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("words", ["ASCII", "emoji", "Thai"])
@pytest.mark.parametrize("in_trouble", [False, True])
def test_cards_of_orders_fit_and_keep_what_matters(
    language: Language, count: int, words: str, in_trouble: bool
) -> None:
    orders = many_orders(count, words)
    with use_language(language):
        for shown in all_cards(orders, in_trouble=in_trouble):
            keeps_discords_limits(shown)
            text = text_of(shown).strip()
            assert text.startswith("### ")
            assert text.count("`ord_") >= min(count, 5)
            for state, group in grouped(orders).items():
                assert (
                    state is State.REQUESTED
                    or f"{number(group.count)} {_(WORDINGS[state].short, count=group.count)}" in text
                )


@pytest.mark.parametrize("words", WORDS)
def test_sixty_refusals_in_words_of_their_own_are_counted_and_the_first_are_named(words: str) -> None:
    orders = [order(n, State.REFUSED, words=f"{n} {WORDS[words]}") for n in range(60)]
    for shown in all_cards(orders):
        keeps_discords_limits(shown)
        text = text_of(shown)
        assert "60 not possible" in text
        assert sum(row.order_id in text for row in orders) == 5
        assert "Show all 60" in text


@pytest.mark.parametrize("texts", [1, 2, 3, 4, 8])
def test_the_stand_in_refuses_from_the_very_byte_at_which_discord_was_measured_to(texts: int) -> None:
    """discord-api-docs #8554: of one text 10,158 bytes were taken and 10,159 were not, of two 10,146, and so on."""
    most = 10_170 - 12 * texts
    shares = [{"type": 10, "content": "ค" * (most // 3 // texts)} for _ in range(texts)]
    shares[0]["content"] += "a" * (most - sum(len(share["content"].encode()) for share in shares))
    assert refusal(shares) is None
    shares[0]["content"] += "a"
    assert refusal(shares) == (500, 0)


@given(st.lists(st.text(max_size=3_000), min_size=1, max_size=12))
def test_no_text_whatever_makes_a_card_that_discord_refuses(parts: list[str]) -> None:
    keeps_discords_limits(card(Tone.PLAIN, [f"### {number}\n{part}" for number, part in enumerate(parts)]))


@given(st.text(), st.text(), st.integers(2, 500))
def test_what_is_cut_short_says_so_and_has_the_size_it_may_have(one: str, other: str, most: int) -> None:
    assert size(one + other) <= size(one) + size(other)
    cut = clipped(one, most)
    assert size(cut) <= most
    assert cut == one or (cut.endswith("…") and one.startswith(cut[:-1]))


@given(st.text(alphabet=st.characters(categories=["Cs", "Lo", "So"]), max_size=400))
def test_words_that_are_shown_can_be_sent(words: str) -> None:
    code(words).encode()
