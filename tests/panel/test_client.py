"""The client: what goes over the wire, and what every failure is called."""

import json
import socket
from collections.abc import AsyncGenerator, Awaitable
from datetime import datetime
from typing import Any

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Accepted, Balance, Limits, Refill, RowError
from bot.domain.reasons import Reason
from bot.panel import (
    MAX_BATCH,
    Answer,
    Blocked,
    InvalidKey,
    Panel,
    PanelError,
    RateLimited,
    Refused,
    Suspended,
    Unavailable,
    UnexpectedResponse,
)
from bot.panel.client import MAX_BODY
from tests.panel.fakes import KEY, RESET, SECRET, STAMP, error, loopback, panel_over, panel_that


async def test_the_form_on_the_wire() -> None:
    requests: list[httpx.Request] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, content=b"[]" if b"orders" in request.content else b'{"balance":"1"}')

    panel = panel_over(httpx.MockTransport(handle))
    await panel.cancel(KEY, ["a", "b"])
    with pytest.raises(UnexpectedResponse):
        await panel.status(KEY, ["a b&c=d"])
    await panel.balance(KEY)
    await panel.refill(KEY, ["a", "b"])
    assert [request.content.decode() for request in requests] == [
        f"key={SECRET}&action=cancel&orders=a%2Cb",
        f"key={SECRET}&action=status&order=a+b%26c%3Dd",
        f"key={SECRET}&action=balance",
        f"key={SECRET}&action=refill&orders=a%2Cb",
    ]
    for request in requests:
        assert request.method == "POST"
        assert str(request.url) == "https://panel.invalid/api/v2"
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert SECRET not in str(request.headers)


async def test_answers_come_back_typed() -> None:
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": STAMP}
    limits = Limits(100, 7, RESET, None)
    cancelled = await panel_that(Answer(200, '{"cancel":"a"}', headers)).cancel(KEY, ["a"])
    assert (cancelled.rows, cancelled.limits) == ({"a": Accepted()}, limits)
    asked = await panel_that(Answer(200, '{"refill":"ref_1"}', headers)).refill(KEY, ["a"])
    assert (asked.rows, asked.limits) == ({"a": Refill("ref_1")}, limits)
    seen = await panel_that(Answer(200, '{"a":{"status":"Canceled"}}', headers)).status(KEY, ["a", "b"])
    assert [(order, row.status) for order, row in seen.rows.items() if not isinstance(row, RowError)] == [
        ("a", OrderStatus.CANCELLED)
    ]
    balance = await panel_that(Answer(200, '{"balance":"47.32","currency":"USD"}', headers)).balance(KEY)
    assert balance == (Balance("47.32", "USD"), limits)


@pytest.mark.parametrize("orders", [[], ["a"] * (MAX_BATCH + 1), ["a,b"], ["a", ""]])
async def test_what_would_name_other_orders_is_not_sent(orders: list[str]) -> None:
    panel = panel_that(AssertionError("sent"))
    for call in (panel.cancel, panel.refill, panel.status):
        with pytest.raises(ValueError, match="order"):
            await call(KEY, orders)


@pytest.mark.parametrize(
    ("answer", "kind", "may_have_acted"),
    [
        *((error("Invalid API key", status), InvalidKey, False) for status in (200, 400, 401, 403, 404, 500)),
        (error("incorrect API Key."), InvalidKey, False),
        (error("Sorry: invalid key"), InvalidKey, False),
        (error("This API key is invalid", 401), InvalidKey, False),
        (error("Who are you?", 401), Blocked, False),
        (Answer(401, "<html>"), UnexpectedResponse, True),
        (error("Provider: invalid API key", 403), Blocked, False),
        (error("Provider account suspended", 403), Blocked, False),
        (error("This deployment is suspended", 403), Blocked, False),
        (Answer(403, '{"message":"Invalid API key"}'), UnexpectedResponse, True),
        (error("Order not found", 403), Blocked, False),
        (error("Account suspended", 403), Suspended, False),
        (error("ACCOUNT SUSPENDED", 200), Suspended, False),
        (error("This user is suspended", 403), Suspended, False),
        (error("Not from this address", 403), Blocked, False),
        (Answer(403, "<html>blocked"), UnexpectedResponse, True),
        (error("Rate limit exceeded", 429), RateLimited, False),
        (error("Rate limit exceeded", 200), RateLimited, False),
        (Answer(429, "<html>"), RateLimited, False),
        *((error("Internal error", status), Unavailable, True) for status in (500, 502, 503, 599)),
        (Answer(502, "<html>"), Unavailable, True),
        *((Answer(status, "{}", {"Location": "/else"}), UnexpectedResponse, True) for status in (301, 302, 307)),
        *((Answer(status, "<html>"), UnexpectedResponse, True) for status in (200, 400, 404, 422)),
        *((Answer(200, body), UnexpectedResponse, True) for body in ("", "null", "1", '"a"', '{"cancel":', "[[")),
        (Answer(400, '{"cancel":"a"}'), UnexpectedResponse, True),
        (Answer(404, '{"error":""}'), UnexpectedResponse, True),
        (Answer(200, "[" + " " * MAX_BODY + "]"), UnexpectedResponse, True),
    ],
)
async def test_what_is_wrong_with_a_whole_call(answer: Answer, kind: type[PanelError], may_have_acted: bool) -> None:
    for orders in (["a"], ["a", "b"]):
        for call in (panel_that(answer).cancel, panel_that(answer).refill):
            with pytest.raises(PanelError) as caught:
                await call(KEY, orders)
            assert (type(caught.value), caught.value.may_have_acted) == (kind, may_have_acted)
    with pytest.raises(kind):
        await panel_that(answer).balance(KEY)


