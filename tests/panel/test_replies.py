"""What the panel's replies mean: documented shapes, those of the v2 family, and everything else."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Accepted, Balance, OrderReading, Refill, RowError
from bot.domain.reasons import Reason
from bot.panel import Refused, UnexpectedResponse
from bot.panel.replies import (
    Json,
    error_message,
    read_balance,
    read_cancel,
    read_json,
    read_refill,
    read_statuses,
)

KEY = "np-secret-key-0123456789abcdef"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
YES, NO = Accepted(), RowError("Order not found", Reason.NOT_FOUND)
READING = OrderReading(OrderStatus.IN_PROGRESS, "in_progress", "0.50", "1234", "650", "USD")
SHOWN = {
    "status": "in_progress",
    "charge": "0.50",
    "start_count": "1234",
    "remains": "650",
    "currency": "USD",
}
GONE = {"error": "Order not found"}


def arrived(reply: Any) -> Json:
    """Return a reply as it is after its way over the wire."""
    value = read_json(json.dumps(reply).encode(), KEY)
    assert value is not None
    return value


def cancel(reply: Any, orders: Sequence[str]) -> dict[str, Any]:
    return read_cancel(arrived(reply), orders)


def refill(reply: Any, orders: Sequence[str]) -> dict[str, Any]:
    return read_refill(arrived(reply), orders)


def status(reply: Any, orders: Sequence[str]) -> dict[str, Any]:
    return read_statuses(arrived(reply), orders)


@pytest.mark.parametrize(
    ("reply", "row"),
    [
        ({"cancel": "ord_9"}, YES),
        ({"cancel": "ORD_9"}, YES),
        ({"cancel": 1}, YES),
        ({"cancel": True}, YES),
        ({"cancel": "4711"}, YES),
        ({"order": "ord_9", "cancel": 1}, YES),
        ({"order": "ord_9", "cancel": "ord_9", "error": None}, YES),
        ([{"order": "ord_9", "cancel": "ord_9"}], YES),
        ({"ord_9": {"cancel": 1}}, YES),
        ({"ord_9": 1}, YES),
        (GONE, NO),
        ({"order": "ord_9", "cancel": GONE}, NO),
        ({"cancel": GONE}, NO),
        ({"order": "ord_9", "cancel": None, **GONE}, NO),
        ([{"order": "ord_9", **GONE}], NO),
        ({"ord_9": GONE}, NO),
    ],
)
def test_one_order_to_cancel(reply: Any, row: object) -> None:
    assert cancel(reply, ["ord_9"]) == {"ord_9": row}


@pytest.mark.parametrize("value", [0, -1, 1.5, False, None, "", "0", "false", "no", "failed", [], {}, [1]])
def test_an_odd_value_of_cancel_is_no_success(value: Any) -> None:
    assert cancel({"cancel": value}, ["ord_9"]) == {}
    assert cancel([{"order": "ord_9", "cancel": value}], ["ord_9"]) == {}
    assert cancel({"ord_9": {"cancel": value}}, ["ord_9", "ord_8"]) == {}


@pytest.mark.parametrize(
    "reply",
    [
        {"cancel": "Incorrect order ID"},
        {"cancel": "ord_8"},
        {"order": "ord_8", "cancel": 1},
        {"ord_9": {"order": "ord_8", "cancel": 1}},
        {"cancel": "ord_9", **GONE},
        [{"order": "ord_9", "cancel": "ord_9", **GONE}],
        [{"cancel": "ord_9"}],
        [{"order": "ord_9", "error": ["x"]}],
        ["ord_9", 1, None],
        [],
        {},
    ],
)
def test_what_does_not_plainly_speak_of_the_order_is_left_out(reply: Any) -> None:
    assert cancel(reply, ["ord_9"]) == {}


def test_a_batch_is_read_by_name() -> None:
    rows: list[Any] = [
        {"order": "c", "cancel": GONE},
        {"order": "elsewhere", "cancel": 1},
        {"order": "b", **GONE},
        {"order": "a", "cancel": "a"},
        {"cancel": "d"},
    ]
    assert cancel(rows, ["a", "b", "c", "d"]) == {"a": YES, "b": NO, "c": NO}


def test_a_batch_may_be_keyed_by_order() -> None:
    assert cancel({"a": {"cancel": 1}, "b": GONE, "z": {"cancel": 1}}, ["a", "b", "c"]) == {"a": YES, "b": NO}


def test_integer_orders_compare_as_text() -> None:
    assert cancel([{"order": 9, "cancel": 1}, {"order": 10, **GONE}], ["9", "10"]) == {"9": YES, "10": NO}
    assert cancel({"order": 9, "cancel": 1}, ["9"]) == {"9": YES}


@pytest.mark.parametrize("second", [{"cancel": 0}, GONE, {"cancel": "sorry, no"}])
def test_rows_that_disagree_count_as_missing(second: Any) -> None:
    for pair in ([{"cancel": 1}, second], [second, {"cancel": 1}]):
        assert cancel([{"order": "a", **row} for row in pair], ["a", "b"]) == {}


def test_equal_rows_count_once() -> None:
    assert cancel([{"order": "a", "cancel": 1}] * 2, ["a", "b"]) == {"a": YES}


def test_an_error_about_the_whole_batch() -> None:
    with pytest.raises(Refused) as caught:
        cancel({"error": "Missing required parameter: order"}, ["a", "b"])
    assert caught.value.panel_message == "Missing required parameter: order"
    assert not caught.value.may_have_acted


@pytest.mark.parametrize(
    "reply",
    [{"cancel": 1}, {"cancel": "a", **GONE}, {"message": "ok"}, {"error": "partly done", "rows": [1]}],
)
def test_an_answer_to_another_question_proves_nothing(reply: Any) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        cancel(reply, ["a", "b"])
    assert caught.value.may_have_acted


@pytest.mark.parametrize(
    ("reply", "row"),
    [
        ({"refill": "ref_01HG9X7"}, Refill("ref_01HG9X7")),
        ({"refill": "ref_ABC"}, Refill("ref_ABC")),
        ({"refill": 7}, Refill("7")),
        ({"order": "ord_9", "refill": "1"}, Refill("1")),
        ({"order": "ord_9", "refill": "ref_1", "error": None}, Refill("ref_1")),
        ([{"order": "ord_9", "refill": "ref_1"}], Refill("ref_1")),
        ([{"order": "ord_9", "refill": "ref_1"}] * 2, Refill("ref_1")),
        ({"ord_9": {"refill": "ref_1"}}, Refill("ref_1")),
        ({"ord_9": "ref_1"}, Refill("ref_1")),
        (GONE, NO),
        ({"order": "ord_9", "refill": GONE}, NO),
        ({"order": "ord_9", "refill": None, **GONE}, NO),
        ({"refill": False, **GONE}, NO),
        ([{"order": "ord_9", **GONE}], NO),
        ({"ord_9": GONE}, NO),
    ],
)
def test_one_order_to_refill(reply: Any, row: object) -> None:
    assert refill(reply, ["ord_9"]) == {"ord_9": row}


@pytest.mark.parametrize(
    "value",
    [0, -1, 1.5, True, False, None, "", "0", "ok", "true", "limit-3", "ord_9", "ord_8", "ref_", "ref_1 ref_2", {}, [1]],
)
def test_what_is_no_refill_id_is_no_success(value: Any) -> None:
    assert refill({"refill": value}, ["ord_9"]) == {}
    assert refill([{"order": "ord_9", "refill": value}], ["ord_9", "ord_8"]) == {}
    assert refill({"ord_9": value}, ["ord_9", "ord_8"]) == {}


@pytest.mark.parametrize("value", ["ref_1", "ref_ABC", "1", 1, True, "ord_9"])
def test_a_refill_beside_an_error_proves_neither(value: Any) -> None:
    assert refill({"refill": value, **GONE}, ["ord_9"]) == {}
    assert refill([{"order": "ord_9", "refill": value, **GONE}], ["ord_9", "ord_8"]) == {}


def test_a_batch_of_refills_is_read_by_name_and_no_id_twice() -> None:
    rows: list[Any] = [
        {"order": "c", "refill": GONE},
        {"order": "elsewhere", "refill": "ref_9"},
        {"order": "b", **GONE},
        {"order": "a", "refill": "ref_1"},
        {"order": "d", "refill": "ref_2"},
        {"order": "e", "refill": "REF_2"},
        {"order": "f", "refill": "ref_3"},
        {"order": "f", "refill": "ref_4"},
        {"refill": "ref_5"},
    ]
    assert refill(rows, ["a", "b", "c", "d", "e", "f", "g"]) == {"a": Refill("ref_1"), "b": NO, "c": NO}


def test_an_error_about_a_whole_batch_of_refills() -> None:
    with pytest.raises(Refused, match="Unknown action"):
        refill({"error": "Unknown action"}, ["a", "b"])
    for reply in ({"refill": "ref_1"}, {"refill": "ref_1", **GONE}, {"message": "ok"}):
        with pytest.raises(UnexpectedResponse):
            refill(reply, ["a", "b"])


@pytest.mark.parametrize(
    ("reply", "row"),
    [
        (SHOWN, READING),
        ({"a": SHOWN}, READING),
        ([{"order": "a", **SHOWN}], READING),
        ({**SHOWN, "start_count": 1234, "remains": 650}, READING),
        ({"status": "Canceled"}, OrderReading(OrderStatus.CANCELLED, "Canceled")),
        ({"status": "on\u202e\nhold"}, OrderReading(OrderStatus.UNKNOWN, "on hold")),
        ({"status": "pending", "charge": True, "remains": [1]}, OrderReading(OrderStatus.PENDING, "pending")),
        (GONE, NO),
        ({"a": GONE}, NO),
        ({"a": "Order not found"}, NO),
    ],
)
def test_one_status(reply: Any, row: object) -> None:
    assert status(reply, ["a"]) == {"a": row}


@pytest.mark.parametrize("reply", [{"status": ""}, {"status": None}, {"status": 3}, {"a": {}}, {"a": ""}, []])
def test_a_status_without_a_word_is_left_out(reply: Any) -> None:
    assert status(reply, ["a"]) == {}


def test_a_batch_of_statuses() -> None:
    expected = {"a": READING, "b": NO, "c": NO}
    assert status({"a": SHOWN, "b": GONE, "c": "Order not found", "z": SHOWN}, ["a", "b", "c", "d"]) == expected
    rows = [{"order": "b", **GONE}, {"order": "a", **SHOWN}, {"order": "c", **GONE}, SHOWN]
    assert status(rows, ["a", "b", "c", "d"]) == expected


def test_a_single_status_in_answer_to_a_batch_proves_nothing() -> None:
    with pytest.raises(UnexpectedResponse):
        status(SHOWN, ["a", "b"])


def test_a_balance() -> None:
    assert read_balance({"balance": "47.32", "currency": "USD"}) == Balance("47.32", "USD")
    assert read_balance({"balance": 47}) == Balance("47", None)
    for odd in ({}, [], {"balance": None}, {"balance": True}):
        with pytest.raises(UnexpectedResponse):
            read_balance(odd)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"1", b'"ord_9"', b"true", b"<html>", b'{"cancel":', b"\xff", b"[" * 9999, b"9" * 9999],
)
def test_what_is_no_object_or_array_cannot_be_read(body: bytes) -> None:
    assert read_json(body, KEY) is None


def test_a_reply_of_more_parts_than_any_answer_has_is_not_read() -> None:
    rows = b",".join(b'{"order":"ord_%d","cancel":{"id":{"of":[]}}}' % number for number in range(100))
    assert isinstance(read_json(b"[%s]" % rows, KEY), list)
    assert read_json(b"[%s[]]" % (b"[]," * 5_000), KEY) is None


@pytest.mark.parametrize(
    "before",
    [
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf" * 3,
        b"\xef\xbb\xbf\r\n\xef\xbb\xbf \t\xef\xbb\xbf",
        b"\n\n \xef\xbb\xbf",
    ],
)
def test_byte_order_marks_and_space_before_the_json_are_tolerated(before: bytes) -> None:
    assert read_json(before + b'{"cancel":1}', KEY) == {"cancel": 1}
    assert read_json(before, KEY) is None


IN_ITS_OWN_WAY = [
    ("Ord_a1", "ord_A1"),
    ("ord_a1", "ORD_A1"),
    ("ABCD123", "abcd123"),
    ("123", "00123"),
    ("00123", "123"),
    ("0", "000"),
    ("123", 123),
    ("007", 7),
    ("ord_a1", " ord_A1 "),
]


@pytest.mark.parametrize(("order", "spelled"), IN_ITS_OWN_WAY)
def test_an_id_that_the_panel_spells_in_its_own_way_is_found(order: str, spelled: str | int) -> None:
    orders = [order, "ord_other"]
    for asked in (orders, orders[:1]):
        assert cancel([{"order": spelled, "cancel": spelled}], asked) == {order: YES}
        assert cancel({str(spelled): {"order": spelled, "cancel": 1}}, asked) == {order: YES}
        assert refill([{"order": spelled, "refill": "ref_1"}], asked) == {order: Refill("ref_1")}
        assert status({str(spelled): SHOWN}, asked) == {order: READING}
        assert status([{"order": spelled, **SHOWN}], asked) == {order: READING}
    assert status({"order": spelled, **SHOWN}, [order]) == {order: READING}
    if order != "0":  # which is no success anywhere
        assert cancel({"cancel": spelled}, [order]) == {order: YES}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("ord_A", 1)], {}),
        ([("ord_a", 1)], {"ord_a": YES}),
        ([("Ord_a", 1), ("ord_A", 1)], {"Ord_a": YES}),
        ([("Ord_a", 1), ("ord_a", 0)], {"Ord_a": YES}),
        ([("ord_B", 1), ("ORD_b", 1)], {"ord_b": YES}),
        ([("ord_B", 1), ("ORD_b", 0)], {}),
        ([("ord_B", 0), ("ord_b", 1)], {"ord_b": YES}),
        ([("ord_B", 1), ("ord_b", 0)], {}),
        ([("07", 1)], {}),
        ([("7", 1), ("0007", 1)], {"7": YES}),
        ([("\u017f9", 1)], {}),  # whose capital is that of an s
    ],
)
def test_a_spelling_that_could_mean_two_orders_means_none_and_an_exact_one_goes_before(
    rows: list[tuple[str, int]], found: dict[str, Any]
) -> None:
    """Of the orders asked about two differ in their capitals alone, and two in a zero before them."""
    orders = ["ord_a", "Ord_a", "ord_b", "7", "007", "s9"]
    assert cancel([{"order": order, "cancel": value} for order, value in rows], orders) == found


def test_a_cancel_that_names_another_of_the_orders_asked_for_is_no_success() -> None:
    rows = [{"order": "ord_a", "cancel": "Ord_a"}, {"order": "ord_b", "cancel": "ORD_B"}]
    assert cancel(rows, ["ord_a", "Ord_a", "ord_b"]) == {"ord_b": YES}


@given(st.lists(st.from_regex(r"ord_[0-9A-Za-z]{1,4}|0{0,2}[1-9][0-9]{0,2}", fullmatch=True), min_size=1), st.data())
def test_no_spelling_leads_to_another_order(orders: list[str], data: st.DataObject) -> None:
    orders = list(dict.fromkeys(orders))
    spelled = {
        order: data.draw(st.sampled_from([order, order.upper(), order.lower(), f"0{order}"])) for order in orders
    }
    rows = status([{"order": name, "status": order} for order, name in spelled.items()], orders)
    for order, row in rows.items():
        said_of = {one for one in orders if spelled[one] == order} or {order}
        assert row.word in said_of


@pytest.mark.parametrize("garbled", ["\ud83d", "\udc00\ud83d"])
@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ('{"order":"b","status":"in_progress%s"}', None),
        ('{"order":"b","status":"canceled%s","charge":"1"}', None),
        ('{"order":"b","status":"canceled","charge":"0%s"}', None),
        ('{"order":"b%s","status":"canceled"}', None),
        ('{"order":"b","status":"canceled","%s":1}', OrderReading(OrderStatus.CANCELLED, "canceled")),
        ('{"order":"b","error":"no %sluck"}', "no \ufffd"),
    ],
)
def test_what_is_no_text_costs_its_own_row_alone(row: str, kept: Any, garbled: str) -> None:
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in garbled)
    raw = garbled.encode(errors="surrogatepass")
    for sent in ((row % escaped).encode(), row.encode().replace(b"%s", raw), row.encode().replace(b"%s", b"\xff")):
        body = b'[{"order":"a","status":"pending"},' + sent + b"]"
        value = read_json(body, KEY)
        assert value is not None
        rows = read_statuses(value, ["a", "b"])
        assert rows.pop("a") == OrderReading(OrderStatus.PENDING, "pending")
        found = rows.get("b")
        assert (
            isinstance(found, RowError) and found.panel_message.startswith(kept)
            if isinstance(kept, str)
            else found == kept
        )


@pytest.mark.parametrize("value", ['"b\\ud83d"', '"\\ud83d"', '"\x00"', '"b \x00 9"', "9" * 9999, "1e999", "NaN"])
@pytest.mark.parametrize(
    "row", ['{"order":%s,"cancel":1}', '{"order":"c","cancel":%s,"error":"no"}', '{"order":1,%s:1}']
)
def test_what_is_no_id_costs_its_own_row_alone(row: str, value: str) -> None:
    if row.endswith(":1}") and not value.startswith('"'):
        value = f'"{value}"'
    body = f'[{{"order":"a","cancel":1}},{row % value}]'
    value_read = read_json(body.encode(), KEY)
    assert value_read is not None
    assert read_cancel(value_read, ["a", "b", "9"]) == {"a": YES}


def texts(value: Any) -> list[str]:
    """Return all texts of a reply, names too."""
    if isinstance(value, dict):
        return [text for name, part in value.items() for text in (name, *texts(part))]
    return [text for part in value for text in texts(part)] if isinstance(value, list) else [str(value)]


ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=8)


@given(
    st.recursive(ANY_TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3)),
    st.booleans(),
)
@example({"\ud83d": ["\udfff"]}, True)
def test_every_text_that_is_read_can_be_stored_and_shown(reply: Any, ascii: bool) -> None:
    body = json.dumps([reply], ensure_ascii=ascii).encode(errors="surrogatepass")
    value = read_json(body, KEY)
    assert value is not None
    "".join(texts(value)).encode()


def test_words_are_made_fit_to_be_shown() -> None:
    value = read_json(json.dumps({"error": "  a\x00b\r\n\u200bc " + "x" * 999}).encode(), KEY)
    words = error_message(value)
    assert words is not None
    assert words.startswith("a b c x")
    assert len(words) == 300


@pytest.mark.parametrize("key", [KEY, "np/key+with=signs0123456789", "schlüssel-0123456789"])
@pytest.mark.parametrize("before", ["", "x" * 290])
def test_an_echoed_key_is_replaced(key: str, before: str) -> None:
    for body in (json.dumps(echo := {"error": f"{before}{key}"}), json.dumps(echo, ensure_ascii=False)):
        for sent in (body, body.replace("/", "\\/"), body.replace("n", "\\u006e")):
            words = error_message(read_json(sent.encode(), key))
            assert words is not None
            assert words.startswith(before + "[key]"[: 300 - len(before)])
            assert key[:6] not in words
