"""This bot and the bare one (bare.py) side by side: two processes, each with a Discord of its own on loopback."""

import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.demo.panel import SimulatedPanel
from bot.domain.clock import utc_now
from bot.panel import Answer
from tests.wire.process import BotProcess
from tests.wire.stage import KEY, Stage, stage
from tests.wire.stand_in import Interaction, stand_in

UNLIMITED = {"PANEL_IP_LIMIT": "1000000000", "PANEL_KEY_LIMIT": "1000000000"}
"""The bot's settings for a panel that does not count calls; all else is as it comes."""


KEY_LIMIT = 100
"""Calls a minute."""


class QuickPanel(SimulatedPanel):
    """A panel that many orders do not slow down: it never goes through its books, so that nothing queued ends.

    It notes how it is called. A call of a hundred orders takes it 0.9 ms of this process's CPU, and one of a single
    order 0.4 ms: a process of its own would change nothing.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.arrived_at: dict[str, float] = {}
        """When the first call that names an order arrived, on the machine's steady clock."""
        self.refused = 0
        """Calls answered with 429."""
        self.most_at_once: Counter[str] = Counter()
        """Calls that were under way at once, by key."""
        self._under_way: Counter[str] = Counter()

    async def answer(self, form: Mapping[str, str]) -> Answer:
        """Answer one call."""
        key = form.get("key", "")
        for order in (form.get("order") or form.get("orders", "")).split(","):
            self.arrived_at.setdefault(order, time.monotonic())
        self._under_way[key] += 1
        self.most_at_once[key] = max(self.most_at_once[key], self._under_way[key])
        try:
            answer = await super().answer(form)
        finally:
            self._under_way[key] -= 1
        self.refused += answer.status == 429
        return answer

    def _upstream(self) -> None:
        pass


def unlimited_panel(latency: float) -> QuickPanel:
    """Return a panel that does not count calls."""
    return QuickPanel(utc_now, ip_limit=10**9, key_limit=10**9, latency=latency)


def limited_panel(latency: float) -> QuickPanel:
    """Return a panel with NotPanel's limits."""
    return QuickPanel(utc_now, ip_limit=300, key_limit=KEY_LIMIT, latency=latency)


@dataclass(frozen=True)
class Sides:
    """Both bots; neither is started."""

    here: Stage
    bare: BotProcess

    def in_turn(self, round_number: int) -> Sequence[BotProcess]:
        """Return both, each the first in every other round."""
        both = (self.here.bot, self.bare)
        return both if round_number % 2 else both[::-1]


@asynccontextmanager
async def sides(panel: SimulatedPanel | None = None) -> AsyncGenerator[Sides]:
    """Set up both; this bot has been started before, knows a key, and its commands are registered."""
    with TemporaryDirectory() as ours, TemporaryDirectory() as theirs:
        async with stage(Path(ours), panel) as here, stand_in() as discord:
            here.bot.settings = UNLIMITED
            await prepare(here)
            bare = BotProcess(Path(theirs), discord, here.bot.panel_url, module="tests.benchmarks.bare")
            try:
                yield Sides(here, bare)
            finally:
                await bare.kill()


async def prepare(here: Stage) -> None:
    """Start this bot for the first time, connect the key, and end it."""
    await here.bot.start()
    await here.connect()
    await here.bot.terminate()


async def ask_for_list(here: Stage, orders: Iterable[str]) -> Interaction:
    """Attach a long list to /cancel and wait for the question, and for what the panel says of its orders."""
    question = await here.discord.slash("cancel", file="\n".join(orders).encode())
    await here.discord.until(lambda: "Nothing sent yet" in question.text and "🔎" not in question.text, seconds=90)
    return question


def add_orders(panel: SimulatedPanel, name: str, count: int, key: str = KEY) -> list[str]:
    """Put orders into the panel's books that can be refunded at once; return their IDs."""
    orders = [f"ord_{name}{number:05}" for number in range(count)]
    for order in orders:
        panel.add_order(key, order)
    return orders


def memory(bot: BotProcess, figure: str = "VmRSS") -> int:
    """Return how many bytes of memory a process holds (its resident set), or another figure of its status."""
    assert bot.process
    status = Path(f"/proc/{bot.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{figure}:"))
    return int(line.split()[1]) * 1024


def cpu_seconds(bot: BotProcess) -> float:
    """Return how much CPU a process has taken until now."""
    assert bot.process
    user, system = Path(f"/proc/{bot.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def seconds_without_cpu(bot: BotProcess) -> float:
    """Return how long a process's event loop could have gone on until now, but the machine had others to serve."""
    assert bot.process
    return int(Path(f"/proc/{bot.process.pid}/schedstat").read_text().split()[1]) / 1e9
