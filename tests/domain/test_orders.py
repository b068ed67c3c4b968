"""Order IDs out of text: exactly those that are there, whole, and no number out of a sentence."""

import random
import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.order_ids import (
    MOST_IGNORED,
    SPACELESS,
    Finder,
    Found,
    Junk,
    Sample,
    find_orders,
    last_word,
    like_ids,
    looks_cut_short,
    looks_damaged,
    looks_like_id,
    shorten,
    visible,
)

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
IDS = st.builds("{}{}".format, st.sampled_from(["ord_", "ORD_", "Ord_"]), st.text(LETTERS, min_size=1, max_size=64))
NUMBERS = st.text("0123456789", min_size=1, max_size=20)
ELLIPSES = ["…", "..", "...", "....", "‥", "⋯", "……"]
SEPARATORS = st.text(" ,;\n\r\t|/\\\"'`()[]{}<>-:=#.*~!?\u00a0\u3000\u3001\u201c\u201d\u2026\u2705", min_size=1).filter(
    lambda text: not text.startswith(("…", ".."))
)
UNSPACED = "订単取消をスーｱกำຍខ을"
"""Letters of scripts that put no space between a word and an ID; one of each."""


@given(st.data(), st.one_of(st.lists(IDS), st.lists(NUMBERS)))
def test_any_separators_give_exactly_the_ids(data: st.DataObject, ids: list[str]) -> None:
    text = data.draw(SEPARATORS) + "".join(id + data.draw(SEPARATORS) for id in ids)
    assume(not re.search(r"[0-9]\.00?(?![0-9])", text))  # as spreadsheets write a whole number
    assert find_orders(text) == Found(tuple(dict.fromkeys(ids)), len(ids) - len(set(ids)), ())


@given(st.lists(IDS), st.randoms(use_true_random=False), SEPARATORS, SEPARATORS)
def test_same_ids_in_any_order(ids: list[str], chance: random.Random, one: str, other: str) -> None:
    shuffled = chance.sample(ids, len(ids))
    assert set(find_orders(one.join(ids)).orders) == set(find_orders(other.join(shuffled)).orders) == set(ids)


@given(st.text(st.one_of(st.characters(), st.sampled_from("oOrRdD_019AzZ ,.…\ufffd\u200b\u0301" + UNSPACED))))
def test_any_text_yields_whole_words_alone(text: str) -> None:
    found = find_orders(text)
    shown = visible(text)
    for order in found.orders:
        assert re.search(rf"(?<![0-9A-Za-z_\ufffd]){order}(?![0-9A-Za-z_\ufffd\u0301…]|\.\.)", shown)
    assert all(re.fullmatch(r"(?i:ord)_[0-9A-Za-z]{1,64}|[0-9]{1,20}", order) for order in found.orders)
    assert len(set(found.orders)) == len(found.orders)
    assert len(set(found.ignored)) == len(found.ignored)
    assert all(0 < len(token) <= 16 or looks_cut_short(token) or looks_damaged(token) for token in found.ignored)
    # Every word is taken or reported.
    assert found.orders or found.ignored or not re.search(r"\w", shown)


@given(
    IDS,
    IDS,
    st.one_of(st.characters(categories=["L", "Nd", "Nl", "No"]), st.sampled_from(["", "_", "\u0301", "\ufffd"])),
)
def test_glued_ids_are_never_guessed_at(one: str, other: str, glue: str) -> None:
    assume(visible(glue) == glue and not re.fullmatch(f"[{SPACELESS}]", glue))
    text = f"{one}{glue}{other}"
    assert find_orders(text) == Found((), 0, (shorten(text),))


@given(st.lists(IDS, min_size=1, unique=True), st.data())
def test_ids_glued_to_words_of_scripts_without_spaces_are_found(ids: list[str], data: st.DataObject) -> None:
    word = st.text(UNSPACED, min_size=1)
    text = data.draw(word) + "".join(id + data.draw(word) for id in ids)
    assert find_orders(text).orders == tuple(ids)


@pytest.mark.parametrize(
    "text",
    [
        "订单ord_A1已取消",
        "注文ord_A1をキャンセル",
        "ยกเลิกord_A1ครับ",
        "ord_A1을 취소",
        "ຍົກເລີກord_A1",
        "លុបord_A1",
        "ပယ်ဖျက်ord_A1",
    ],
)
def test_an_id_in_a_sentence_of_such_a_script_is_found(text: str) -> None:
    assert find_orders(text).orders == ("ord_A1",)


@pytest.mark.parametrize("letter", "〇ㅇㅣ๐ဝ０Ａо")
def test_what_may_be_a_mistyped_part_of_an_id_belongs_to_it(letter: str) -> None:
    assert find_orders(f"ord_A{letter}1").orders == ()


