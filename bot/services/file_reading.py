"""Where attached lists are read: in processes of their own, two at once, and one of a user's at a time."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path

from bot.domain.errors import BadFile, FileFault
from bot.domain.order_ids import Found
from bot.services.file_reader import END, MOST_BYTES, NOT_TEXT, SECONDS, Reread, framed
from bot.services.user_turns import UserTurns

_AT_ONCE = 2
_PIECE = 1 << 16
_FROM = Path(__file__).parent.parent.parent
_ENVIRONMENT = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
"""None of the bot's secrets; without this one no Python begins on Windows."""


class ReadingRoom:
    """Reads files for users in turn, so that nobody's slow files make others wait for more than one of them."""

    def __init__(self) -> None:
        self._turns = UserTurns(_AT_ONCE)

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return self._turns.waiting

    async def read(self, user_id: int, text: str, files: Sequence[AsyncGenerator[bytes]], most: int) -> Found:
        """Return what a text and files, which come in pieces, name together; raise BadFile, or what the pieces raise.

        At `most` orders reading stops. It takes SECONDS at most, from the first byte on.
        """
        async with self._turns.turn(user_id):
            try:
                async with asyncio.timeout(SECONDS):
                    return await _read(text, files, most)
            except TimeoutError as error:
                raise BadFile(FileFault.TOO_SLOW) from error


async def _read(text: str, files: Sequence[AsyncGenerator[bytes]], most: int) -> Found:
    """Hand a process the files as they come, and return what it has found."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-B", "-E", "-S", "-m", "bot.services.file_reader", str(most)),
        cwd=_FROM,
        env=_ENVIRONMENT,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # it has seen enough, and says so
            await _hand_over(process, text, files)
        assert process.stdout
        output = Reread()
        while piece := await process.stdout.read(_PIECE):
            output.feed(piece)
            await asyncio.sleep(0)
        match await process.wait():
            case 0:
                return output.found()
            case code if code == NOT_TEXT:
                raise BadFile(FileFault.NOT_TEXT)
            case _:  # its own limits have ended it
                raise BadFile(FileFault.TOO_SLOW)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        assert process.stdin
        process.stdin.close()
        await process.wait()


async def _hand_over(process: Process, text: str, files: Sequence[AsyncGenerator[bytes]]) -> None:
    """Write a text and files to a process; raise BadFile where they are more than they may be."""
    assert process.stdin
    process.stdin.write(framed(text.encode(errors="replace")) + END if text else END)
    handed = 0
    for file in files:
        async with aclosing(file) as pieces:
            async for piece in pieces:
                handed += len(piece)
                if handed > MOST_BYTES:
                    raise BadFile(FileFault.TOO_LARGE)
                process.stdin.write(framed(piece))
                await process.stdin.drain()
        process.stdin.write(END)
    process.stdin.close()
