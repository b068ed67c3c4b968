"""Stand-ins for NotPanel: answers made up, or served on a socket."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from aiohttp import web
from pydantic import SecretStr

from bot.panel import (
    Answer,
    Panel,
    in_process,
)

SECRET = "np-secret-key-0123456789abcdef"
KEY = SecretStr(SECRET)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RESET = NOW + timedelta(seconds=20)
STAMP = str(int(RESET.timestamp()))
YES = Answer(200, '{"cancel":"a"}')


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
