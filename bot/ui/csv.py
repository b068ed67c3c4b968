"""Order lists as files, for what does not fit on a card."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

import discord

from bot.store import Cancellation
from bot.ui.words import WORDINGS

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[str | None]]) -> discord.File:
    """Return a CSV that spreadsheets open as text: foreign words never become a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return discord.File(io.BytesIO(text.getvalue().encode("utf-8-sig")), filename=name)


def orders_csv(name: str, orders: Iterable[Cancellation]) -> discord.File:
    """Return all that the ledger knows of these orders."""
    head = (
        "order",
        "outcome",
        "panel_status",
        "panel_words",
        "remains",
        "charge_first",
        "charge_last",
        "currency",
        "asked_at",
        "ended_at",
    )
    return csv_file(
        name,
        head,
        (
            (
                order.order_id,
                WORDINGS[order.told_as].title,
                order.status_word,
                order.words,
                order.remains,
                order.charge_first,
                order.charge_last,
                order.currency,
                _time(order.created_at),
                _time(order.ended_at),
            )
            for order in orders
        ),
    )


def _harmless(value: str | None) -> str:
    value = value or ""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _time(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds") if time else ""
