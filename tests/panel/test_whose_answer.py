"""Whose answer it is: what the panel says of orders, apart from what frameworks, gateways and envelopes say."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Accepted, OrderReading, Refill
from bot.panel import Answer, Blocked, PanelError, RateLimited, Refused, Suspended, Unavailable, UnexpectedResponse
from tests.panel.fakes import KEY, SOMEONE_ELSES_ANSWERS, error, panel_that, refused

BATCHES = (["ord_9"], ["ord_9", "ord_8"])

REFUSALS = [
    # NotPanel's own
    "Order not found",
    "Order cannot be cancelled (already completed)",
    "Service does not support cancellation",
    "Missing required parameter: order",
    "Missing required parameter: order or orders",
    "Insufficient balance",
    # The family's
    "Incorrect order ID",
    "error.incorrect_order_id",
    "order_not_found",
    "Cancellation already requested",
    "Already being cancelled",
    "This can't be canceled any more",
    "Cancel is disabled for this service",
    "Service doesn’t allow stopping",  # noqa: RUF001  # as people write it
    "Order is not completed or partial",
    "Refill limit reached",
    "Unknown action: cancel",
    "Unknown action",
    "Incorrect request",
    "Bad order in list",
    "Неверный ID заказа",
    "Отмена недоступна",
    "SİPARİŞ bulunamadı",  # noqa: RUF001
    "İptal edilemez",
    "Pedido no encontrado",
    "Este pedido não pode ser cancelado",
    "Pesanan tidak ditemukan",
    "Không tìm thấy đơn hàng",
    "ऑर्डर नहीं मिला",
    "الطلب غير موجود",
]
FAULTS = [
    "Not Found",
    "Bad Request",
    "Access denied",
    "Application not found",
    "Cannot POST /api/v2",
    "Failed to load the order: connection refused",
    "Cancel is temporarily unavailable",
    "Order could not be cancelled, try again later",
    "Không thể hủy đơn hàng, vui lòng thử lại",
    "Не удалось отменить заказ, попробуйте позже",  # noqa: RUF001
    "Undefined index: order",
    "A task was canceled.",
    "Request cancelled",
    "System is out of order",
    "Some orders could not be cancelled",
    "Missing required parameter: client_id",
    "取消失败",  # in a language that is not known: shown, and not taken for final
    "?",
]


@pytest.mark.parametrize("words", REFUSALS)
@pytest.mark.parametrize("status", [200, 400])
async def test_the_panels_refusal_is_about_the_order(words: str, status: int) -> None:
    panel = panel_that(error(words, status))
    for action, call in {"cancel": panel.cancel, "refill": panel.refill, "status": panel.status}.items():
        assert (await call(KEY, ["ord_9"])).rows == {"ord_9": refused(action, words)}
        with pytest.raises(Refused) as caught:
            await call(KEY, ["ord_9", "ord_8"])
        assert caught.value.panel_message == words


@pytest.mark.parametrize("words", FAULTS)
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("orders", BATCHES, ids=len)
async def test_what_is_not_known_to_be_about_an_order_is_trouble_and_is_quoted(
    words: str, status: int, orders: list[str]
) -> None:
    panel = panel_that(error(words, status))
    for call in (panel.cancel, panel.refill, panel.status):
        with pytest.raises(UnexpectedResponse) as caught:
            await call(KEY, orders)
        assert caught.value.panel_message == words


@pytest.mark.parametrize(("status", "headers", "body"), SOMEONE_ELSES_ANSWERS)
@pytest.mark.parametrize("orders", BATCHES, ids=len)
async def test_someone_elses_answer_says_nothing_of_any_order(
    status: int, headers: dict[str, str], body: str, orders: list[str]
) -> None:
    panel = panel_that(Answer(status, body, headers))
    for call in (panel.cancel, panel.refill, panel.status):
        with pytest.raises((UnexpectedResponse, Unavailable)) as caught:
            await call(KEY, orders)
        assert caught.value.may_have_acted


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"statusCode":404,"message":"Cannot POST /api/v2","error":"Not Found"}', "Cannot POST /api/v2"),
        ('{"error":{"code":"404","message":"The page could not be found"}}', "The page could not be found"),
        ('{"status":"error","message":"Too many requests"}', "Too many requests"),
        ('{"detail":"Not Found"}', "Not Found"),
        ('{"status":"error"}', ""),
        ("<html>", ""),
        ("[]", ""),
        ('"text"', ""),
    ],
)
@pytest.mark.parametrize(("status", "kind"), [(404, UnexpectedResponse), (502, Unavailable), (429, RateLimited)])
async def test_what_such_an_answer_says_is_kept_for_who_reads_it(
    body: str, words: str, status: int, kind: type[PanelError]
) -> None:
    with pytest.raises(kind) as caught:
        await panel_that(Answer(status, body)).cancel(KEY, ["ord_9"])
    assert caught.value.panel_message == words


NUMBERS = {"charge": "0.50", "start_count": "1234", "remains": "0", "currency": "USD"}


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ({"status": "Completed"}, OrderStatus.COMPLETED),
        ({"status": "cancelled"}, OrderStatus.CANCELLED),
        ({"status": "Sleeping"}, OrderStatus.UNKNOWN),
        *(({"status": "error", name: value}, OrderStatus.FAILED) for name, value in NUMBERS.items()),
        ({"status": "failed", "message": "no stock", **NUMBERS}, OrderStatus.FAILED),
        ({"status": "Completed", "remains": None, "message": "done"}, OrderStatus.COMPLETED),
        ({"order": "ord_9", "status": "failed"}, OrderStatus.FAILED),
        ({"order": "ord_9", "status": "Completed", "link": "x"}, OrderStatus.COMPLETED),
        ({"ord_9": {"status": "Fail"}}, OrderStatus.FAILED),
        ({"ord_9": {"status": "Completed", "quantity": 100}}, OrderStatus.COMPLETED),
        ([{"order": "ord_9", "status": "error"}], OrderStatus.FAILED),
        ({"ord_9": {"status": "error", "message": "Order not found"}}, None),
        ({"ord_9": {"status": "failed", "success": False}}, None),
        ([{"order": "ord_9", "status": "error", "message": "Too many requests"}], None),
        ([{"status": "failed"}], None),
    ],
)
async def test_a_status_word_counts_in_what_is_shaped_like_an_orders_status(
    reply: Any, status: OrderStatus | None
) -> None:
    rows = (await panel_that(Answer(200, json.dumps(reply))).status(KEY, ["ord_9"])).rows
    assert [row.status for row in rows.values() if isinstance(row, OrderReading)] == ([status] if status else [])


@pytest.mark.parametrize(
    "denied", [{"success": False}, {"success": "false"}, {"success": 0}, {"status": "error"}, {"status": "FAILED"}]
)
async def test_a_success_that_denies_itself_is_none(denied: dict[str, Any]) -> None:
    for field, value in (("cancel", "ord_9"), ("cancel", 1), ("refill", "ref_1")):
        for row in ({field: value, **denied}, [{"order": "ord_9", field: value, **denied}]):
            panel = panel_that(Answer(200, json.dumps(row)))
            call = panel.cancel if field == "cancel" else panel.refill
            assert (await call(KEY, ["ord_9"])).rows == {}


@pytest.mark.parametrize(
    "said", [{"success": True}, {"status": "Success"}, {"message": "Your order will be cancelled"}]
)
async def test_a_success_may_come_with_more_words(said: dict[str, Any]) -> None:
    panel = panel_that(Answer(200, json.dumps({"cancel": "ord_9", **said})))
    assert (await panel.cancel(KEY, ["ord_9"])).rows == {"ord_9": Accepted()}
    panel = panel_that(Answer(200, json.dumps({"refill": "ref_1", **said})))
    assert (await panel.refill(KEY, ["ord_9"])).rows == {"ord_9": Refill("ref_1")}


@pytest.mark.parametrize("words", ["Service unavailable", "Not Found", "取消失败", "Rate limit exceeded"])
async def test_an_error_in_an_orders_own_row_is_always_about_it(words: str) -> None:
    orders = ["ord_9", "ord_8"]
    row = {"order": "ord_9", "error": words}
    panel = panel_that(Answer(200, json.dumps([row])))
    assert (await panel.cancel(KEY, orders)).rows == {"ord_9": refused("cancel", words)}
    assert (await panel.status(KEY, orders)).rows == {"ord_9": refused("status", words)}
    panel = panel_that(Answer(200, json.dumps({"ord_9": {"error": words}})))
    assert (await panel.cancel(KEY, orders)).rows == {"ord_9": refused("cancel", words)}
    assert (await panel.status(KEY, orders)).rows == {"ord_9": refused("status", words)}


NAMES = st.sampled_from(
    ["ord_9", "order", "cancel", "refill", "status", "error", "message", "success", "code", "charge"]
)
LEAVES = (
    st.none() | st.booleans() | st.integers(-1, 9) | st.sampled_from([*REFUSALS, *FAULTS, "ord_9", "Completed", "fail"])
)
BODIES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(st.integers(201, 599).filter(lambda status: status != 400), BODIES, st.sampled_from(BATCHES))
@example(404, {"error": "Order not found"}, ["ord_9"])
@example(404, {"cancel": "ord_9"}, ["ord_9"])
async def test_no_other_http_status_speaks_of_orders(status: int, reply: Any, orders: list[str]) -> None:
    panel = panel_that(Answer(status, json.dumps(reply)))
    for call in (panel.cancel, panel.refill, panel.status):
        with pytest.raises(PanelError) as caught:
            await call(KEY, orders)
        assert not isinstance(caught.value, Refused)
        if not isinstance(caught.value, RateLimited | Blocked | Suspended):
            assert caught.value.may_have_acted


@given(st.sampled_from(["message", "code", "success", "detail", "data", "statusCode"]), LEAVES, LEAVES, st.booleans())
async def test_an_envelope_is_never_an_order(name: str, value: Any, word: Any, erroneous: bool) -> None:
    reply = {name: 0 if value is None else value, "error" if erroneous else "status": word}
    panel = panel_that(Answer(200, json.dumps(reply)))
    for orders in BATCHES:
        with pytest.raises(UnexpectedResponse):
            await panel.status(KEY, orders)
        with pytest.raises(UnexpectedResponse):
            await panel.cancel(KEY, orders)
