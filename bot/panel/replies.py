"""Reads the panel's replies: NotPanel's documented shapes and those of the v2 family, into the same types.

Nothing is guessed: what a reply does not plainly say of an order is left out of the result, and the
caller has to ask again.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import mktime_tz, parsedate_tz
from typing import Generic, NamedTuple, TypeVar

from pydantic import JsonValue

from bot.domain.panel_answers import (
    Accepted,
    Balance,
    CancelRow,
    Limits,
    OrderReading,
    Refill,
    RefillRow,
    RowError,
    StatusRow,
)
from bot.panel.errors import Layer, Refused, UnexpectedResponse
from bot.panel.phrases import is_about_orders, is_fault, read_reason, read_status
from bot.panel.redaction import Redaction

Json = dict[str, JsonValue] | list[JsonValue]

_MOST_WORDS = 300  # characters
_MOST_PARTS = 5_000
"""Objects and arrays in a reply: one about a hundred orders has some hundreds, and 40,000 set off a garbage collection
for which everybody waits."""
_FARTHEST_RESET = 3600  # seconds
_MOST_DIGITS = 300
_GARBLED = "\ufffd"
"""Stands for what is no text. No ID and no status word has it, so that a row with one in it is like no row."""
_BEFORE_JSON = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n]++)*+")
_DIGITS = re.compile(r"[0-9]{1,15}")
_ID = re.compile(r"[\w-]*[1-9][\w-]*", re.ASCII)
_NUMBER_ID = re.compile(r"0*([0-9]+)", re.ASCII)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_REFILL_ID = re.compile(r"ref_[\w-]{1,64}|0*[1-9][0-9]{0,19}", re.ASCII | re.IGNORECASE)
_NUMBERS = ("charge", "start_count", "remains", "currency")
"""What NotPanel documents beside an order's status."""
_SPEAKING = ("message", "error", "msg", "detail")
"""Names under which an envelope has a text for people; a framework's `error` is often the HTTP status alone."""
_OUTCOMES = frozenset({"error", "fail", "failed", "failure", "success", "ok"})
"""Words that stand under `status` where that tells how the call went, not how an order is."""


Row = TypeVar("Row")


class PanelReply(NamedTuple, Generic[Row]):
    """What the panel said of each order; an order that is not in `rows` is missing from its answer."""

    rows: Mapping[str, Row]
    limits: Limits


def read_json(body: bytes, key: str) -> Json | None:
    """Return the object or array in a reply, None for anything else, and for one of too many parts.

    Every text in it is made fit to be shown: on one line, without control characters, at most 300
    characters, and without the key, in whatever form the panel echoes it (redaction.py). What is no text (half a
    surrogate pair, a byte that is not UTF-8) becomes U+FFFD, and costs nothing but the row that it stands in.
    """
    if body.count(b"[") + body.count(b"{") > _MOST_PARTS:
        return None
    start = _BEFORE_JSON.match(body)
    text = body[start.end() if start else 0 :].decode(errors="replace")
    try:
        value = json.loads(text, strict=False, object_pairs_hook=_named_once, parse_int=_whole)
        tidy = _tidy(value, Redaction(_line(key)))
    except (ValueError, RecursionError):
        return None
    return tidy if isinstance(tidy, dict | list) else None


def error_message(value: JsonValue) -> str | None:
    """Return the words of `{"error": text}`, the documented shape of an error about a whole call, or None.

    With more in it than the order's ID it is the envelope of a framework or a gateway, or there is more to read.
    """
    if not isinstance(value, dict):
        return None
    names = {name for name, part in value.items() if part is not None}
    return _error(value) if names <= {"error", "order", "orders"} else None


def quotable(value: JsonValue) -> str:
    """Return the text that an answer carries for people, in whatever envelope; empty where there is none."""
    parts = [value.get(name) for name in _SPEAKING] if isinstance(value, dict) else []
    parts += [part.get(name) for part in parts if isinstance(part, dict) for name in _SPEAKING]
    return next((part for part in parts if isinstance(part, str) and part), "")


def read_cancel(value: Json, orders: Sequence[str]) -> dict[str, CancelRow]:
    """Read a reply to `cancel`; raise Refused for an error about a whole batch, or UnexpectedResponse."""
    return _read(value, orders, "cancel", _cancel_row)


def read_refill(value: Json, orders: Sequence[str]) -> dict[str, RefillRow]:
    """Read a reply to `refill`; raise Refused for an error about a whole batch, or UnexpectedResponse.

    A refill is of one order: an ID that stands with several proves nothing of any of them.
    """
    rows = _read(value, orders, "refill", _refill_row)
    uses = Counter(row.id.casefold() for row in rows.values() if isinstance(row, Refill))
    return {order: row for order, row in rows.items() if isinstance(row, RowError) or uses[row.id.casefold()] == 1}


