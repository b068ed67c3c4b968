"""A panel at the other end of real connections, held byte by byte, and an event loop whose time a test sets forward."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl

import pytest


@dataclass
class Time:
    """The event loop's clock, which a test sets forward: nobody has to wait for a deadline."""

    offset: float = 0.0

    async def skip(self, seconds: float) -> None:
        """Let time pass, and everybody notice."""
        self.offset += seconds
        await rounds(50)


async def rounds(count: int) -> None:
    """Let every task that can go on do so."""
    for _ in range(count):
        await asyncio.sleep(0)


def clock_of_loop(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Return the clock of the running loop, to be set forward."""
    made, loop = Time(), asyncio.get_running_loop()
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + made.offset)
    return made


@dataclass
class Line:
    """One connection as the panel's side has it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def gone(self) -> bool:
        """Whether the bot has closed it."""
        return self.reader.at_eof() or self.reader.exception() is not None

    def say(self, data: bytes) -> None:
        """Send something."""
        self.writer.write(data)

    async def taken(self) -> None:
        """Wait until the system has taken what was sent, or nobody wants it any more."""
        with suppress(ConnectionError):
            await self.writer.drain()

    async def head(self) -> bytes:
        """Wait for a call's headers and return them; what stands behind them is read as well."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def request(self) -> dict[str, str]:
        """Wait for a whole call and return its form."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        (length,) = [int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-len")]
        return dict(parse_qsl((await self.reader.readexactly(length)).decode()))

    async def end(self) -> None:
        """Wait until the bot has closed it."""
        with suppress(ConnectionError):
            while await self.reader.read(1000):
                pass


@asynccontextmanager
async def listening(buffer: int | None = None) -> AsyncGenerator[tuple[int, "asyncio.Queue[Line]"]]:
    """Listen at a port of this machine; give it and what connects. `buffer`: bytes that it takes without being read."""
    lines: asyncio.Queue[Line] = asyncio.Queue()
    writers = list[asyncio.StreamWriter]()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        lines.put_nowait(Line(reader, writer))

    listener = socket.create_server(("127.0.0.1", 0))
    if buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    server = await asyncio.start_server(connected, sock=listener, limit=buffer or 2**16)
    async with server:
        try:
            yield listener.getsockname()[1], lines
        finally:
            for writer in writers:
                writer.close()
            await rounds(5)


def url_of(port: int) -> str:
    """Return the address of such a panel."""
    return f"http://127.0.0.1:{port}/api/v2"
