"""Calls the panel: one endpoint, form-encoded POST, JSON replies (NotPanel docs)."""

import asyncio
import logging
import re
import socket
import struct
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import monotonic
from typing import Any, TypeVar

import httpx  # `import httpx2 as httpx` switches to its maintained successor
from pydantic import SecretStr

from bot.domain.panel_answers import Balance, CancelRow, Limits, RefillRow, StatusRow
from bot.panel.errors import PanelError, Unavailable, UnexpectedResponse, error_for
from bot.panel.redaction import Redaction
from bot.panel.replies import (
    Json,
    PanelReply,
    Row,
    error_message,
    quotable,
    read_balance,
    read_cancel,
    read_json,
    read_layer,
    read_limits,
    read_refill,
    read_reset,
    read_statuses,
    read_webhook,
)

log = logging.getLogger(__name__)

MAX_BATCH = 100
"""Orders in one call (NotPanel docs)."""

CALL_DEADLINE = 45
"""Seconds from the start of a call to the last byte of its answer. After that nothing of it is on its way any more:
takeovers rest on this (bot/ledger/holder.py)."""
TIMEOUTS = httpx.Timeout(connect=5, write=10, read=30, pool=5)
"""Seconds for each step of a call. A panel that answers byte by byte keeps to them for as long as it likes."""
MAX_BODY = 128 * 1024
"""Bytes of a reply that are read; a full batch needs some 20 KiB. Even in a thread JSON is parsed in one go, in which
nobody else has a turn: of half a megabyte for up to 0.4 s, of so much for less than 0.05 s."""
_MAX_RAW = MAX_BODY + 64 * 1024
"""Bytes that are taken from a connection for one call, whatever they are: headers without end, for example."""
_PIECE = 2 * 1024
"""Bytes that are taken at once: between two pieces others have their turn."""
_LONG_BODY = 32 * 1024
"""Bytes of a reply above which it is read in a thread, beside everybody else's work."""
_MOST_CONNECTIONS = 128
"""Of all turns there can be some 96 (bot/workers/scheduler.py); the rest is for commands."""
_HEADERS = {"Accept-Encoding": "identity", "Connection": "close"}
"""Nothing compressed: some kilobytes can be made to unfold into gigabytes. One connection a call: whatever comes over
it after the answer would be taken for the next one's, and there is no telling when it comes."""

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""Errors after which the panel cannot have seen the call."""

_REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Called:
    """A call as it ended, for whoever counts: `outcome` is "ok", or the error's name in small letters."""

    action: str
    outcome: str
    seconds: float


