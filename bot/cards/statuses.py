"""The card of /status: what the panel says of orders at this moment."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

import discord

from bot.cards.csv import csv_file, dated_name
from bot.cards.errors import panel_error, stopped
from bot.cards.groups import Section, facts, fitted, most_without_list, with_detail
from bot.cards.keys import Names, key_fact, names_of
from bot.cards.language import N_, _, enumerated, isolated, number, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import amount, code, quoted, small, titled
from bot.cards.words import Wording, ignored
from bot.domain.order_ids import Junk
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import OrderReading, RowError, StatusRow
from bot.domain.reasons import Reason
from bot.panel import PanelError
from bot.services.panel_calls import Statuses

_EMOJI: Mapping[OrderStatus, str] = {
    OrderStatus.COMPLETED: "📦",
    OrderStatus.CANCELLED: "✅",
    OrderStatus.REFUNDED: "✅",
    OrderStatus.PENDING: "🟢",
    OrderStatus.PROCESSING: "⏳",
    OrderStatus.IN_PROGRESS: "⏳",
    OrderStatus.PARTIAL: "🌓",
    OrderStatus.FAILED: "❌",
    OrderStatus.UNKNOWN: "❔",
}
"""In the order of the first line; the groups below stand the other way round, what went wrong first."""
_SEVERAL_UNKNOWN = Wording("❔", N_("Another status"), N_("with another status"), "")
_UNASKED = Wording("↩️", N_("Not asked about"), N_("not asked about"), "")
_LEFT_OUT = Wording("❔", N_("Left out of NotPanel's answer"), N_("without an answer"), "")
_NOT_FOUND = Wording("⛔", N_("Not found"), N_("not found"), "")
_NO_STATUS = Wording("⛔", N_("Without a status"), N_("without a status"), "")
_OURS = (_SEVERAL_UNKNOWN, _UNASKED, _LEFT_OUT, _NOT_FOUND, _NO_STATUS)
"""What is said in words of ours, in the same order, behind the panel's."""

_FILE_HEAD = ("order", "status", "charge", "currency", "start_count", "remains", "panel_words")
_KEY_HEAD = ("key",)
"""Only for a user who has several."""


def status_card(orders: Sequence[str], statuses: Statuses, junk: tuple[str, ...], repeats: int) -> CardView:
    """Show what the panel says of each order: how many stand how, then what went wrong first."""
    names = names_of(statuses.keys)
    groups = _grouped(orders, statuses)
    head = titled(_counts(groups), facts(len(orders), key_fact(statuses.keys, statuses.account), statuses.asked_at))
    note = "\n".join(filter(None, [_stopped(statuses), _elsewhere(statuses), ignored(Junk.of(junk), repeats)]))
    in_the_file = small(_("The file has every order."))
    texts, left_out = fitted(groups[::-1], [head, note, in_the_file], most_without_list(len(orders), len(groups)))
    end = "\n".join(filter(None, [in_the_file if left_out else "", note]))
    return card(
        Tone.PLAIN,
        [head, *texts, *([end] if end else [])],
        file=_file(orders, statuses, names) if left_out else None,
    )


def _grouped(orders: Sequence[str], statuses: Statuses) -> list[tuple[Wording, Section]]:
    """Return how many orders stand how, in the order of the first line."""
    unknown = {row.word for row in statuses.rows.values() if _is_unknown(row)}
    lines: defaultdict[Wording, list[tuple[str, str]]] = defaultdict(list)
    ranks: dict[Wording, int] = {}
    for order in orders:
        row = statuses.rows.get(order)
        wording = _wording(row, several_unknown=len(unknown) > 1, unasked=order in statuses.unasked)
        ranks[wording] = _rank(row, wording)
        lines[wording].append(_line(order, row, statuses, with_word=wording is _SEVERAL_UNKNOWN))
    return [(wording, Section(len(lines[wording]), lines[wording])) for wording in sorted(ranks, key=ranks.__getitem__)]