@pytest.mark.parametrize("status", [200, 400])
async def test_another_error_belongs_to_the_one_order_or_to_the_whole_batch(status: int) -> None:
    panel = panel_that(error("Order not found", status))
    assert (await panel.cancel(KEY, ["a"])).rows == {"a": RowError("Order not found", Reason.NOT_FOUND)}
    assert (await panel.refill(KEY, ["a"])).rows == {"a": RowError("Order not found", Reason.NOT_FOUND)}
    assert (await panel.status(KEY, ["a"])).rows == {"a": RowError("Order not found", Reason.NOT_FOUND)}
    batch = ["a", "b"]
    for call in (panel.cancel(KEY, batch), panel.refill(KEY, batch), panel.status(KEY, batch), panel.balance(KEY)):
        with pytest.raises(Refused, match="Order not found") as caught:
            await call
        assert (caught.value.panel_message, caught.value.may_have_acted) == ("Order not found", False)


@pytest.mark.parametrize(
    ("headers", "layer", "reset"),
    [
        ({"X_RateLimit_DeniedBy": "ip", "X_RateLimit_Reset": STAMP}, "ip", RESET),
        ({"X_RateLimit_DeniedBy": "Key", "Retry_After": "20"}, "key", RESET),
        ({"X_RateLimit_DeniedBy": "tier", "Retry_After": "Thu, 01 Jan 2026 00:00:20 GMT"}, "tier", RESET),
        ({"X_RateLimit_DeniedBy": "moon", "X_RateLimit_Reset": "tomorrow"}, None, None),
        ({}, None, None),
    ],
)
async def test_which_limit_and_until_when(headers: dict[str, str], layer: str, reset: datetime) -> None:
    with pytest.raises(RateLimited) as caught:
        await panel_that(error("Rate limit exceeded", 429, **headers)).balance(KEY)
    assert (caught.value.layer, caught.value.reset) == (layer, reset)


@pytest.mark.parametrize(
    ("failure", "kind", "may_have_acted"),
    [
        (httpx.ConnectError("refused"), Unavailable, False),
        (httpx.ConnectTimeout(""), Unavailable, False),
        (httpx.PoolTimeout(""), Unavailable, False),
        (httpx.ProxyError("407"), Unavailable, False),
        (httpx.UnsupportedProtocol("ftp"), Unavailable, False),
        (httpx.WriteTimeout(""), Unavailable, True),
        (httpx.ReadTimeout(""), Unavailable, True),
        (httpx.WriteError("reset"), Unavailable, True),
        (httpx.ReadError("reset"), Unavailable, True),
        (httpx.CloseError(""), Unavailable, True),
        (httpx.RemoteProtocolError("disconnected"), Unavailable, True),
        (httpx.LocalProtocolError(""), Unavailable, True),
    ],
)
async def test_what_a_broken_call_is_called(failure: Exception, kind: type[PanelError], may_have_acted: bool) -> None:
    for call in (panel_that(failure).cancel, panel_that(failure).refill):
        with pytest.raises(PanelError) as caught:
            await call(KEY, ["a"])
        assert (type(caught.value), caught.value.may_have_acted) == (kind, may_have_acted)


