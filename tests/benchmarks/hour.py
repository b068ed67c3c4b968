"""What an hour of work costs: CPU seconds and lines of the log for each thousand orders, and where they go.

The bot's own process, its settings as they come, with a Discord and a panel of NotPanel's limits on loopback. Time
passes ten times as fast for it and for them (WIRE_PACE), so that all that is done once a minute is in it as often as
in life; the CPU's seconds are real ones. Thirty resellers give four commands each in the hour: half of their lists are
of one order, a few of a thousand; every third order is queued at the provider and ends within the hour, one in ten of
these not as it should. Between them they look at what is open, at their history and at single orders. Before that the
same process rests, with the keys and nothing open: what that costs an hour is left out of what the orders cost.

The bot's process ID is said, so that a profiler can look at it: py-spy record --pid … --format raw
"""

import argparse
import asyncio
import heapq
import os
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bot.demo.panel import SimulatedPanel, Upstream
from tests.benchmarks.sides import KEY_LIMIT, memory
from tests.benchmarks.table import megabytes, tell
from tests.wire.pace import Pace
from tests.wire.soak import table
from tests.wire.stage import Stage, stage
from tests.wire.stand_in import Interaction

USERS = 30
FIRST_USER = 500
LISTS = (*[1] * 60, *[2, 3, 5, 8, 13, 21] * 7, *[100] * 12, *[300] * 3, *[1_000] * 3)
"""How many orders each command of the hour names."""
LATENCY = 0.1
"""Seconds, as the bot has them."""
REST = timedelta(minutes=10)
_ASKED_ABOVE = 25
_TICK = os.sysconf("SC_CLK_TCK")
_HOUR = timedelta(hours=1)


class EndingPanel(SimulatedPanel):
    """A panel that thousands of orders do not slow down: it keeps what is queued in the order of its end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._ends: list[tuple[datetime, str]] = []

    def _cancel_one(self, key: str, order_id: str, at: datetime | None = None) -> dict[str, str]:
        answer, order = super()._cancel_one(key, order_id, at), self.orders.get(order_id)
        if order and order.queued_at:
            heapq.heappush(self._ends, (order.queued_at + order.upstream.after, order_id))
        return answer

    def _upstream(self) -> None:
        while self._ends and self._ends[0][0] <= self.clock():
            order = self.orders[heapq.heappop(self._ends)[1]]
            if order.status == "in_progress":
                self._end(order, order.upstream.ends_as, order.upstream.refunds)


@dataclass(frozen=True)
class Used:
    """What a process has used by some moment: the CPU's seconds by thread, its calls, its log."""

    by_thread: dict[int, float]
    by_readers: float
    """The processes that read the files that are attached."""
    system: float
    panel_calls: int
    discord_calls: int
    log_bytes: int


def used(here: Stage) -> Used:
    """Return what the bot's process has used until now."""
    assert here.bot.process
    by_thread, system = dict[int, float](), 0.0
    for thread in Path(f"/proc/{here.bot.process.pid}/task").iterdir():
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
        user, kernel = int(fields[11]) / _TICK, int(fields[12]) / _TICK
        by_thread[int(thread.name)], system = user + kernel, system + kernel
    whole = Path(f"/proc/{here.bot.process.pid}/stat").read_text().rpartition(")")[2].split()
    readers = (int(whole[13]) + int(whole[14])) / _TICK
    log = (here.bot.folder / "bot.log").stat().st_size
    return Used(by_thread, readers, system, len(here.panel.calls), here.discord.methods.total(), log)


def between(before: Used, after: Used) -> Used:
    """Return what was used from one moment to another."""
    return Used(
        {thread: seconds - before.by_thread.get(thread, 0) for thread, seconds in after.by_thread.items()},
        after.by_readers - before.by_readers,
        after.system - before.system,
        after.panel_calls - before.panel_calls,
        after.discord_calls - before.discord_calls,
        after.log_bytes - before.log_bytes,
    )