@pytest.mark.parametrize("text", ["取消123", "123を", "ยกเลิก 123"])
def test_a_number_beside_any_word_is_no_order(text: str) -> None:
    assert find_orders(text).orders == ()


@given(st.one_of(IDS, NUMBERS), st.sampled_from(ELLIPSES), st.sampled_from(["", " ", "\n", ",", "!", ")", "ord_"]))
def test_an_id_with_an_ellipsis_behind_it_is_cut_short(id: str, ellipsis: str, behind: str) -> None:
    assume(not (id.isdigit() and behind == "ord_"))
    found = find_orders(f"{id}{ellipsis}{behind}")
    assert found.orders == ()
    assert found.ignored[0] == f"{id}..."
    assert looks_cut_short(found.ignored[0])


@given(IDS, IDS, st.sampled_from(ELLIPSES))
def test_the_other_ids_of_the_text_are_found(whole: str, part: str, ellipsis: str) -> None:
    assert find_orders(f"{whole}, {part}{ellipsis} {whole}") == Found((whole,), 1, (f"{part}...",))
    assert find_orders(f"{part}{ellipsis}{whole}.") == Found((whole,), 0, (f"{part}...",))
    assert find_orders(f"{part} {ellipsis}{whole}").orders == tuple(dict.fromkeys([part, whole]))


@given(st.text(), st.text())
def test_no_shortened_word_looks_cut_short(text: str, more: str) -> None:
    assert not any(looks_cut_short(shorten(token)) for token in (f"ord_AAAA{text}_{more}", f"ord_AAAAord_{text}"))


@pytest.mark.parametrize("text", ["ord_Aord_B", "xord_A", "ord_A_B", "ord_A\u00e9", "ord_Ae\u0301", "_ord_A_"])
def test_glued_is_reported_whole(text: str) -> None:
    assert find_orders(text) == Found((), 0, (text,))
    assert find_orders(f"ord_Z, {text}") == Found(("ord_Z",), 0, (text,))


@pytest.mark.parametrize("text", ["ord_", "ord_" + "A" * 65, "ord", "ord-A", "ref_A", "\u03bfrd_A"])
def test_what_only_looks_like_an_id(text: str) -> None:
    found = find_orders(text)
    assert found.orders == ()
    assert found.ignored == (shorten(text),)


def test_longest_id() -> None:
    assert find_orders("ord_" + "A" * 64).orders == ("ord_" + "A" * 64,)


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u200d", "\u200e", "\u202e", "\u2060", "\ufeff", "\u00ad", "\u3164", "\ufe0f", "\u034f"]
)
def test_invisible_characters_are_dropped(hidden: str) -> None:
    assert find_orders(f"{hidden}ord_{hidden}AB{hidden}C{hidden}").orders == ("ord_ABC",)
    assert find_orders(f"ord_A{hidden}ord_B") == Found((), 0, ("ord_Aord_B",))
    assert find_orders(f"12{hidden}34").orders == ("1234",)


def test_whatever_unicode_calls_a_format_character_is_invisible() -> None:
    characters = map(chr, range(0x110000))
    assert visible("".join(one for one in characters if unicodedata.category(one) == "Cf")) == ""


def test_repeats_are_counted_and_case_is_kept() -> None:
    assert find_orders("ord_a ord_A ord_a ORD_a ord_a") == Found(("ord_a", "ord_A", "ORD_a"), 2, ())


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("123", ("123",)),
        (" 1, 2;3\n4|1 ", ("1", "2", "3", "4")),
        ("9" * 20, ("9" * 20,)),
        ("9" * 21, ()),
        ("cancel 123 please", ()),
        ("\u043f\u0440\u0438\u0432\u0435\u0442 123", ()),
        ("123 \u0661\u0662\u0663", ()),
        ("123 \u00b2", ()),
        ("1_2 3", ()),
        ("123 ord_A", ("ord_A",)),
        ("ord_A: 500 of 1000 done", ("ord_A",)),
        ("", ()),
    ],
)
def test_numbers_count_only_among_numbers(text: str, orders: tuple[str, ...]) -> None:
    assert find_orders(text).orders == orders


@pytest.mark.parametrize(
    ("text", "orders", "damaged"),
    [
        ("123456.0\n123457.00", ("123456", "123457"), ()),
        ("123456.0,5;7.0.", ("123456", "5", "7"), ()),
        ("123456 1.23457E+11", ("123456",), ("1.23457E+11",)),
        ("1234567890123456.0 5", ("5",), ("1234567890123456.0",)),
        ("1,23457E+11", (), ("23457E+11",)),
        ("cancel 1.23457E+11", (), ("1.23457E+11",)),
        ("ord_A 1.23457E+11 5.0", ("ord_A",), ("1.23457E+11",)),
    ],
)
def test_numbers_written_as_amounts(text: str, orders: tuple[str, ...], damaged: tuple[str, ...]) -> None:
    found = find_orders(text)
    assert found.orders == orders
    assert like_ids(found).ignored == damaged


