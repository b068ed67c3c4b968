"""The bot's process as a user starts it, on a folder that outlives it."""

import asyncio
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.sealed import PRETENDED
from tests.story import ROOT
from tests.wire.stand_in import StandIn

SETTINGS = {
    "PANEL_IP_LIMIT": "100000",
    "PANEL_KEY_LIMIT": "100000",
    "WATCH_MIN_INTERVAL": "0.3",
    "WATCH_MAX_INTERVAL": "1",
    "NOTIFY_WINDOW": "0.3",
    "CONFIRM_ABOVE": "1000",
    "WIRE_RESEND": "6",
}
"""All in a hurry: what takes hours in life takes seconds here (WIRE_RESEND: child/sitecustomize.py)."""


@dataclass
class BotProcess:
    """One folder with a ledger, and at most one process on it."""

    folder: Path
    discord: StandIn
    panel_url: str
    settings: Mapping[str, str] = field(default_factory=lambda: SETTINGS)
    module: str = "bot"
    process: asyncio.subprocess.Process | None = None

    async def launch(self, **more: str) -> None:
        """Start the process and wait for nothing; `more`: variables of its environment."""
        with self.writes_to() as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self.module, cwd=ROOT, env={**self.environment(), **more}, stdout=log, stderr=log
            )

    @contextmanager
    def writes_to(self) -> Generator[IO[bytes]]:
        """Open what the process logs to."""
        with (self.folder / "bot.log").open("ab") as log:
            yield log

    async def start(self, **more: str) -> None:
        """Start the process and wait until it is ready for commands."""
        sessions = self.discord.sessions
        await self.launch(**more)
        await self.discord.until(lambda: self.discord.sessions > sessions)

    @property
    def alive(self) -> bool:
        """Whether there is a process that has not ended."""
        return self.process is not None and self.process.returncode is None

    async def kill(self) -> None:
        """End the process like a power cut does."""
        if self.process and self.alive:
            self.process.kill()
            await self.process.wait()

    async def terminate(self, seconds: float = 10) -> int:
        """Ask the process to end, and return its exit code."""
        assert self.process
        self.process.terminate()
        return await self.ended(seconds)

    async def ended(self, seconds: float = 10) -> int:
        """Wait for the process to end by itself, and return its exit code; raise TimeoutError."""
        assert self.process
        return await asyncio.wait_for(self.process.wait(), seconds)

    @property
    def log(self) -> str:
        """All that the processes on this folder have logged."""
        return (self.folder / "bot.log").read_text()

    def environment(self) -> dict[str, str]:
        """Return the process's environment."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parent / "child"),
            "WIRE_DISCORD": self.discord.address,
            "DISCORD_TOKEN": PRETENDED,
            "DATA_DIR": str(self.folder),
            "PANEL_URL": self.panel_url,
            **self.settings,
        }