def _wording(row: StatusRow | None, *, several_unknown: bool, unasked: bool) -> Wording:
    match row:
        case None:
            return _UNASKED if unasked else _LEFT_OUT
        case RowError(reason=Reason.NOT_FOUND):
            return _NOT_FOUND
        case RowError():
            return _NO_STATUS
        case OrderReading(status=OrderStatus.UNKNOWN):
            word = code(row.word, 40)
            return _SEVERAL_UNKNOWN if several_unknown else Wording("❔", word, word, "")
        case OrderReading():  # a word that is known has nothing in it but letters
            word = re.sub(r"[\s_-]+", " ", row.word).strip().casefold()
            return Wording(_EMOJI[row.status], f"*{word}*", word, "")


def _rank(row: StatusRow | None, wording: Wording) -> int:
    if wording in _OURS or not isinstance(row, OrderReading):
        return len(_EMOJI) + _OURS.index(wording)
    return [*_EMOJI].index(row.status)


def _is_unknown(row: StatusRow) -> TypeGuard[OrderReading]:
    return isinstance(row, OrderReading) and row.status is OrderStatus.UNKNOWN


def _counts(groups: Iterable[tuple[Wording, Section]]) -> str:
    """Return the first line; the panel's words stand as they are in every language."""
    counted = (
        f"{number(section.count)} {_(one.short, count=section.count)}"
        if one in _OURS
        else isolated(f"{number(section.count)} {one.short}")
        for one, section in groups
    )
    return " · ".join(counted)


def _line(order: str, row: StatusRow | None, statuses: Statuses, *, with_word: bool) -> tuple[str, str]:
    """Return an order as it is named, with its money and what is left to deliver; and the panel's message about it."""
    if isinstance(row, RowError):
        return code(order), f"-# {quoted(row.panel_message)}"
    if row is None:
        return code(order), ""
    word = code(row.word, 40) if with_word else ""
    charge = isolated(" ".join(amount(text) for text in (row.charge, row.currency) if text)) if row.charge else ""
    left = _("{amount} not delivered", amount=amount(row.remains)) if row.remains and row.remains.strip("0.") else ""
    key = key_fact(statuses.keys, statuses.elsewhere[order]) if order in statuses.elsewhere else ""
    return with_detail(code(order), word, charge, left, key), ""


def _stopped(statuses: Statuses) -> str:
    if statuses.stopped is None:
        return ""
    left = plural("{count} order was not asked about.", "{count} orders were not asked about.", len(statuses.unasked))
    why = panel_error(statuses.stopped) if isinstance(statuses.stopped, PanelError) else stopped(statuses.stopped)
    return f"{left} {why}"


def _elsewhere(statuses: Statuses) -> str:
    """Say which other keys may know what was not found."""
    if not statuses.others:
        return ""
    names = enumerated(code(one.name) for one in statuses.others)
    return _("Not found? It may be under another of your keys: use `/status` with `key` {names}.", names=names)


def _file(orders: Sequence[str], statuses: Statuses, names: Names) -> discord.File:
    rows = (
        (*_file_row(order, statuses.rows.get(order), order in statuses.unasked), *_file_key(order, statuses, names))
        for order in orders
    )
    name = dated_name("status", day=statuses.asked_at.date(), orders=len(orders))
    return csv_file(name, [*_FILE_HEAD, *(_KEY_HEAD if names else ())], rows)


def _file_key(order: str, statuses: Statuses, names: Names) -> Sequence[str]:
    return [names.get(statuses.elsewhere.get(order, statuses.account).id, "")] if names else []


def _file_row(order: str, row: StatusRow | None, unasked: bool) -> tuple[str | None, ...]:
    if isinstance(row, OrderReading):
        return (order, row.word, row.charge, row.currency, row.start_count, row.remains, None)
    silence = "not asked" if unasked else "left out of the panel's answer"
    return (order, None, None, None, None, None, row.panel_message if row else silence)
