"""Order lists as files, for what does not fit on a card.

They are data as well as reading: heads and outcomes are the same words in every language, so that a sheet or a script
that reads them does not depend on who has asked.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import discord

from bot.cards.words import QUOTED, WORDINGS
from bot.domain.order_ids import visible
from bot.domain.refunds import came_back
from bot.domain.states import State
from bot.ledger import Listed, ListKind
from bot.services.lists import ListRef

_FORMULA = re.compile(r"(?:^|(?<=[,;|:\s\"]))(?=[=@\uff1d\uff20]|[-+\uff0b\uff0d](?!\s))")
"""Where a formula would begin for some spreadsheet: at whatever it takes for a separator, quotation marks or not."""
_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[str | None]]) -> discord.File:
    """Return a CSV that spreadsheets open as text: foreign words never become a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(_harmless(row) for row in rows)
    return discord.File(io.BytesIO(text.getvalue().encode("utf-8-sig", "replace")), filename=name)


_ORDERS_HEAD = (
    "order",
    "outcome",
    "refund",
    "refund_amount",
    "panel_status",
    "panel_words",
    "remains",
    "charge_first",
    "charge_last",
    "charge_less",
    "currency",
    "asked_at",
    "ended_at",
)


class OrdersCsv:
    """All that the ledger knows of some orders, page by page into a file; with their keys' names, if there are."""

    def __init__(self, names: Mapping[int, str] | None = None) -> None:
        self._names = names or {}
        self.orders = 0
        self._bytes = io.BytesIO()
        self._text = io.TextIOWrapper(self._bytes, "utf-8-sig", "replace", newline="")
        self._writer = csv.writer(self._text)
        self._writer.writerow([*_ORDERS_HEAD, *(["key"] if self._names else [])])

    def add(self, page: Sequence[Listed]) -> None:
        """Write some more lines."""
        self.orders += len(page)
        self._writer.writerows(_harmless((*_order_row(line), *self._key(line))) for line in page)

    def _key(self, line: Listed) -> tuple[str, ...]:
        return (self._names.get(line.account_id, ""),) if self._names else ()

    @property
    def size(self) -> int:
        """How many bytes have been written."""
        self._text.flush()
        return self._bytes.tell()

    def file(self, name: str) -> discord.File:
        """Return what has been written; nothing more can be."""
        self._text.flush()
        self._text.detach()
        self._bytes.seek(0)
        return discord.File(self._bytes, filename=name)


_FILE_NAMES = {
    ListKind.REQUEST: "cancel",
    ListKind.NOTICE: "update",
    ListKind.OPEN: "open",
    ListKind.HISTORY: "history",
}


def list_file_name(which: ListRef, day: date, orders: int, part: int = 0) -> str:
    """Return what the file of a list is called; `part`: its number where there are several, of which each counts."""
    days = [f"{which.list_id}-days"] if which.kind is ListKind.HISTORY else []
    return dated_name(
        _FILE_NAMES[which.kind], *([which.outcome] if which.outcome else []), *days, day=day, orders=orders, part=part
    )


def dated_name(*what: str, day: date, orders: int, part: int = 0) -> str:
    """Return the name of a file by what is in it."""
    parts = [f"part-{part}"] if part else []
    return "-".join([*what, day.isoformat(), *parts, f"{orders}-order{'' if orders == 1 else 's'}"]) + ".csv"


def _order_row(line: Listed) -> tuple[str | None, ...]:
    order = line.cancellation
    if order is None:
        return (line.order_id, WORDINGS[State.REQUESTED].title, *[None] * (len(_ORDERS_HEAD) - 2))
    return (
        order.order_id,
        WORDINGS[order.shown_as].title,
        order.refund,
        _text(order.came_back),
        order.status_word,
        order.panel_message if order.shown_as in QUOTED else None,
        order.remains,
        order.charge_first,
        order.charge_last,
        _text(came_back(order.charge_first, order.charge_last)),
        order.currency,
        _time(order.created_at),
        _time(order.ended_at),
    )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _harmless(row: Sequence[str | None]) -> list[str]:
    """Return cells as text, with an apostrophe before whatever a spreadsheet would calculate; amounts stay.

    The first cell is no amount: a program that takes another separator reads the whole line as one cell.
    """
    cells = [" ".join(visible(value or "").split()) for value in row]
    return [cell if at and _AMOUNT.fullmatch(cell) else _FORMULA.sub("'", cell) for at, cell in enumerate(cells)]


def _time(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds") if time else ""
