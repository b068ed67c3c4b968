"""Who is connected to the HTTP port, how many and for how long: aiohttp.web has no bound for either.

Nobody is turned away while somebody else is silent: of too many the one that has been silent longest goes. So a
thousand connections that say nothing keep neither Prometheus nor a webhook out, and nothing is logged of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address

from aiohttp import web

MOST = 200
"""Connections at once; a process may often have 1,024 files open, and the ledger, Discord and the panel need some."""
MOST_OF_SOURCE = 50
"""Of one address. Loopback has no such share: a reverse proxy there speaks for everybody."""
ASKS_WITHIN = 10
"""Seconds until the first request of a connection has come with all of its headers."""
ANSWERED_WITHIN = 30
"""Seconds for a request's body and all that is done about it."""
IDLE_FOR = 90
"""Seconds for which a connection may be kept for the next request, and for the answer to be fetched."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, eq=False)
class _Open:
    transport: asyncio.Transport
    source: str
    deadline: asyncio.TimerHandle
    at_work: bool = False


class Connections:
    """Counts connections, and ends those that are too many or too slow."""

    def __init__(self) -> None:
        self._open: dict[asyncio.BaseTransport, _Open] = {}
        """Those that have been silent longest come first."""

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, transport: asyncio.Transport) -> bool:
        """Take on a connection, at the cost of one that is silent; tell whether there was room."""
        source = _source_of(transport)
        same = [one for one in self._open.values() if one.source == source] if source else []
        crowd = same if len(same) >= MOST_OF_SOURCE else list(self._open.values()) if len(self._open) >= MOST else []
        if crowd:
            silent = next((one for one in crowd if not one.at_work), None)
            if silent is None:
                return False
            self.forget(silent.transport)
            silent.transport.abort()
        self._open[transport] = _Open(transport, source, self._end_in(ASKS_WITHIN, transport))
        return True

    def forget(self, transport: asyncio.BaseTransport | None) -> None:
        """Count a connection that has ended no more."""
        if transport and (one := self._open.pop(transport, None)):
            one.deadline.cancel()

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request; its connection counts as silent before and after."""
        self._begin(request.transport, at_work=True, seconds=ANSWERED_WITHIN)
        try:
            return await handler(request)
        finally:
            self._begin(request.transport, at_work=False, seconds=IDLE_FOR)

    def _begin(self, transport: asyncio.BaseTransport | None, *, at_work: bool, seconds: float) -> None:
        if transport and (one := self._open.pop(transport, None)):
            one.deadline.cancel()
            one.deadline, one.at_work = self._end_in(seconds, one.transport), at_work
            self._open[transport] = one

    def _end_in(self, seconds: float, transport: asyncio.Transport) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, transport.abort)


def _source_of(transport: asyncio.Transport) -> str:
    """Return the address of who connects, or nothing for this machine's own programs."""
    peer = transport.get_extra_info("peername")
    address = ip_address(str(peer[0]).partition("%")[0]) if peer else None
    return "" if address is None or address.is_loopback else str(address)


class Guarded(asyncio.Protocol):
    """A connection that is handed on once it has been admitted."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._connections.admit(transport):
            self._transport = transport
            self._inner.connection_made(transport)
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._transport:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._transport else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport:
            self._connections.forget(self._transport)
            self._inner.connection_lost(exc)
