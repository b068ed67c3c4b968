"""What the bot depends on, how each of it goes away, and how it comes back."""

import asyncio
import os
import resource
import socket
import sqlite3
import subprocess
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from bot.demo.panel import SimulatedPanel
from bot.ledger.postgresql.connections import WRITING
from tests.ledgers import InPostgres
from tests.postgres import Postgres
from tests.wire.pace import Pace
from tests.wire.process import BotProcess
from tests.wire.stage import Stage, stage

_TCP_GIVES_UP = 924
"""Seconds for which Linux sends again what nobody acknowledges (net.ipv4.tcp_retries2)."""


class Line:
    """A way to a port of this machine that can be cut: what is connected hears nothing then, nobody else gets in.

    Once it is mended, what was on its way arrives, as TCP sends it again; but for what TCP has given up by then.
    """

    def __init__(self, to: str, pace: Pace) -> None:
        self._to, self._pace, self._through, self._cut_at = to, pace, asyncio.Event(), 0.0
        self._through.set()
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self.address = ""

    async def mend(self) -> None:
        """Let calls through."""
        if self._pace.monotonic() > self._cut_at + _TCP_GIVES_UP:
            await self._break()
        port = int(self.address.rpartition(":")[2] or 0)
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._through.set()

    async def cut(self) -> None:
        """Let nothing through any more."""
        assert self._server
        self._cut_at = self._pace.monotonic()
        self._through.clear()
        self._server.close()

    async def end(self) -> None:
        """Let nothing through, and break all connections."""
        await self.cut()
        await self._break()

    async def _break(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._to.split(":"))
        for pair in ((reader, back), (there, writer)):
            pump = asyncio.create_task(self._pump(*pair))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._through.wait()
                writer.write(data)
                await writer.drain()
            await self._through.wait()
        except ConnectionError:
            writer.transport.abort()
        finally:
            writer.close()


class Piped(BotProcess):
    """A bot that logs through a pipe: what keeps it from writing files does not keep it from that."""

    @contextmanager
    def writes_to(self) -> Generator[IO[bytes]]:
        """Open what the process logs to."""
        out, into = os.pipe()
        with super().writes_to() as log:
            writer = subprocess.Popen(["cat"], stdin=out, stdout=log)
        os.close(out)
        with open(into, "wb") as pipe:
            yield pipe
        self._writers = [*getattr(self, "_writers", []), writer]

    async def logged_all(self) -> None:
        """Wait until all is in the log that the processes have written; they have ended."""
        for writer in self._writers:
            await asyncio.to_thread(writer.wait)


@dataclass
class Scene:
    """A bot and all that may go away from it."""

    stage: Stage
    pace: Pace
    to_discord: Line
    to_panel: Line
    server: Postgres | None
    port: int
    """Where the bot answers over HTTP."""

    @property
    def log(self) -> Path:
        """The file of the bot's log."""
        return self.stage.bot.folder / "bot.log"


@asynccontextmanager
async def scene(folder: Path, server: Postgres | None, fastest: float) -> AsyncGenerator[Scene]:
    """Set a stage whose ways can be cut and whose time can be made to run faster; the bot is not started."""
    pace = Pace(folder / "pace", fastest)
    panel = SimulatedPanel(pace.now, latency=0.2)
    below = InPostgres(server, migrated=False) if server else None
    async with stage(folder, panel, below) as made:
        to_discord = Line(made.discord.address, pace)
        to_panel = Line(urlsplit(made.bot.panel_url).netloc, pace)
        await to_discord.mend()
        await to_panel.mend()
        made.discord.clock, made.discord.address = pace.monotonic, to_discord.address
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = {"HTTP_PORT": str(port), **({"DATABASE_URL": below.url} if below else {})}
        made.bot = Piped(folder, made.discord, f"http://{to_panel.address}/api/v2", settings)
        try:
            yield Scene(made, pace, to_discord, to_panel, server, port)
        finally:
            await made.bot.kill()
            await made.bot.logged_all()
            await to_discord.end()
            await to_panel.end()


@asynccontextmanager
async def _network(here: Scene) -> AsyncGenerator[None]:
    await here.to_discord.cut()
    await here.to_panel.cut()
    yield
    await here.to_discord.mend()
    await here.to_panel.mend()


@asynccontextmanager
async def _discord(here: Scene) -> AsyncGenerator[None]:
    here.stage.discord.down = True
    await here.stage.discord.drop()
    yield
    here.stage.discord.down = False


@asynccontextmanager
async def _panel(here: Scene) -> AsyncGenerator[None]:
    await here.to_panel.cut()
    yield
    await here.to_panel.mend()


@asynccontextmanager
async def _stopped(here: Scene) -> AsyncGenerator[None]:
    await asyncio.to_thread(here.server.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(here.server.start)


@asynccontextmanager
async def _halted(here: Scene) -> AsyncGenerator[None]:
    here.server.halt()
    try:
        yield
    finally:
        here.server.go_on()


@asynccontextmanager
async def _locked(here: Scene) -> AsyncGenerator[None]:
    """Let somebody else hold what is needed for writing, on either engine."""
    if below := here.stage.below:
        await asyncio.to_thread(below.script, f"BEGIN; {WRITING}")
        yield
        below.script("ROLLBACK")
        return
    with closing(sqlite3.connect(here.stage.bot.folder / "ledger.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@asynccontextmanager
async def _full(here: Scene) -> AsyncGenerator[None]:
    """Let the process write nothing into any file: there is no room at all."""
    process, unlimited = here.stage.bot.process.pid, resource.RLIM_INFINITY
    resource.prlimit(process, resource.RLIMIT_FSIZE, (1, unlimited))
    yield
    with suppress(ProcessLookupError):  # it may have ended
        resource.prlimit(process, resource.RLIMIT_FSIZE, (unlimited, unlimited))


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that may be away."""

    name: str
    away: Callable[[Scene], AbstractAsyncContextManager[None]]
    postgres: bool = False
    """Whether the ledger is in PostgreSQL."""
    ledger: bool = False
    """Whether it is the ledger that cannot be used."""
    hears: bool = True
    """Whether commands arrive meanwhile."""


KINDS = {
    "network": Kind("network", _network, hears=False),
    "discord": Kind("Discord", _discord, hears=False),
    "panel": Kind("panel", _panel),
    "postgresql": Kind("PostgreSQL, stopped", _stopped, postgres=True, ledger=True),
    "postgresql-halted": Kind("PostgreSQL, halted", _halted, postgres=True, ledger=True),
    "postgresql-locked": Kind("PostgreSQL, locked", _locked, postgres=True, ledger=True),
    "disk": Kind("disk, full", _full, ledger=True),
    "disk-locked": Kind("disk, locked", _locked, ledger=True),
}
"""All that may be away, by the name to ask for it."""