async def test_a_failure_while_the_body_arrives_is_ambiguous() -> None:
    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncGenerator[bytes]:
            yield b'{"cancel":'
            raise httpx.ReadError("reset")

    async def handle(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Broken())

    with pytest.raises(Unavailable) as caught:
        await panel_over(httpx.MockTransport(handle)).cancel(KEY, ["a"])
    assert caught.value.may_have_acted


async def test_an_endless_body_is_not_read_to_its_end() -> None:
    read = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncGenerator[bytes]:
            nonlocal read
            while True:
                read += 1 << 20
                yield b" " * (1 << 20)

    async def handle(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Endless())

    with pytest.raises(UnexpectedResponse):
        await panel_over(httpx.MockTransport(handle)).cancel(KEY, ["a"])
    assert read <= MAX_BODY + (1 << 20)


def test_an_error_reads_as_a_message() -> None:
    assert str(InvalidKey()) == "The panel does not accept the API key."
    assert str(Refused("No.")) == 'The panel refused the whole call; nothing was done. The panel says: "No."'


KEYS = st.text("abcXYZ0189-_+/=%", min_size=8, max_size=40)
BODIES = st.sampled_from(
    [
        {"error": "no such key: {}"},
        {"error": "Invalid API key {}"},
        {"cancel": "{}", "refill": "{}", "status": "{}", "charge": "{}", "currency": "{}", "balance": "{}"},
        {"a": {"error": "{}"}, "b": {"status": "is {}", "remains": "{}"}, "{}": {"cancel": 1}},
        [{"order": "a", "cancel": {"error": "{} {}"}}, {"order": "b", "status": "{}"}],
    ]
)


@given(KEYS, BODIES, st.sampled_from([200, 400, 401, 403, 429, 500]), st.sampled_from([["a"], ["a", "b"]]))
async def test_the_key_is_never_shown(key: str, reply: Any, status: int, orders: list[str]) -> None:
    body = json.dumps(reply).replace("{}", json.dumps(key)[1:-1])
    panel = panel_that(Answer(status, body, {"X-RateLimit-DeniedBy": key, "X-RateLimit-Reset": key}))
    for call in (panel.cancel, panel.refill, panel.status):
        await assert_hidden(call(SecretStr(key), orders), key)
    await assert_hidden(panel.balance(SecretStr(key)), key)


@pytest.mark.parametrize("failure", [httpx.ReadTimeout(""), httpx.PoolTimeout(""), httpx.ConnectError("no")])
async def test_the_key_is_not_in_a_failure_either(failure: Exception) -> None:
    await assert_hidden(panel_that(failure).cancel(KEY, ["a"]), SECRET)


async def assert_hidden(call: Awaitable[object], key: str) -> None:
    said: list[object] = []
    try:
        said.append(await call)
    except PanelError as caught:
        cause: BaseException | None = caught
        while cause:
            said += [cause, str(cause), vars(cause)]
            cause = cause.__cause__ or cause.__context__
    assert key not in repr(said)


async def test_a_redirect_is_not_followed() -> None:
    paths: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with loopback(handle) as url:
        panel = Panel(url)
        with pytest.raises(UnexpectedResponse):
            await panel.cancel(KEY, ["a"])
        await panel.aclose()
    assert paths == ["/api/v2"]


async def test_no_cookie_goes_from_one_account_to_another() -> None:
    cookies: list[str | None] = []

    async def handle(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(text='{"balance":"1"}', headers={"Set-Cookie": "session=first; Path=/"})

    async with loopback(handle) as url:
        panel = Panel(url)
        await panel.balance(KEY)
        await panel.balance(SecretStr("np-another-key-0123456789abcdef"))
        await panel.aclose()
    assert cookies == [None, None]


async def test_a_refused_connection_was_certainly_not_reached() -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
        panel = Panel(f"http://127.0.0.1:{port}/api/v2")
        with pytest.raises(Unavailable) as caught:
            await panel.cancel(KEY, ["a"])
    assert not caught.value.may_have_acted
    await panel.aclose()


async def test_a_dropped_connection_is_ambiguous() -> None:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport
        request.transport.abort()
        return web.Response()

    async with loopback(handle) as url:
        panel = Panel(url)
        with pytest.raises(Unavailable) as caught:
            await panel.cancel(KEY, ["a"])
        assert caught.value.may_have_acted
        await panel.aclose()
