"""Order IDs out of tables: all of the column that says so, nothing of any other, and no guess."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.cards.words import ignored
from bot.domain.order_ids import (
    MOST_IGNORED,
    SPACELESS,
    Found,
    Junk,
    find_orders,
    is_plain_id,
    looks_cut_short,
    looks_damaged,
    merge_found,
    visible,
)
from bot.domain.order_tables import read_table

MANY = 100_001

NUMBERS = st.from_regex(r"[0-9]{1,20}", fullmatch=True)
IDS = st.from_regex(r"ord_[0-9A-Z]{1,26}", fullmatch=True)
CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r")),
    NUMBERS,
    st.sampled_from(["https://x.com/p/123?a=1,2;3", "0.5", 'say "hi", you', "two\nlines", "", "9\t9"]),
).filter(lambda cell: not is_plain_id(cell.strip()))
NAMES = st.sampled_from(["link", "charge", "Service", "start count", "e-mail", "№", "a,b", "c;d", "remains"])
ORDER_NAMES = st.sampled_from(["order", "Order", "order id", "ORDER_ID", "orderid", " Order-ID ", "id", "ID"])


def table(rows: list[list[str]], delimiter: str) -> str:
    """Write a table the way spreadsheets do."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


@given(
    st.data(),
    st.lists(st.one_of(NUMBERS, IDS), max_size=8),
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_exactly_the_column_of_orders_is_read_wherever_the_text_is_cut(
    data: st.DataObject, orders: list[str], names: list[str], delimiter: str, end: str
) -> None:
    at = data.draw(st.integers(0, len(names)))
    rows = [[data.draw(ORDER_NAMES)], *([order] for order in orders)]
    for row, others in zip(rows, [names, *([data.draw(CELLS) for _ in names] for _ in orders)], strict=True):
        row[:0], row[len(row) :] = others[:at], others[at:]
    text = table(rows, delimiter).replace("\n", end)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[begin:end] for begin, end in pairwise([0, *cuts, len(text)])]
    found = read_table(pieces, MANY)
    assert found == Found(tuple(dict.fromkeys(orders)), len(orders) - len(set(orders)), ())


@given(st.text(st.one_of(st.characters(), st.sampled_from('order,;id\t\n"12_A'))))
def test_whatever_the_text_only_its_own_words_are_orders(text: str) -> None:
    found = read_table([f"order,{text}"], MANY) or Found((), 0, ())
    assert set(found.orders) <= set(
        re.findall(r"\w+", re.sub(f"([{SPACELESS}]+)", r" \1 ", visible(text)).replace("\ufffd", "x"))
    )
    assert all(is_plain_id(order) or order.isdecimal() for order in found.orders)


@pytest.mark.parametrize(
    "head",
    [
        "link,charge",
        "number,link",
        "order,order id",  # which of the two?
        "id,ID,link",
        "id,order status",  # the id of what?
        "order link,charge",
        "orders,link",
        "userid,link",
        "",
    ],
)
def test_without_one_name_that_says_so_it_is_no_table_of_orders(head: str) -> None:
    assert read_table([f"{head}\n123,456\n"], MANY) is None


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("order,link,charge\n123,https://x.com/9,0.5\n", ("123",)),
        ("id;order\n1;123\n2;124", ("123", "124")),
        ("order\n123\n\n124\n", ("123", "124")),
        ("ID\tlink\n123\t9\n", ("123",)),
        ("link,order\n9, 123 \n8,#124\n7,\u200b125\n6,ord_A\n", ("123", "124", "125", "ord_A")),
        ("order,link\n123,9\n123,9\n", ("123",)),
        ('order\n"ord_A" "ord_B"\n', ("ord_A", "ord_B")),
        ("order,link\n,9\n,\n,,,\n-,8\n", ()),
        ("order,link\n", ()),
    ],
)
def test_orders_of_a_table(text: str, orders: tuple[str, ...]) -> None:
    found = read_table([text], MANY)
    assert found
    assert (found.orders, found.ignored) == (orders, ())


INVISIBLE = st.text("\u200b\u200e\u200f\u2060\ufeff\u00a0\u3164 ")


@given(
    st.data(),
    st.lists(st.one_of(NUMBERS, IDS), max_size=4),
    st.sampled_from(",;\t|"),
    st.sampled_from(["", "sep={}\n", "SEP={}\n", '"sep={}"\n']),
    st.lists(st.sampled_from(["", " ", "\u200b", "\ufeff", "\u00a0", ",,", ";;;", "\t\t", '"",""'])),
)
def test_what_a_spreadsheet_puts_before_and_around_the_names_is_no_matter(
    data: st.DataObject, orders: list[str], delimiter: str, named: str, above: list[str]
) -> None:
    assume(named or delimiter != "|")
    name = data.draw(ORDER_NAMES)
    cut = data.draw(st.integers(0, len(name)))
    name = data.draw(INVISIBLE) + name[:cut] + data.draw(INVISIBLE) + name[cut:] + data.draw(INVISIBLE)
    rows = [[name, "link"], *([order, "x"] for order in orders)]
    before = "".join(f"{line}\n" for line in above)
    found = read_table([f"\ufeff{before}{named.format(delimiter)}{before}{table(rows, delimiter)}"], MANY)
    assert found == Found(tuple(dict.fromkeys(orders)), len(orders) - len(set(orders)), ())