class Hour:
    """The hour's resellers and what they do in it."""

    def __init__(self, here: Stage, speed: float, length: timedelta) -> None:
        self._here, self._speed, self._random = here, speed, Random(20)
        self.length = length
        self.orders = self.commands = 0

    async def connect(self) -> None:
        """Have every reseller store a key, again where a hurried call came to nothing."""
        for user in range(FIRST_USER, FIRST_USER + USERS):
            self._here.panel.add_key(_key(user))
            while not await self._connected(user):
                pass
            await self.sleep(timedelta(seconds=5))  # as fast as the limits would have it

    async def _connected(self, user: int) -> bool:
        form = await self._here.discord.slash("key set", by=user)
        connected = await self._here.discord.submit(form, _key(user))
        return await self._here.comes_true(lambda: "Connected" in connected.text, 5)

    async def sleep(self, simulated: timedelta) -> None:
        """Let so much of the bot's time pass."""
        await asyncio.sleep(simulated.total_seconds() / self._speed)

    async def work(self) -> None:
        """Let the hour pass, commands spread over it at random but for its last five minutes, where things end."""
        lists = self._random.sample(LISTS, round(len(LISTS) * (self.length / _HOUR)))
        beside = list[asyncio.Task[None]]()
        for number, count in enumerate(lists):
            user, after = FIRST_USER + number % USERS, self.length * 0.9 * number / len(lists)
            beside.append(asyncio.create_task(self._ask(user, count, after)))
        await self.sleep(self.length)
        await asyncio.gather(*beside)

    async def _ask(self, user: int, count: int, after: timedelta) -> None:
        """Give a command for a list, and later look at what became of it."""
        await self.sleep(after)
        discord, named = self._here.discord, self._add(user, count)
        options = {"file": "\n".join(named).encode()} if count > _ASKED_ABOVE else {"orders": " ".join(named)}
        asked: Interaction = await discord.slash("cancel", by=user, **options)  # type: ignore[arg-type]
        self.commands += 1
        if count > _ASKED_ABOVE:
            await discord.until(lambda: "Nothing sent yet" in asked.text)
            await discord.press(asked, "np:confirm:*")
            self.commands += 1
        await self.sleep(timedelta(minutes=3))
        for ask in (
            partial(discord.slash, "queued", by=user),
            partial(discord.slash, "status", by=user, orders=" ".join(named[:5])),
            partial(discord.suggest, "status", "orders", named[0][:7], by=user),
            partial(discord.slash, "history", by=user),
        ):
            if self._random.random() < 0.5:
                await ask()
                self.commands += 1
                await self.sleep(timedelta(seconds=30))

    def _add(self, user: int, count: int) -> list[str]:
        named = [f"ord_{user}{self.orders + number:023}" for number in range(count)]
        self.orders += count
        for order in named:
            after = timedelta(minutes=self._random.uniform(1, 50))
            end = "completed" if self._random.random() < 0.1 else "canceled"
            status = "in_progress" if self._random.random() < 1 / 3 else "pending"
            self._here.panel.add_order(_key(user), order, status=status, upstream=Upstream(after, end))  # type: ignore[arg-type]
        return named


def _key(user: int) -> str:
    return f"np-wire-key-of-{user}-0123"


async def measure(speed: float, length: timedelta) -> list[tuple[str, ...]]:
    """Let the process rest, then the hour pass; return the table's lines."""
    with TemporaryDirectory() as folder:
        pace = Pace(Path(folder) / "pace", speed)
        pace.go(speed)
        panel = EndingPanel(pace.now, ip_limit=300, key_limit=KEY_LIMIT, latency=LATENCY / speed)
        async with stage(Path(folder), panel) as here:
            here.bot.settings = {}
            here.discord.clock = pace.monotonic
            here.discord.answer_within *= speed  # what has to be quick is measured elsewhere
            await here.bot.start(**pace.environment())
            assert here.bot.process
            hour = Hour(here, speed, length)
            await hour.connect()
            tell(f"process {here.bot.process.pid} rests")
            await hour.sleep(timedelta(minutes=1))
            before = used(here)
            await hour.sleep(REST)
            rest = between(before, used(here))
            tell(f"process {here.bot.process.pid} works")
            before = used(here)
            await hour.work()
            work, held = between(before, used(here)), memory(here.bot)
            log = here.bot.log.encode()[-work.log_bytes :].decode() if work.log_bytes else ""
            ended = here.ledger("SELECT COUNT(*) FROM cancellations WHERE ended_at IS NOT NULL")[0][0]
            refused = sum("HTTP 429" in line for line in log.splitlines())
            await here.bot.terminate()
            return _lines(hour, here.bot.process.pid, rest, work, log, held, int(ended), refused)


def _lines(
    hour: Hour, process: int, rest: Used, work: Used, log: str, held: int, ended: int, refused: int
) -> list[tuple[str, ...]]:
    thousands, times = hour.orders / 1_000, hour.length / REST
    cpu, idle = sum(work.by_thread.values()) + work.by_readers, sum(rest.by_thread.values()) * times
    loop, idle_loop = work.by_thread[process], rest.by_thread[process] * times

    def line(what: str, whole: float, form: str = ",.2f") -> tuple[str, ...]:
        return (what, f"{whole:{form}}", f"{whole / thousands:{form}}")

    messages = Counter(_kind(one) for one in log.splitlines())
    return [
        line("orders", hour.orders, ",.0f"),
        line("  of which ended", ended, ",.0f"),
        line("commands and presses", hour.commands, ",.1f"),
        line("calls to the panel", work.panel_calls, ",.1f"),
        line("  answered with 429", refused, ",.1f"),
        line("calls to Discord", work.discord_calls, ",.1f"),
        line("CPU seconds", cpu),
        line("  at rest for as long", idle),
        line("  for the orders", cpu - idle),
        line("  of that the event loop's thread", loop - idle_loop),
        line("  of that processes that read files", work.by_readers),
        line("  of that SQLite's threads and others", cpu - loop - work.by_readers - idle + idle_loop),
        line("  in the kernel, but for those processes", work.system),
        ("memory at the end", megabytes(held), ""),
        line("lines of the log", sum(messages.values()), ",.1f"),
        *(line(f"  {what}", times, ",.1f") for what, times in messages.most_common()),
    ]


def _kind(line: str) -> str:
    """Return a line of the log without its time and its numbers."""
    return re.sub(r"\d[\d,.]*", "#", re.sub(r"^\S+ \S+ ", "", line))[:110]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--speed", type=float, default=10)
    parser.add_argument("--minutes", type=float, default=60, help="of the bot's time")
    wanted = parser.parse_args()
    lines = asyncio.run(measure(wanted.speed, timedelta(minutes=wanted.minutes)))
    print(table([(f"{wanted.minutes:.0f} minutes", "in all", "for 1,000 orders"), *lines]))


if __name__ == "__main__":
    main()
