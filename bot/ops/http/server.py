"""What is answered over HTTP."""

import asyncio
import errno
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.ops.health import Health
from bot.ops.http.connections import Connections, Guarded
from bot.ops.http.metrics import CONTENT_TYPE, exposition
from bot.services.webhooks import Webhooks
from bot.settings import AddressNotHere, BadSettings

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
"""Of a body; a call about a hundred orders needs some ten thousand."""
_READ_WITHIN = 10
"""Seconds for a body to arrive."""
_LINGERS = 1
"""Seconds for which the rest of a body is read that nobody wants, so that its sender sees the answer."""

Handler = Callable[[web.Request], Awaitable[web.Response]]


def _is_own(record: logging.LogRecord) -> bool:
    """Tell what broke in here from what a caller broke: of that there is no end, and a secret may be in its words."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)


_server_log = logging.getLogger(f"{__name__}.aiohttp")
_server_log.addFilter(_is_own)


@asynccontextmanager
async def serving(
    host: str, port: int, health: Health, webhooks: Webhooks, *, waiting: Callable[[], str] = lambda: ""
) -> AsyncGenerator[int]:
    """Answer at an address of this machine, and give the port; `waiting` tells why no gateway is tried, if so.

    Raise BadSettings where it cannot be had, or AddressNotHere where that may pass.
    """
    # No access log: a webhook's address is a secret. Nobody's connection keeps the bot from ending.
    # Nothing is decompressed: a few kilobytes can be made to unfold into gigabytes.
    connections = Connections()
    runner = web.AppRunner(
        application(health, webhooks, connections, waiting=waiting),
        access_log=None,
        logger=_server_log,
        auto_decompress=False,
        lingering_time=_LINGERS,
        shutdown_timeout=1,
        handle_signals=False,
    )
    await runner.setup()
    listening = None
    try:
        protocol = runner.server
        assert protocol
        try:
            listening = await asyncio.get_running_loop().create_server(
                lambda: Guarded(protocol(), connections), host, port, backlog=128
            )
        except UnicodeError:  # of a name that no host can have
            raise BadSettings(f"HTTP_HOST, HTTP_PORT: {host} is no name of a host") from None
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise AddressNotHere(f"HTTP_HOST, HTTP_PORT: {host} port {port}: {error.strerror}") from None
            raise BadSettings(f"HTTP_HOST, HTTP_PORT: {host} port {port}: {error.strerror or error}") from None
        bound = listening.sockets[0].getsockname()[1]
        log.info("answering on %s port %d", host, bound)
        yield bound
    finally:
        if listening:
            listening.close()
        await runner.cleanup()


def application(
    health: Health,
    webhooks: Webhooks,
    connections: Connections | None = None,
    *,
    waiting: Callable[[], str] = lambda: "",
) -> web.Application:
    """Return what answers."""
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[connections.watch] if connections else ())
    app.router.add_get("/healthz", _healthz(health))
    app.router.add_get("/readyz", _readyz(health, waiting))
    app.router.add_get("/metrics", _metrics(health))
    if webhooks.is_on:
        app.router.add_post("/hooks/{token}", _hooks(webhooks))
    return app


def _healthz(health: Health) -> Handler:
    async def healthz(_: web.Request) -> web.Response:
        """Tell whether this process gets its work done. Whether Discord answers is no fault of its own."""
        faults = await health.faults()
        return web.Response(status=503 if faults else 200, text="\n".join(faults or ["ok"]) + "\n")

    return healthz


def _readyz(health: Health, waiting: Callable[[], str]) -> Handler:
    async def readyz(_: web.Request) -> web.Response:
        """Tell whether commands reach this process."""
        if health.connected():
            return web.Response(text="ok\n")
        why = waiting()
        return web.Response(status=503, text=f"gateway not connected{why and ': '}{why}\n")

    return readyz


def _metrics(health: Health) -> Handler:
    async def metrics(_: web.Request) -> web.Response:
        """Give the metrics to Prometheus."""
        return web.Response(body=await exposition(health), headers={"Content-Type": CONTENT_TYPE})

    return metrics


def _hooks(webhooks: Webhooks) -> Handler:
    async def hooks(request: web.Request) -> web.Response:
        """Take a call, and answer it before anybody has looked whose address that is or what it says."""
        token = request.match_info["token"]
        if not webhooks.admits(token):
            return _too_many()
        try:
            async with asyncio.timeout(_READ_WITHIN):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        return web.Response(status=204) if webhooks.take(token, body) else _too_many()

    return hooks


def _too_many() -> web.Response:
    return web.Response(status=429, headers={"Retry-After": "60"})
