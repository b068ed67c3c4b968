"""Order IDs out of tables (pure): of the one column whose name says that it holds them, and of no other.

There, and only there, a number among other words is an order: somebody has named it one.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.domain.order_ids import (
    MOST_IGNORED,
    Found,
    find_orders,
    is_plain_id,
    looks_cut_short,
    looks_like_id,
    shorten,
    visible,
)

_DELIMITERS = (",", ";", "\t")
_NAMED_DELIMITER = re.compile(r"\"?sep=([^\w\s\"']|\t)\"?\s*", re.IGNORECASE)
"""The first line of what Excel is to open; the separator of that table and of no other."""
_EMPTY = re.compile(r"[\s,;|\"]*")
_NAMES = ("order", "orderid")
_VAGUE_NAME = "id"
_NUMBER = re.compile(r"[0-9]{1,20}")
_WHOLE_DECIMAL = re.compile(r"([0-9]{1,15})[.,]00?")
"""A number as a spreadsheet writes it that takes it for an amount; of longer ones it keeps 15 digits. Three zeros
would be thousands."""
_AMOUNT = re.compile(r"[0-9][.,][0-9]")
_DIGIT_OR_UNDERSCORE = re.compile(r"[0-9_]")
_LETTER = re.compile(r"\w")
_LONGEST_LINE = 100_000


@dataclass(frozen=True, slots=True)
class _Head:
    """How a table is written, and which of its columns holds the orders."""

    delimiter: str
    width: int
    column: int


def read_table(pieces: Iterable[str], most: int) -> Found | None:
    """Return what the column of order IDs in a text names; None for what is no table with one such column.

    The text comes in pieces and is never held as a whole; at `most` orders reading stops.
    """
    lines = _lines(pieces)
    try:
        head = _head(lines)
        return head and _read(lines, head, most)
    except csv.Error:  # an open quotation mark, or a line without end: a text like any other
        return None


def _read(lines: Iterator[str], head: _Head, most: int) -> Found | None:
    orders: dict[str, None] = {}
    like_ids, words = dict[str, None](), dict[str, None]()
    named = 0
    for row in _rows(lines, head):
        aligned = len(row) == head.width
        # In a row of another length than the head no cell can be told for sure, and all of it is a text like any other.
        cell = (row[head.column] if aligned else head.delimiter.join(row)).strip()
        if not cell:
            continue
        if aligned and (decimal := _WHOLE_DECIMAL.fullmatch(cell)):
            cell = decimal[1]
        if aligned and _NUMBER.fullmatch(cell):
            if _names_an_id(row):
                return None
            found, junk = (cell,), ()
        else:
            found, junk = _parted(cell, numbers=aligned)
        orders.update(dict.fromkeys(found))
        named += len(found)
        for token in junk:
            kind = like_ids if looks_like_id(token) else words
            if len(kind) < MOST_IGNORED:
                kind[token] = None
        if len(orders) >= most:
            break
    return Found(tuple(orders), named - len(orders), (*like_ids, *words)[:MOST_IGNORED])


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + visible(newlines.decode(piece))).split("\n")
        yield from (line + "\n" for line in lines)
        if len(rest) > _LONGEST_LINE:
            raise csv.Error("too long for a line of a table")
    yield rest


def _head(lines: Iterator[str]) -> _Head | None:
    """Read the line of names by the delimiter that finds a column of orders in it; by none where that is a guess."""
    line = _first(lines)
    named = _NAMED_DELIMITER.fullmatch(line)
    if named:
        line = _first(lines)
    heads = [
        _Head(delimiter, len(names), column)
        for delimiter in ((named[1],) if named else _DELIMITERS)
        if (column := _column(names := _names(line, delimiter))) is not None
    ]
    return max(heads, key=lambda head: head.width, default=None)


def _first(lines: Iterator[str]) -> str:
    """Return the next line with anything in it: spreadsheets leave empty rows above a table."""
    return next((line for line in lines if not _EMPTY.fullmatch(line)), "")


def _names(line: str, delimiter: str) -> list[str]:
    try:
        (row,) = csv.reader([line], delimiter=delimiter, strict=True)
    except csv.Error:
        return []
    return [re.sub(r"[\s_-]+", "", name.casefold()) for name in row]


def _column(names: list[str]) -> int | None:
    """Return the only column that can be meant; an "id" beside any other talk of orders may be of something else."""
    with_orders = [index for index, name in enumerate(names) if name in _NAMES]
    if not with_orders and not any("order" in name for name in names):
        with_orders = [index for index, name in enumerate(names) if name == _VAGUE_NAME]
    return with_orders[0] if len(with_orders) == 1 else None


def _rows(lines: Iterator[str], head: _Head) -> Iterator[list[str]]:
    """Return the rows; in a list under a name each line is one, whatever marks stand in it."""
    if head.width == 1:
        return ([line] for line in lines)
    return csv.reader(lines, delimiter=head.delimiter, strict=True)


def _names_an_id(row: list[str]) -> bool:
    """Tell a row with one of the panel's own IDs: a number beside it is a shop's, or a row's, or whoever's."""
    return "_" in "".join(row) and any(is_plain_id(cell.strip()) for cell in row)


def _parted(cell: str, *, numbers: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Part a cell with more in it than one order into orders and what is none; with `numbers` a single one counts."""
    if not _DIGIT_OR_UNDERSCORE.search(cell):
        return (), (shorten(cell),) if _LETTER.search(cell) else ()
    found = find_orders(cell)
    if any(map(is_plain_id, found.orders)) or any(map(looks_cut_short, found.ignored)):
        return tuple(filter(is_plain_id, found.orders)), found.ignored
    # "#17" is one; "12,345", "17.17" and "$17.0" may be anything
    one = len(found.orders) == 1 and not (found.repeats or _AMOUNT.search(cell))
    return (found.orders, ()) if numbers and one else ((), (shorten(cell),))
