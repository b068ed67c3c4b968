"""Files for spreadsheets: whatever the panel or a user has written stays text, wherever a program parts the line."""

import csv
import io
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.cards.csv import csv_file

SEPARATORS = (",", ";", "\t", "|", ":", " ")
DANGEROUS = re.compile(r"\s*(?:[=@\uff1d\uff20]|[-+\uff0b\uff0d](?!\d+(?:\.\d+)?[,\"]*$)\S)")
"""What a spreadsheet calculates: all that begins so, but for amounts."""


def cells(text: str) -> Iterator[str]:
    """Yield every cell that any program could make of a file: with quotation marks and without."""
    for separator in SEPARATORS:
        for row in csv.reader(io.StringIO(text), delimiter=separator):
            yield from row
        for line in text.splitlines():
            yield from (cell.strip('"') for cell in line.split(separator))


def written(*row: str) -> str:
    """Return a file with one line."""
    return csv_file("orders.csv", ["a"], [row]).fp.read().decode("utf-8-sig")


WORDS = st.text(st.sampled_from("=+-@;,|:\t\n\r \"'a1.\uff1d\uff0b\u200b\ufeff"), max_size=20)


@given(st.lists(WORDS, min_size=1, max_size=3))
@example(["-1", "1"])
def test_no_cell_is_a_formula_for_any_program(row: list[str]) -> None:
    assert [cell for cell in cells(written(*row)) if DANGEROUS.match(cell)] == []


@pytest.mark.parametrize(
    "value", ["-3.10", "5", "0.0012", "ord_A1", "2026-01-01T00:00:00+00:00", "Partially delivered"]
)
def test_amounts_times_and_ids_stay_as_they_are(value: str) -> None:
    assert value in written("x", value).splitlines()[1].split(",")
