"""Whatever a panel answers, no order is said to be accepted, refilled or in a state that the reply does not say."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.panel_answers import Accepted, Refill, RowError
from bot.panel import Refused, UnexpectedResponse
from bot.panel.replies import read_cancel, read_json, read_refill, read_statuses
from tests.panel.test_replies import KEY, cancel, refill, status

ORDERS = ["a", "b", "ord_1"]
NAMES = st.sampled_from([*ORDERS, "order", "cancel", "refill", "status", "error", "ref_1", "ref_2", "z"])
LEAVES = st.none() | st.booleans() | st.integers(-2, 99) | st.floats() | st.text(max_size=5) | NAMES | st.just(KEY)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
ASKED = st.lists(st.sampled_from(ORDERS), min_size=1, unique=True)


def said(reply: Any, order: str, alone: bool, field: str) -> list[Any]:
    """Return, by a rule of its own, all that a reply may be saying of an order under such a name."""
    if isinstance(reply, list):
        parts = [row for row in reply if isinstance(row, dict) and str(row.get("order")) == order]
    elif isinstance(reply, dict):
        parts = [reply[order]] if order in reply else []
        parts += [reply] if alone else []
    else:
        parts = []
    return [part.get(field) if isinstance(part, dict) else part for part in parts]


def says_so(reply: Any, order: str, alone: bool) -> bool:
    """Tell whether a reply could mean that this order's cancel was accepted."""
    return any(value and isinstance(value, int | str) for value in said(reply, order, alone, "cancel"))


@given(JSON, ASKED)
@example([{"order": "a", "cancel": 1}], ["a"])
def test_accepted_only_where_the_row_says_so(reply: Any, orders: list[str]) -> None:
    try:
        rows = cancel(reply, orders) if isinstance(reply, dict | list) else {}
    except (UnexpectedResponse, Refused):
        return
    assert set(rows) <= set(orders)
    for order, row in rows.items():
        assert not isinstance(row, Accepted) or says_so(reply, order, len(orders) == 1)
        assert KEY not in repr(row)


@given(JSON, ASKED)
@example([{"order": "a", "refill": "ref_1"}, {"order": "b", "refill": "ref_1"}], ["a", "b"])
def test_a_refill_only_where_the_row_names_it_and_for_one_order(reply: Any, orders: list[str]) -> None:
    try:
        rows = refill(reply, orders) if isinstance(reply, dict | list) else {}
    except (UnexpectedResponse, Refused):
        return
    assert set(rows) <= set(orders)
    ids = [row.id for row in rows.values() if isinstance(row, Refill)]
    assert len(ids) == len(set(ids))
    for order, row in rows.items():
        assert isinstance(row, RowError) or row.id in map(str, said(reply, order, len(orders) == 1, "refill"))
        assert KEY not in repr(row)


@given(JSON, ASKED)
def test_a_status_is_never_made_up(reply: Any, orders: list[str]) -> None:
    try:
        rows = status(reply, orders) if isinstance(reply, dict | list) else {}
    except (UnexpectedResponse, Refused):
        return
    assert set(rows) <= set(orders)
    for row in rows.values():
        assert isinstance(row, RowError) or row.word
        assert KEY not in repr(row)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()), ASKED)
def test_no_bytes_break_anything(body: bytes, orders: list[str]) -> None:
    value = read_json(body, KEY)
    if value is None:
        return
    for read in (read_cancel, read_refill, read_statuses):
        with suppress(Refused, UnexpectedResponse):
            read(value, orders)