def test_a_separator_that_is_named_is_the_only_one() -> None:
    assert read_table(["sep=;\norder,link\n123,9\n"], MANY) is None
    found = read_table(["sep=|\nlink|order\na,b;c|123\n"], MANY)
    assert found
    assert found.orders == ("123",)


@given(st.integers(0, 10**15 - 1), st.sampled_from([".0", ".00", ",0", ",00"]))
def test_a_number_written_as_an_amount_is_the_number(number: int, decimals: str) -> None:
    found = read_table([f"order;link\n{number}{decimals};x\n"], MANY)
    assert found == Found((str(number),), 0, ())


@pytest.mark.parametrize(
    "cell",
    ["1.23457E+11", "1,23457e+11", "1E+15", "1.2345678901234E+19", "1234567890123456.0", "12345678901234567890.00"],
)
def test_a_number_that_a_spreadsheet_has_damaged_is_reported_as_that(cell: str) -> None:
    found = read_table([f"order;link\n{cell};x\n77;x\n"], MANY)
    assert found == Found(("77",), 0, (cell,))
    assert looks_damaged(cell)
    assert cell in ignored(Junk.of(found.ignored))
    assert "Changed by a spreadsheet" in ignored(Junk.of(found.ignored))


@pytest.mark.parametrize("cell", ["12.000", "12,000", "1.000.0", "12.05", "12.50", "-12.0", "$12.0", "12.0.0"])
def test_an_amount_is_no_order(cell: str) -> None:
    assert read_table([f"order;link\n{cell};x\n"], MANY) == Found((), 0, (cell,))


@pytest.mark.parametrize("cell", ["ord_01HG…", "ord_01HG...", "123…", '"ord_01HG… "', "12 345…"])
def test_a_cell_that_was_cut_short_is_reported_as_that(cell: str) -> None:
    found = read_table([f"order;link\n{cell};x\n77;x\n"], MANY)
    assert found
    assert found.orders == ("77",)
    assert all(map(looks_cut_short, found.ignored))


@pytest.mark.parametrize(
    "cell", ["12.5", '"12,345"', "1.5E+10", "12 345", "1" * 21, "n/a", "see 12", "12.12", "ord_A_B"]
)
def test_a_cell_that_is_not_plainly_one_order_is_reported_and_not_guessed_at(cell: str) -> None:
    found = read_table([f"link,order\n9,{cell}\n9,77\n"], MANY)
    shown = cell.strip('"')
    assert found == Found(("77",), 0, (shown if len(shown) <= 16 else f"{shown[:8]}…",))


@pytest.mark.parametrize("row", ["https://x.com/a,5,123,0.5", "5", "5,6,7,", "1,2"])
def test_in_a_row_of_another_length_no_number_is_an_order(row: str) -> None:
    found = read_table([f"link,order,charge\n{row}\n9,77,9\n"], MANY)
    assert found
    assert found.orders == ("77",)
    assert len(found.ignored) == 1


def test_an_id_that_is_one_anywhere_is_found_in_such_a_row_too() -> None:
    found = read_table(["order,charge\nord_A,0,5\nord_B\nord_C,1\n"], MANY)
    assert found
    assert found.orders == ("ord_A", "ord_B", "ord_C")


def test_where_another_column_has_the_panels_ids_the_numbers_are_a_shops() -> None:
    assert read_table(["order,notpanel\n1001,ord_A\n1002,ord_B\n"], MANY) is None
    assert read_table(["id,reference\n1,9\n2,ord_B\n"], MANY) is None
    found = read_table(["order,replaces\nord_A,ord_B\n,ord_C\n"], MANY)
    assert found
    assert found.orders == ("ord_A",)


@pytest.mark.parametrize("text", ['order,link\n123,"open\n124,9\n', 'order,link\n123,"a"b\n', 'order,"link\n123,9\n'])
def test_what_does_not_parse_is_no_table(text: str) -> None:
    assert read_table([text], MANY) is None


def test_reading_stops_at_what_anybody_would_take() -> None:
    def endless() -> Iterator[str]:
        yield "order,link\n"
        while True:
            yield "".join(f"{n},x\n" for n in range(1_001))

    found = read_table(endless(), 1_001)
    assert found
    assert len(found.orders) == 1_001


def test_a_line_or_a_cell_without_end_is_not_gathered_up() -> None:
    def endless(begin: str, piece: str) -> Iterator[str]:
        yield begin
        while True:
            yield piece

    assert read_table(endless("order", "," * 10_000), MANY) is None
    assert read_table(endless("order,link\n", "1" * 10_000), MANY) is None
    assert read_table(endless('order,link\n1,"', "some words\n" * 1_000), MANY) is None


def test_of_much_junk_only_so_much_is_remembered() -> None:
    found = read_table(["order,x\n", *(f"j {n},x\n" for n in range(5_000))], MANY)
    assert found
    assert len(found.ignored) == MOST_IGNORED


@given(st.lists(IDS), st.lists(IDS))
def test_two_texts_together_name_each_order_once(one: list[str], other: list[str]) -> None:
    both = merge_found(find_orders(" ".join(one)), find_orders(" ".join(other)))
    assert both == find_orders(" ".join(one + other))
