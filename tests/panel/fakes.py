"""Stand-ins for NotPanel: answers made up, or served on a socket."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from aiohttp import web
from pydantic import SecretStr

from bot.domain.panel_answers import RowError
from bot.panel import Answer, Panel, in_process
from bot.panel.phrases import read_reason

SECRET = "np-secret-key-0123456789abcdef"
KEY = SecretStr(SECRET)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RESET = NOW + timedelta(seconds=20)
STAMP = str(int(RESET.timestamp()))
YES = Answer(200, '{"cancel":"a"}')

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}

AMBIGUOUS: list[Exception | Answer] = [
    httpx.ReadTimeout("no answer"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("closed"),
    Answer(500, '{"error": "Internal error"}'),
    Answer(502, "<html>Bad gateway</html>"),
    Answer(200, "<html>Welcome</html>"),
    Answer(200, '[{"order": "ord_A", "can'),
    Answer(200, "[]"),
    Answer(200, '[{"order": "ord_Z", "cancel": "ord_Z"}, {"cancel": "ord_B"}]'),
    Answer(200, '[{"order":"ord_A","cancel":1},{"order":"ord_A","error":"no"},{"order":"ord_B","cancel":0}]'),
    Answer(302, ""),
]
"""What may come in place of an answer to the cancel of ord_A and ord_B, whether the panel has acted or not."""

SOMEONE_ELSES_ANSWERS: list[tuple[int, Mapping[str, str], str]] = [
    # Frameworks, where the panel's code is away or another has its address
    (404, JSON, '{"statusCode":404,"message":"Cannot POST /api/v2","error":"Not Found"}'),
    (404, JSON, '{"error":"Not Found"}'),
    (404, JSON, '{"detail":"Not Found"}'),
    (404, JSON, '{"message":"Route POST:/order not found","error":"Not Found","statusCode":404}'),
    (404, JSON, '{"timestamp":"2026-01-01T00:00:00Z","status":404,"error":"Not Found","path":"/api/v2"}'),
    (404, HTML, "<html><h1>404 Not Found</h1></html>"),
    (405, JSON, '{"error":"Method Not Allowed"}'),
    (405, JSON, '{"message":"The POST method is not supported for this route.","exception":"MethodNotAllowed"}'),
    (400, JSON, '{"error":"Bad Request"}'),
    (400, JSON, '{"statusCode":400,"error":"Bad Request","message":"Order not found in request body"}'),
    (400, JSON, '{"error":"Unexpected token o in JSON at position 1"}'),
    (400, JSON, '{"error":"invalid_request","error_description":"order"}'),
    (
        400,
        JSON,
        '{"title":"Bad Request","status":400,"traceId":"00-1","errors":{"order":["The order field is required."]}}',
    ),
    (406, JSON, '{"error":"Not Acceptable"}'),
    (413, HTML, "<html>413 Request Entity Too Large</html>"),
    (415, JSON, '{"error":"Unsupported Media Type"}'),
    (419, JSON, '{"message":"CSRF token mismatch."}'),
    (422, JSON, '{"message":"The given data was invalid.","errors":{"order":["invalid"]}}'),
    # Gateways and proxies, before the panel has acted or after it
    (402, JSON, '{"error":"Payment Required"}'),
    (408, JSON, '{"error":"Request Timeout"}'),
    (409, JSON, '{"error":"Conflict"}'),
    (410, JSON, '{"error":"Gone"}'),
    (421, JSON, '{"error":"Misdirected Request"}'),
    (423, JSON, '{"error":"Locked"}'),
    (425, JSON, '{"error":"Too Early"}'),
    (451, JSON, '{"error":"Unavailable For Legal Reasons"}'),
    (499, JSON, '{"error":"context canceled"}'),
    (403, JSON, '{"message":"Forbidden"}'),
    (403, JSON, '{"title":"Error 1020: Access denied","status":403,"detail":"The site owner has blocked you"}'),
    (302, HTML, ""),
    (200, HTML, "<html>Checking your browser</html>"),
    (201, JSON, '{"error":"Order not found"}'),
    (202, JSON, '{"status":"Completed","charge":"0.50"}'),
    (204, {}, ""),
    (200, JSON, '{"error":"Application not found"}'),
    (200, JSON, '{"status":"error","code":404,"message":"Application not found"}'),
    (200, JSON, '{"error":"Tunnel np.example.dev not found"}'),
    (200, JSON, '{"error":{"code":"404","message":"The page could not be found"}}'),
    (200, JSON, '{"error":"upstream request timeout"}'),
    (200, JSON, '{"error":"context canceled"}'),
    (200, JSON, '{"error":"The request was cancelled"}'),
    (200, JSON, '{"error":"canceling statement due to statement timeout"}'),
    (200, JSON, '{"error":"Service unavailable"}'),
    (200, JSON, '{"error":"Order service not found"}'),
    (200, JSON, '{"error":"Internal error while loading order"}'),
    (200, JSON, '{"error":"Something went wrong"}'),
    (200, JSON, '{"error":"Access denied"}'),
    (200, JSON, '{"error":"Invalid key length"}'),
    (200, JSON, '{"fault":{"faultstring":"Spike arrest violation"}}'),
    # Envelopes
    (200, JSON, '{"status":"error","message":"Too many requests"}'),
    (200, JSON, '{"status":"error","error":"Order not found"}'),
    (200, JSON, '{"status":"error"}'),
    (200, JSON, '{"status":"fail","data":null}'),
    (200, JSON, '{"status":"failed","message":"Order not found"}'),
    (200, JSON, '{"status":"success"}'),
    (200, JSON, '{"status":"ok","message":"pong"}'),
    (200, JSON, '{"status":"completed","message":"The job has ended"}'),
    (200, JSON, '{"status":"Canceled","code":499}'),
    (200, JSON, '{"success":false,"message":"Order not found"}'),
    (200, JSON, '{"success":false,"error":"Order not found"}'),
    (200, JSON, '{"code":404,"message":"Not found"}'),
    (200, JSON, '{"errors":[{"message":"Order not found","path":["cancel"]}],"data":null}'),
    (200, JSON, '{"statusCode":404,"message":"Order not found","error":"Not Found"}'),
]
"""Answers (HTTP status, headers, body) that are not the panel's, or not about orders: an order stays what it was.

Each is of a kind seen in the field; the panel itself may have acted or not.
"""


def refused(action: str, words: str) -> RowError:
    """Return a row of a refusal with the reason that the panel's words have for such a call."""
    return RowError(words, read_reason(action, words))


def panel_over(transport: httpx.AsyncBaseTransport) -> Panel:
    return Panel("https://panel.invalid/api/v2", transport=transport, clock=lambda: NOW)


def panel_that(answers: Answer | Exception) -> Panel:
    """Return a client whose every call is answered so, or fails so."""

    async def answer(_form: Mapping[str, str]) -> Answer:
        if isinstance(answers, Exception):
            raise answers
        return answers

    return panel_over(in_process(answer))


def error(words: str, status: int = 400, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps({"error": words}), named)


@asynccontextmanager
async def loopback(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncGenerator[str]:
    """Serve at an address of this machine and give it."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/v2"
    finally:
        await runner.cleanup()