def read_statuses(value: Json, orders: Sequence[str]) -> dict[str, StatusRow]:
    """Read a reply to `status`; raise Refused for an error about a whole batch, or UnexpectedResponse."""
    return _read(value, orders, "status", _status_row)


def read_balance(value: Json) -> Balance:
    """Read a reply to `balance`; raise Refused or UnexpectedResponse."""
    _refuse(value)
    if not isinstance(value, dict) or (amount := _text(value.get("balance"))) is None:
        raise UnexpectedResponse(quotable(value))
    return Balance(amount, _text(value.get("currency")))


def read_webhook(value: Json) -> None:
    """Read a reply to `webhook.add`, of which no shape is documented; raise Refused or UnexpectedResponse."""
    _refuse(value)


def _refuse(value: Json) -> None:
    """Raise Refused or UnexpectedResponse for an error in answer to a call that is about no order."""
    if panel_message := error_message(value):
        raise UnexpectedResponse(panel_message) if is_fault(panel_message) else Refused(panel_message)


def read_limits(headers: Mapping[str, str], now: datetime) -> Limits:
    """Read the X-RateLimit-* headers (NotPanel docs); what is garbled counts as absent."""
    return Limits(
        _number(headers.get("X-RateLimit-Limit")),
        _number(headers.get("X-RateLimit-Remaining")),
        read_reset(headers, now),
        _number(headers.get("X-RateLimit-Tier-Remaining")),
    )


def read_layer(headers: Mapping[str, str]) -> Layer | None:
    """Return which limit a 429 is about (NotPanel docs)."""
    match headers.get("X-RateLimit-DeniedBy", "").strip().casefold():
        case "ip" | "key" | "tier" as layer:
            return layer
        case _:
            return None


