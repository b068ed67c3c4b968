"""Files in the encodings that editors and spreadsheets write: a byte that cannot be read costs its own word alone."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.order_ids import find_orders
from bot.domain.order_tables import read_table
from bot.services.file_reader import NotText, decoded

CODE_PAGES = ("cp1251", "cp1252", "cp1254")
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", *CODE_PAGES)
IDS = st.from_regex(r"ord_[0-9A-Za-z]{1,26}", fullmatch=True)
WORDS = {
    "cp1251": "Заказ №7 «лайки» — Ёлка, їжак",
    "cp1252": "café “über” — señor\u2019s Œuvre, ÷ \u00d7 ½",
    "cp1254": "sipariş “İğd\u0131r” — \u0131ğüşöç, \u00d7 ÷",
    "utf-8": "café заказ 订单 “x” — 👍 \u00a0",
    "utf-16-le": "café заказ 订单 “x” — 👍 \u3000 Ā",
    "utf-16-be": "café заказ 订单 “x” — 👍 \u3000 Ā",
}


def text_in(content: bytes) -> str:
    """Return the text of a file."""
    return "".join(decoded(content))


def orders_in(content: bytes) -> tuple[str, ...]:
    """Return the orders of a file, of a table's column or of its text."""
    table = read_table(decoded(content), 1_000)
    return (table or find_orders(text_in(content))).orders


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("marks", [0, 1, 2, 3])
@pytest.mark.parametrize("head", ["Order ID,Link", "link,order", "\nid,link"])
def test_a_table_is_read_in_every_encoding_with_any_number_of_marks(encoding: str, marks: int, head: str) -> None:
    rows = [f"{number},{WORDS[encoding].replace(',', '')}" for number in (123, 124)]
    if head == "link,order":
        rows = [",".join(reversed(row.split(","))) for row in rows]
    text = "\r\n".join([head, *rows])
    mark = "" if encoding in CODE_PAGES else "\ufeff" * marks
    assert orders_in((mark + text).encode(encoding)) == ("123", "124")


@given(st.lists(IDS, min_size=1, unique=True), st.sampled_from(ENCODINGS), st.randoms(use_true_random=False))
def test_a_text_is_read_in_every_encoding(ids: list[str], encoding: str, chance: random.Random) -> None:
    words = WORDS[encoding].split()
    text = " ".join(f"{chance.choice(words)} {id}, {chance.choice(words)}" for id in ids)
    assert orders_in(text.encode(encoding)) == tuple(ids)


@pytest.mark.parametrize("page", CODE_PAGES)
@pytest.mark.parametrize("byte", range(0x80, 0x100))
def test_what_any_code_page_calls_a_letter_never_cuts_an_id(page: str, byte: int) -> None:
    bad = bytes([byte])
    found = find_orders(text_in(b"ord_A" + bad + b"B ord_Z " + bad + b"ord_C " + b"\x80ord_Z"))
    assert "ord_Z" in found.orders
    if bad.decode(page, "replace").isalnum():
        assert found.orders == ("ord_Z",)
    assert set(found.orders) <= {"ord_Z", "ord_A", "ord_C", "ord_AB"}


@pytest.mark.parametrize("page", CODE_PAGES)
def test_quotation_marks_and_dashes_of_a_code_page_stand_around_ids(page: str) -> None:
    text = "“ord_A” «ord_B» \u2018ord_C\u2019\u2013ord_D—„ord_E“•ord_F\u00a0ord_G"
    assert orders_in(text.encode(page) + b" \xff") == tuple(f"ord_{letter}" for letter in "ABCDEFG")
    assert orders_in("ord_A… ord_B".encode(page)) == ("ord_B",)


@given(st.lists(st.one_of(IDS, st.sampled_from(["“é”", "ж", "订单", "👍", "x"]))), st.data())
def test_a_bad_byte_costs_its_own_word_and_no_other(words: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(words)))
    bad = data.draw(st.sampled_from([b"\xe9", b"caf\xe9", b"\xc3", b"\xf0\x9f", b"\xff\xfe", b"ord_A\xe9B", b"\x80"]))
    parts = [word.encode() for word in words]
    parts.insert(at, bad)
    expected = find_orders(" ".join(words) + " x").orders
    assert orders_in(b"\xef\xbb\xbf" + b" ".join([*parts, b"x"])) == expected


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"]))
def test_any_bytes_are_read_or_refused(content: bytes, mark: bytes) -> None:
    try:
        text = text_in(mark + content)
    except NotText:
        return
    assert "\0" not in text


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_it_makes_no_difference_where_a_long_file_is_cut(encoding: str) -> None:
    row = f"ord_{{}} {WORDS[encoding]}\n"
    text = "".join(row.format(number) for number in range(9_000))
    for shift in range(4):  # so that every byte of a character comes to stand at a cut
        content = ("x" * shift + " " + text).encode(encoding)
        assert orders_in(content) == tuple(f"ord_{number}" for number in range(9_000))


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0",
        b"PK\3\4\x14\0\6\0\x08\0\0\0!\0ord_A ord_B",
        b"ord_A\0ord_B",
        "\0ord_A".encode("utf-16"),
        "ord_A\0".encode("utf-16-le"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(NotText):
        text_in(content)