def test_junk_is_split_at_spaces_and_not_inside_an_address() -> None:
    text = "see https://panel.io/a-b for “the list”: ord_A, (soon) see;that"
    assert find_orders(text) == Found(("ord_A",), 0, ("see", "htt…", "for", "the", "list", "soon", "that"))


def test_pasted_key_is_never_echoed() -> None:
    key = "np_live_4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"
    found = find_orders(f"my key is {key}")
    assert found.ignored[-1] == "np_…"
    assert not any(key[3:7] in token for token in found.ignored)


@given(
    st.text("abcXYZ0189_-", min_size=8, max_size=40).filter(
        lambda key: "ord_" not in key.casefold() and not key.isalpha()
    )
)
def test_what_may_be_a_key_is_not_kept_as_junk(key: str) -> None:
    kept = find_orders(f"cancel {key} ord_A").ignored
    assert key.isdecimal() or key not in "".join(kept)


@given(st.text() | st.text("01", min_size=10) | st.text("aZ", min_size=10))
def test_shortened_is_short_and_stays_so(text: str) -> None:
    assert len(shorten(text)) <= 16 or looks_damaged(text)
    assert shorten(shorten(text)) == shorten(text)
    assert shorten(text) in (text, f"{text[:3]}…", f"{text[:8]}…")


def test_long_junk_is_one_short_token() -> None:
    assert find_orders("x" * 5_000) == Found((), 0, ("xxxxxxxx…",))
    assert find_orders("/." * 2_500) == Found((), 0, ())


@pytest.mark.parametrize(
    "piece",
    [
        "ord_",
        "ord_A",
        "ord_A ",
        "1 ",
        "1" * 19 + ",",
        " ",
        "((",
        "_",
        "e\u0301",
        "\u0301",
        "\u200b",
        "a-/.",
        "o",
        "ord_A\u00e9,",
        "\ufffd",
        "ord_A…",
        "1..",
        "订",
    ],
)
def test_a_megabyte_of_anything_ends(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    assert len(find_orders(text).orders) <= 1
    assert len(find_orders(f"{text}!\u00e9").orders) <= 1


pieces = st.lists(
    st.sampled_from(
        [
            *("ord_A", "ord_B1", "17", "17", " ", "\n", ",", "/", "\u200b", "\u0301", "é", "ord_", "x", ";", "|"),
            *("…", ".", "订", "\ufffd"),
        ]
    )
)


@given(pieces, st.data())
def test_it_makes_no_difference_where_a_long_text_is_cut(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    finder = Finder()
    for begin, end in pairwise([0, *cuts, len(text)]):
        finder.feed(text[begin:end])
    assert finder.found() == find_orders(text)


def test_a_finder_stops_at_what_anybody_would_take() -> None:
    finder = Finder(3)
    finder.feed(" ".join(f"ord_{n}" for n in range(1_000)))
    assert finder.found() == Found(("ord_0", "ord_1", "ord_2"), 0, ())


def test_of_much_junk_only_so_much_is_remembered() -> None:
    found = find_orders("ord_A " + " ".join(f"junk{n}" for n in range(5_000)))
    assert len(found.ignored) == MOST_IGNORED


@given(st.lists(IDS), st.data())
def test_the_word_being_typed_is_all_behind_the_last_separator(ids: list[str], data: st.DataObject) -> None:
    text = "".join(id + data.draw(st.text(" ,;|\n\t", min_size=1)) for id in ids)
    part = data.draw(st.text("ord_A1"))
    assert last_word(text + part) == (text, part)
    assert find_orders(last_word(text + part)[0]).orders == tuple(dict.fromkeys(ids))


@pytest.mark.parametrize(
    "token",
    ["ord_A_B", "ord_", "ord", "ORD-A1", "0rd_01HG", "order_17", "12345", "123", "17x9", "01H…", "ord_A…"],
)
def test_what_may_have_been_meant_as_an_order_is_told_from_words(token: str) -> None:
    assert looks_like_id(shorten(token))


@pytest.mark.parametrize("token", ["my", "order", "orders:", "please", "n/a", "24h", "5", "x2", "np-…", "é"])
def test_plain_words_are_no_damaged_ids(token: str) -> None:
    assert not looks_like_id(shorten(token))


def test_words_do_not_crowd_out_what_was_meant_as_an_order() -> None:
    words = " ".join(f"word{'x' * (n % 50)}{chr(97 + n % 26)}-{chr(97 + n // 26 % 26)}" for n in range(5_000))
    found = find_orders(f"ord_A {words} 4711 ord_B_C")
    assert found.ignored[:2] == ("4711", "ord_B_C")
    assert len(found.ignored) <= MOST_IGNORED
    assert Junk.of(found.ignored).incomplete == Sample(("4711", "ord_B_C"), 2)