def read_reset(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when a limit ends: X-RateLimit-Reset (unix seconds, NotPanel docs), or else Retry-After.

    A time of more than an hour from now is not believed: it would silence an account for as long.
    """
    stamp, pause = _number(headers.get("X-RateLimit-Reset")), headers.get("Retry-After", "")
    seconds = _number(pause)
    after = _http_date(pause) if seconds is None else now.timestamp() + seconds
    for moment in (stamp, after):
        if moment is not None and abs(moment - now.timestamp()) <= _FARTHEST_RESET:
            return datetime.fromtimestamp(moment, UTC)
    return None


def read_date(text: str) -> datetime | None:
    """Return the time that a Date header tells, or None."""
    stamp = _http_date(text)
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC)


def _http_date(text: str) -> float | None:
    parsed = parsedate_tz(text)
    try:
        return None if parsed is None else float(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text and _DIGITS.fullmatch(text) else None


def _named_once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Build an object in which a name given twice stands for nothing: no parser says which of them is meant."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = Counter(name for name, _ in pairs)
    return {name: value if names[name] == 1 else None for name, value in pairs}


def _whole(digits: str) -> JsonValue:
    """Read a whole number; one that is none, by its length, stays text."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _tidy(value: JsonValue, key: Redaction) -> JsonValue:
    if isinstance(value, str):
        return key.applied(_line(value))[:_MOST_WORDS]
    if isinstance(value, list):
        return [_tidy(part, key) for part in value]
    if isinstance(value, dict):
        return {_SURROGATE.sub(_GARBLED, name): _tidy(part, key) for name, part in value.items()}
    if isinstance(value, bool) or value is None:
        return value
    return value if key.applied(str(value)) == str(value) else key.applied(str(value))


def _line(text: str) -> str:
    text = _SURROGATE.sub(_GARBLED, text)
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(text.split())


class _Asked:
    """The orders that were asked about, found by the names that the panel gives them.

    It may spell an ID in its own way: in capitals, a number with zeros before it. That counts where only one of those
    asked about can be meant.
    """

    def __init__(self, orders: Sequence[str]) -> None:
        self._orders = frozenset(orders)
        folded = Counter(map(_normal_id, self._orders))
        self._by_fold = {_normal_id(order): order for order in self._orders if folded[_normal_id(order)] == 1}

    def find(self, name: str | None) -> str | None:
        """Return the order that a name means, or None."""
        if name is None or name in self._orders:
            return name
        return self._by_fold.get(_normal_id(name))


def _normal_id(order: str) -> str:
    """Return what an ID has in common with all its spellings."""
    order = order.strip()
    number = _NUMBER_ID.fullmatch(order)
    return number[1] if number else order.lower() if order.isascii() else order


def _read(
    value: Json, orders: Sequence[str], field: str, read: Callable[[_Asked, str, JsonValue], Row | None]
) -> dict[str, Row]:
    """Keep one row an order asked about; where a reply contradicts itself, none.

    A row under the very ID that was asked for counts before one under another spelling of it.
    """
    asked = _Asked(orders)
    exactly: dict[str, set[Row | None]] = {order: set() for order in orders}
    nearly: dict[str, set[Row | None]] = {order: set() for order in orders}
    for name, row in _rows(value, asked, orders, field):
        if (order := asked.find(name)) is not None:
            found = exactly if name == order else nearly
            sure = _named(row) is None or asked.find(_named(row)) == order
            found[order].add(read(asked, order, row) if sure else None)
    said = {order: exactly[order] or nearly[order] for order in orders}
    return {order: row for order, rows in said.items() if len(rows) == 1 for row in rows if row is not None}


def _rows(value: Json, asked: _Asked, orders: Sequence[str], field: str) -> Iterable[tuple[str | None, JsonValue]]:
    """Yield each row of a reply with the order it is about: by its name, never by its place."""
    if isinstance(value, list):
        return [(_named(row), row) for row in value]
    if not value or any(asked.find(name) is not None for name in value):
        return value.items()
    panel_message = error_message(value)
    if len(orders) == 1 and (_named(value) is not None or _is_row(value, field, panel_message)):
        return [(orders[0], value)]
    if len(orders) > 1 and panel_message and is_about_orders(panel_message):
        raise Refused(panel_message, read_reason(field, panel_message))
    raise UnexpectedResponse(quotable(value))


def _is_row(value: dict[str, JsonValue], field: str, panel_message: str | None) -> bool:
    """Tell whether an object without an ID is about the one order that was asked for, and no one else's answer."""
    if panel_message:
        return is_about_orders(panel_message)
    if field != "status" or _has_numbers(value):
        return field in value
    return set(value) == {"status"} and _outcome(value) is None


def _has_numbers(row: dict[str, JsonValue]) -> bool:
    return any(name in row for name in _NUMBERS)


def _outcome(row: dict[str, JsonValue]) -> str | None:
    """Return the word under `status` where it is one for how a call went."""
    word = row.get("status")
    return word.casefold() if isinstance(word, str) and word.casefold() in _OUTCOMES else None


def _denies(row: JsonValue) -> bool:
    """Tell whether an object says that the call failed, whatever else is in it."""
    return isinstance(row, dict) and (
        any(row.get(name) in (False, "false") for name in ("success", "ok"))
        or _outcome(row) not in (None, "success", "ok")
    )


def _named(row: JsonValue) -> str | None:
    return _text(row.get("order")) if isinstance(row, dict) else None


def _error(value: JsonValue) -> str | None:
    """Return the words of an `{"error": …}`; None where it is absent, empty or no text."""
    panel_message = value.get("error") if isinstance(value, dict) else None
    return panel_message if isinstance(panel_message, str) and panel_message else None


def _cancel_row(asked: _Asked, order: str, row: JsonValue) -> CancelRow | None:
    """Read a row, or the value of `cancel` alone; None for what cannot be relied on."""
    said = row.get("cancel") if isinstance(row, dict) else row
    panel_message, accepted = _error(row) or _error(said), _says_yes(said, asked, order)
    if panel_message:
        return None if accepted else RowError(panel_message, read_reason("cancel", panel_message))
    return Accepted() if accepted and not _denies(row) else None


def _says_yes(value: JsonValue, asked: _Asked, order: str) -> bool:
    """Tell whether the value of `cancel` is a success: the order's ID (NotPanel docs), another ID, or 1.

    A sentence, a word or the ID of another order proves nothing.
    """
    if not isinstance(value, str):
        return isinstance(value, int) and value > 0
    if _normal_id(value) == _normal_id(order):
        return asked.find(value) == order
    return bool(_ID.fullmatch(value)) and not value.casefold().startswith("ord_")


def _refill_row(asked: _Asked, order: str, row: JsonValue) -> RefillRow | None:
    """Read a row, or the value of `refill` alone; None for what cannot be relied on."""
    said = row.get("refill") if isinstance(row, dict) else row
    panel_message, refill_id = _error(row) or _error(said), _refill_id(said)
    if panel_message:
        return (
            None
            if refill_id or _says_yes(said, asked, order)
            else RowError(panel_message, read_reason("refill", panel_message))
        )
    return Refill(refill_id) if refill_id and not _denies(row) else None


def _refill_id(value: JsonValue) -> str | None:
    """Return the value of `refill` where it is an ID: `ref_…` (NotPanel docs) or a number (v2 family)."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _REFILL_ID.fullmatch(text) else None


def _status_row(_asked: _Asked, _order: str, row: JsonValue) -> StatusRow | None:
    panel_message = row if isinstance(row, str) and row else _error(row)
    if panel_message:
        return RowError(panel_message, read_reason("status", panel_message))
    word = row.get("status") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(word, str) or not word:
        return None
    numbers = [_text(row.get(name)) for name in _NUMBERS]
    if any(_GARBLED in text for text in (word, *numbers) if text):
        return None
    if _outcome(row) and not _has_numbers(row) and not set(row) <= {"order", "status"}:
        return None
    return OrderReading(read_status(word), word, *numbers)


def _text(value: JsonValue) -> str | None:
    """Return a text, or a number as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)[:_MOST_WORDS] or None
