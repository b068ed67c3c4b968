"""A network between a ledger and its PostgreSQL, which breaks off where a test wants it to."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from pydantic import SecretStr

from tests.ledgers import InPostgres

_SOCKET = ".s.PGSQL.5432"


class Break(Enum):
    """Where the next COMMIT is lost."""

    BEFORE = "on its way: the server never hears of it"
    AFTER = "the server has done it, and its answer is lost"


class Between:
    """Hands everything on, until it is told to break."""

    def __init__(self, server: Path) -> None:
        self.at_commit: Break | None = None
        self.broken = asyncio.Event()
        """Set once that has happened."""
        self.at_listen: Callable[[], object] = lambda: None
        """Called when a LISTEN passes."""
        self.down = False
        """Nobody gets through."""
        self.silent = False
        """Who connects is let in, and hears nothing."""
        self.goes_down_with_it = self.falls_silent_with_it = False
        """After the next break it is so."""
        self._server = server
        self._links: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if self.down:
            writer.close()
            return
        if self.silent:
            self._links.add(writer)
            await reader.read()
            writer.close()
            return
        upstream, server = await asyncio.open_unix_connection(self._server)
        self._links |= {writer, server}
        there = asyncio.create_task(self._there(reader, server))
        back = asyncio.create_task(self._back(upstream, writer))
        await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, server):
            end.close()
            self._links.discard(end)
        for task in (there, back):
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await task

    async def _there(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.at_commit is Break.BEFORE and b"COMMIT" in data:
                self._broken()
                return
            if b"LISTEN" in data:
                self.at_listen()
            server.write(data)
            await server.drain()

    async def _back(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await upstream.read(65_536):
            if self.at_commit is Break.AFTER and b"COMMIT" in data:
                self._broken()
                return
            writer.write(data)
            await writer.drain()

    def _broken(self) -> None:
        self.at_commit = None
        self.broken.set()
        self.down, self.silent = self.goes_down_with_it, self.falls_silent_with_it
        if self.down or self.silent:
            self.cut()

    def cut(self) -> None:
        """Break off every connection there is."""
        for end in list(self._links):
            end.close()


@asynccontextmanager
async def between(below: InPostgres) -> AsyncGenerator[tuple[Between, SecretStr]]:
    """Yield a network, and the database's address behind it."""
    with TemporaryDirectory(prefix="net-") as folder:
        network = Between(below.server.folder / _SOCKET)
        server = await asyncio.start_unix_server(network.serve, Path(folder) / _SOCKET)
        address, _, _ = below.url.partition("?")
        try:
            yield network, SecretStr(f"{address}?host={quote(folder, safe='')}")
        finally:
            server.close()
            network.cut()
            await server.wait_closed()
