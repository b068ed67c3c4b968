"""The card of /status: what the panel says of orders at this moment."""

from bot.cards.csv import csv_file
from bot.cards.errors import panel_error, stopped
from bot.cards.keys import status_note
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card, room_beside
from bot.cards.text import amount, code, listed, titled
from bot.cards.words import ignored
from bot.domain.order_ids import Junk
from bot.domain.panel_answers import OrderReading, StatusRow
from bot.panel import PanelError
from bot.services.panel_calls import Statuses


def status_card(orders: tuple[str, ...], statuses: Statuses, junk: tuple[str, ...], repeats: int) -> CardView:
    """Show what the panel says of each order, in the order asked."""
    found = statuses.rows
    lines = [f"{code(order)} · {_status(found.get(order), order in statuses.unasked)}" for order in orders]
    head = titled(plural("Status of {count} order", "Status of {count} orders", len(orders)))
    note = "\n".join(filter(None, [_stopped(statuses), status_note(statuses), ignored(Junk.of(junk), repeats)]))
    in_the_file = _("… and {missing} more, in the file", missing=len(lines))
    shown, missing = listed(lines, room_beside([head, note, in_the_file]), between="\n")
    rest = [_("… and {missing} more, in the file", missing=missing)] if missing else []
    file = (
        csv_file("status.csv", _STATUS_HEAD, (_status_row(id, found.get(id), id in statuses.unasked) for id in orders))
        if missing
        else None
    )
    return card(Tone.PLAIN, [head, "\n".join([shown, *rest]), *([note] if note else [])], file=file)


def _stopped(statuses: Statuses) -> str:
    if statuses.stopped is None:
        return ""
    left = plural("{count} order was not asked about.", "{count} orders were not asked about.", len(statuses.unasked))
    why = panel_error(statuses.stopped) if isinstance(statuses.stopped, PanelError) else stopped(statuses.stopped)
    return f"{left} {why}"


_STATUS_HEAD = ("order", "status", "charge", "currency", "start_count", "remains", "panel_words")


def _status(row: StatusRow | None, unasked: bool) -> str:
    if unasked:
        return _("not asked")
    if row is None:
        return _("the panel's answer leaves it out")
    if not isinstance(row, OrderReading):
        return _("the panel says {words}", words=code(row.panel_message))
    currency = f" {amount(row.currency)}" if row.currency else ""
    charge = _("charge {amount}", amount=amount(row.charge)) + currency if row.charge else ""
    remains = _("{amount} remaining", amount=amount(row.remains)) if row.remains else ""
    return " · ".join(filter(None, [f"**{code(row.word, 40)}**", charge, remains]))


def _status_row(order: str, row: StatusRow | None, unasked: bool) -> tuple[str | None, ...]:
    if isinstance(row, OrderReading):
        return (order, row.word, row.charge, row.currency, row.start_count, row.remains, None)
    silence = "not asked" if unasked else "left out of the panel's answer"
    return (order, None, None, None, None, None, row.panel_message if row else silence)
