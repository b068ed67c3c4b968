"""Asks whether the panel answers, with a call that needs no key and changes nothing."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import httpx
from pydantic import SecretStr

from bot.domain.clock import Clock, utc_now
from bot.panel.client import CALL_DEADLINE, NEVER_SENT, connect, read_body
from bot.panel.errors import PanelError, Unavailable, UnexpectedResponse, error_for
from bot.panel.replies import error_message, quotable, read_date, read_json, read_layer, read_reset


@dataclass(frozen=True, slots=True)
class Probed:
    """How the panel answered a call without a key: with one of the errors that the client knows, or in other words."""

    error: PanelError | None
    panel_message: str
    sent: datetime
    received: datetime
    date: datetime | None
    """The panel's own time, to the second, where it says it."""


async def probe(
    url: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    proxy: SecretStr | None = None,
    clock: Clock = utc_now,
) -> Probed:
    """Ask for a balance without a key, which NotPanel answers with `Invalid API key`; raise Unavailable."""
    async with connect(transport, proxy) as http:
        sent = clock()
        try:
            async with asyncio.timeout(CALL_DEADLINE), http.stream("POST", url, data={"action": "balance"}) as response:
                body = await read_body(response)
        except UnexpectedResponse:
            return Probed(UnexpectedResponse(), "", sent, clock(), None)
        except (httpx.TransportError, TimeoutError) as error:
            raise Unavailable(may_have_acted=not isinstance(error, NEVER_SENT)) from error
    received = clock()
    value = read_json(body, "")
    panel_message, quoted, headers = error_message(value) or "", quotable(value), response.headers
    error = error_for(response.status_code, panel_message, read_layer(headers), read_reset(headers, received), quoted)
    if error is None and value is None:
        error = UnexpectedResponse()
    return Probed(error, quoted, sent, received, read_date(headers.get("Date", "")))