class Panel:
    """A client for one panel. Keys are handed in with each call and kept nowhere."""

    def __init__(
        self,
        url: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        proxy: SecretStr | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        called: Callable[[Called], None] = lambda _: None,
    ) -> None:
        self._url = httpx.URL(url)
        self._transport = transport
        self._proxy = proxy
        self._clock = clock
        self._called = called
        self._http: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()

    async def cancel(self, key: SecretStr, orders: Sequence[str]) -> PanelReply[CancelRow]:
        """Ask to cancel 1 to 100 orders. An accepted row is refunded or queued; only `status` tells which.

        Raise PanelError.
        """
        return await self._ask(key, "cancel", orders, read_cancel)

    async def refill(self, key: SecretStr, orders: Sequence[str]) -> PanelReply[RefillRow]:
        """Ask for a refill of 1 to 100 orders. It takes no idempotency key (NotPanel docs): never send it twice.

        Raise PanelError; where it `may_have_acted` no call tells what it did.
        """
        return await self._ask(key, "refill", orders, read_refill)

    async def status(self, key: SecretStr, orders: Sequence[str]) -> PanelReply[StatusRow]:
        """Ask for the status of 1 to 100 orders; raise PanelError."""
        return await self._ask(key, "status", orders, read_statuses)

    async def balance(self, key: SecretStr) -> tuple[Balance, Limits]:
        """Ask for an account's balance: cheap, cached for 30 s, and the way to check a key.

        Raise PanelError.
        """
        return await self._call(key, {"action": "balance"}, read_balance)

    async def add_webhook(self, key: SecretStr, url: str, events: Sequence[str]) -> tuple[None, Limits]:
        """Have the panel call an address on events.

        It takes no idempotency key: never send it twice. Raise PanelError; where it `may_have_acted` no call tells what
        it did (NotPanel docs).
        """
        form = {"action": "webhook.add", "url": url, "events": ",".join(events)}
        return await self._call(key, form, read_webhook)

    async def aclose(self, patience: float = 60) -> None:
        """Let calls under way end, for `patience` seconds at most, then cut off the rest and close.

        Nothing is on its way to the panel afterwards: whoever shares the ledger may take over what this process did.
        """
        deadline = asyncio.get_running_loop().time() + patience
        while self._tasks and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        if self._http:
            await self._http.aclose()

    async def _ask(
        self, key: SecretStr, action: str, orders: Sequence[str], read: Callable[[Json, Sequence[str]], dict[str, Row]]
    ) -> PanelReply[Row]:
        if not 1 <= len(orders) <= MAX_BATCH:
            raise ValueError(f"{action} takes 1 to {MAX_BATCH} orders, not {len(orders)}")
        if not all(orders) or any("," in order for order in orders):
            raise ValueError("an order ID that is empty or contains a comma would name other orders")
        name = "order" if len(orders) == 1 else "orders"
        form = {"action": action, name: ",".join(orders)}
        return PanelReply(*await self._call(key, form, lambda value: read(value, orders)))

    async def _call(
        self, key: SecretStr, form: dict[str, str], read: Callable[[Json], Result]
    ) -> tuple[Result, Limits]:
        """Call in a task of its own: cancelled calls break httpcore's pool for good (its issue 1093)."""
        deadline = asyncio.get_running_loop().time() + CALL_DEADLINE
        return await asyncio.shield(self._start(self._counted(key, form, read, deadline)))

    async def _counted(
        self, key: SecretStr, form: dict[str, str], read: Callable[[Json], Result], deadline: float
    ) -> tuple[Result, Limits]:
        began, outcome = monotonic(), "fault"
        try:
            response, body = await self._post(key, form, deadline)
            if len(body) > _LONG_BODY:
                answer = await asyncio.to_thread(self._understand, response, body, key, read)
            else:
                answer = self._understand(response, body, key, read)
            outcome = "ok"
            return answer
        except PanelError as error:
            outcome = type(error).__name__.lower()
            raise
        finally:
            self._called(Called(form["action"], outcome, monotonic() - began))

    def _start(self, work: Coroutine[object, object, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _post(self, key: SecretStr, form: dict[str, str], deadline: float) -> tuple[httpx.Response, bytes]:
        http, wire = await self._client(), _Wire()
        if asyncio.get_running_loop().time() >= deadline:  # this process was halted meanwhile
            raise Unavailable(may_have_acted=False)
        try:
            # The key leaves its wrapper in the argument alone, so that no frame of ours holds it in clear.
            async with (
                asyncio.timeout_at(deadline),
                http.stream(
                    "POST",
                    self._url,
                    data={"key": key.get_secret_value(), **form},
                    extensions={"trace": wire.trace},
                ) as response,
            ):
                body = await read_body(response)
        except TimeoutError as error:
            # Only here a call is cut off, and the pool that this may have broken goes with it.
            self._replace(http)
            raise Unavailable(may_have_acted=wire.may_have_sent) from error
        except httpx.PoolTimeout as error:
            self._replace(http)
            raise Unavailable(may_have_acted=False) from error
        except NEVER_SENT as error:
            raise Unavailable(may_have_acted=False) from error
        except httpx.TransportError as error:
            raise Unavailable(may_have_acted=True) from error
        return response, body

    def _understand(
        self, response: httpx.Response, body: bytes, key: SecretStr, read: Callable[[Json], Result]
    ) -> tuple[Result, Limits]:
        """Return what can be read of an answer, or raise what is wrong with the whole of it."""
        now, headers = self._clock(), response.headers
        value = read_json(body, key.get_secret_value())
        panel_message = error_message(value) or ""
        reset, quoted = read_reset(headers, now), quotable(value)
        error = error_for(response.status_code, panel_message, read_layer(headers), reset, quoted)
        given = headers.get("x-request-id", "")
        if _REQUEST_ID.fullmatch(given) and Redaction(key.get_secret_value()).applied(given) == given:
            # The panel's own name for the call, to be quoted to its support.
            level = logging.INFO if error else logging.DEBUG
            log.log(level, "the panel answered %d to its request %s", response.status_code, given)
        if error:
            raise error
        if value is None:
            raise UnexpectedResponse
        return read(value), read_limits(headers, now)

    async def _client(self) -> httpx.AsyncClient:
        """Return the client, made at the first call, beside the loop: the certificates alone take it 15 ms to read."""
        async with self._making:
            if self._http is None:
                self._http = await asyncio.to_thread(connect, self._transport, self._proxy)
            return self._http

    def _replace(self, stuck: httpx.AsyncClient) -> None:
        """Go on with a new client; the old one is closed when the calls that it still carries have ended."""
        if stuck is self._http:
            self._http = None
            self._start(_retire(stuck, frozenset(self._tasks)))


class _Wire:
    """What became of one call's bytes, as httpcore tells it (its extension "trace")."""

    def __init__(self) -> None:
        self.may_have_sent = True
        """Whether the panel may have any of the call; False only while a connection to it is being made."""

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Hear of a step."""
        if event == "connection.connect_tcp.started":
            self.may_have_sent = False
        elif event == "connection.connect_tcp.complete":
            # Closing this connection ends it at once. Otherwise the system goes on delivering what the panel's side has
            # not acknowledged yet, for minutes after the call was given up.
            info["return_value"].get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            _limit(info["return_value"])
        elif event.endswith("start_tls.complete"):
            _limit(info["return_value"])
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":  # to a proxy
            self.may_have_sent = True


_AT_ONCE = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)
"""`struct linger`: on, for zero seconds."""


def _limit(stream: Any) -> None:
    """Have a connection break off where more comes over it than any answer needs: httpx counts bodies alone."""
    read, left = stream.read, _MAX_RAW

    async def read_within(most: int, *arguments: Any, **named: Any) -> bytes:
        nonlocal left
        await asyncio.sleep(0)
        data: bytes = await read(min(most, _PIECE), *arguments, **named)
        left -= len(data)
        if left < 0:
            raise httpx.RemoteProtocolError("more bytes than an answer has")
        return data

    stream.read = read_within


def host_called(url: str) -> str:
    """Return the host that calls to an address go to, as they write it; raise ValueError where none can be made."""
    try:
        called = httpx.URL(url)
        called.host.encode("idna")  # as looking it up does
    except httpx.InvalidURL:
        raise ValueError("not an address") from None
    return called.raw_host.decode()


def connect(transport: httpx.AsyncBaseTransport | None, proxy: SecretStr | None) -> httpx.AsyncClient:
    """Return a client for calls to the panel; it takes the address of a proxy from nowhere but the settings."""
    # Cookies are refused: one client speaks for many accounts, and a session must not lead to another's.
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(
        transport=transport,
        proxy=proxy.get_secret_value() if proxy else None,
        # SSL_CERT_FILE and SSL_CERT_DIR count, unlike HTTP_PROXY and .netrc; a given transport reads no certificates.
        verify=True if transport else httpx.create_ssl_context(),
        trust_env=False,
        headers=_HEADERS,
        limits=httpx.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=0),
        timeout=TIMEOUTS,
        cookies=cookies,
        follow_redirects=False,
    )


async def _retire(http: httpx.AsyncClient, calls: frozenset[asyncio.Task[object]]) -> None:
    try:
        await asyncio.wait(calls)
    finally:
        await http.aclose()


async def read_body(response: httpx.Response) -> bytes:
    """Read a reply, up to what one may measure; raise UnexpectedResponse for more, or for one that is encoded."""
    if response.headers.get("Content-Encoding", "").strip().casefold() not in ("", "identity"):
        raise UnexpectedResponse
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BODY:
            raise UnexpectedResponse
    return bytes(body)
