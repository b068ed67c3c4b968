"""Takes away what the bot depends on, for seconds or for an hour, and prints how it comes back: `make outages`."""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp

from bot.demo.panel import Upstream
from tests.postgres import Postgres, programs, running
from tests.wire.away import KINDS, Kind, Scene, scene
from tests.wire.stage import KEY, OWED, audit
from tests.wire.stand_in import Interaction

LENGTHS = {"10s": 10, "90s": 90, "300s": 300, "1h": 3600}
"""Seconds for which something is away, by how one asks for it."""
VIRTUAL_FROM, SPEED = 300, 20
"""From which length on time is hurried meanwhile, and how many times a second's pace."""
LANES = 6
"""Rows at once: they mostly wait."""
_SETTLES, _SETTLE_SPEED = 30, 10
"""Seconds after the return that pass as they are; what is still awaited then, as a long pause, is hurried too."""
_PATIENCE = 1200
"""Seconds until something counts as never."""
GATEWAY_WITHIN, LEDGER_WITHIN = 60, 10
"""Seconds from the return within which the gateway is to be open, and the first call made with the ledger back."""
_GATEWAY = "notpanel_gateway_connected"
GAUGES = {
    "notpanel_ledger_readable": "readable",
    "notpanel_ledger_writable": "writable",
    _GATEWAY: "gateway",
}
_FAILED = "notpanel_ledger_failed_transactions_total"
_WANTED = tuple(f"{name} " for name in (*GAUGES, _FAILED))


@dataclass
class Seen:
    """What health and metrics said at one moment."""

    at: float
    health: str
    metrics: Mapping[str, float]


@dataclass
class Row:
    """One line of the table; seconds are counted from the return, None is never."""

    kind: Kind
    length: int
    asked: str = "-"
    call: float | None = None
    gateway: float | None = None
    message: float | None = None
    told: float | None = None
    well: float | None = None
    orders: int = 0
    lost: int = 0
    doubled: int = 0
    lines: float = 0
    kilobytes: float = 0
    health: str = ""
    metrics: str = ""
    findings: list[str] = field(default_factory=list[str])

    @property
    def is_virtual(self) -> bool:
        """Whether time was hurried while it was away."""
        return self.length >= VIRTUAL_FROM

    def cells(self) -> tuple[str, ...]:
        """Return what is printed; an exclamation mark is at what breaks a limit."""
        gateway = self.kind.hears
        return (
            self.kind.name,
            _length(self.length) + (" *" if self.is_virtual else ""),
            self.asked,
            _after(self.call, LEDGER_WITHIN if self.kind.ledger else None),
            "-" if gateway else _after(self.gateway, GATEWAY_WITHIN),
            _after(self.message, None),
            _after(self.told, None),
            str(self.orders),
            _none(self.lost),
            _none(self.doubled),
            f"{self.lines:.1f}",
            f"{self.kilobytes:.1f}",
            self.health,
            self.metrics,
            _after(self.well, None),
        )

    def faults(self) -> list[str]:
        """Return which limits are broken, and what else should not be."""
        where = f"{self.kind.name}, {_length(self.length)}"
        return [f"{where}: {cell}" for cell in self.cells() if cell.endswith("!")] + [
            f"{where}: {finding}" for finding in self.findings
        ]


HEADS = (
    "away",
    "for",
    "asked meanwhile",
    "first call",
    "gateway",
    "first message",
    "all told",
    "orders",
    "lost",
    "doubled",
    "lines/min",
    "KB/min",
    "health meanwhile",
    "metrics meanwhile",
    "health well",
)


def _length(seconds: int) -> str:
    return next(name for name, length in LENGTHS.items() if length == seconds).replace("s", " s").replace("h", " h")


def _after(seconds: float | None, limit: float | None) -> str:
    if seconds is None:
        return "never!"
    return f"{seconds:.1f} s" + ("!" if limit is not None and seconds > limit else "")


def _none(count: int) -> str:
    return f"{count}!" if count else "0"


class Watch:
    """Asks the bot for its health and its metrics all the time."""

    def __init__(self, here: Scene) -> None:
        self.seen: list[Seen] = []
        self._here = here

    async def run(self, every: float = 0.25) -> None:
        """Look until cancelled."""
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{self._here.port}", timeout=aiohttp.ClientTimeout(20)
        ) as web:
            while True:
                self.seen.append(await self._look(web))
                await asyncio.sleep(every)

    async def _look(self, web: aiohttp.ClientSession) -> Seen:
        at = self._here.pace.monotonic()
        try:
            async with web.get("/healthz") as answer:
                health = (await answer.text()).strip().replace("\n", "; ")
            async with web.get("/metrics") as answer:
                metrics = dict(line.split() for line in (await answer.text()).splitlines() if line.startswith(_WANTED))
        except (aiohttp.ClientError, TimeoutError):
            return Seen(at, "no answer", {})
        return Seen(at, health, {name: float(value) for name, value in metrics.items()})

    def said(self, began: float, back: float) -> tuple[str, str]:
        """Return what health and metrics said between two moments."""
        seen = [one for one in self.seen if began <= one.at < back]
        ill = next((one for one in seen if one.health != "ok"), None)
        health = f"{ill.health} after {ill.at - began:.0f} s" if ill else "ok"
        words = list[str]()
        for name, brief in GAUGES.items():
            if gone := next((one for one in seen if not one.metrics.get(name, 1)), None):
                words.append(f"{brief} 0 after {gone.at - began:.0f} s")
        counts = [one.metrics[_FAILED] for one in seen if _FAILED in one.metrics]
        if counts and counts[-1] > counts[0]:
            words.append(f"failed +{counts[-1] - counts[0]:.0f}")
        return health, ", ".join(words) or "nothing"

    def well_after(self, back: float) -> float | None:
        """Return how long after the return health was well."""
        return next((max(one.at - back, 0) for one in self.seen if one.at >= back and one.health == "ok"), None)


class Outage:
    """One row: a bot at work, from which something is taken for some time."""

    def __init__(self, here: Scene, row: Row) -> None:
        self._here, self._stage, self._pace, self._row = here, here.stage, here.pace, row
        self._meanwhile: tuple[Interaction, tuple[str, ...]] | None = None

    async def play(self) -> None:
        """Play it from the start to the end of the process, and fill the row."""
        await self._stage.bot.start(**self._pace.environment())
        await self._stage.connect()
        watched = self._orders("before", 3, "in_progress")
        await self._stage.cancel(*watched)
        await self._stage.ledger_says("SELECT COUNT(*) FROM cancellations WHERE queued_at IS NOT NULL", [(3,)])
        watch = Watch(self._here)
        watching = asyncio.create_task(watch.run())
        await asyncio.sleep(1)
        self._stage.panel.latency = 1  # their call is under way when it happens
        await self._stage.cancel(*self._orders("begun", 1, "pending"), *self._orders("begun", 1, "in_progress"))
        await self._stage.ledger_says("SELECT COUNT(*) FROM cancellations WHERE state = 'sending'", [(2,)])
        began = self._pace.monotonic()
        log = self._here.log.stat().st_size
        async with self._row.kind.away(self._here):
            self._stage.panel.latency = 0.01  # of a second: it is a real one, also while others are hurried
            self._end_at(began, watched, (1, self._row.length / 2, self._row.length + 5))
            await self._be_away(began)
            back = self._pace.monotonic()
            written = self._here.log.read_bytes()[log:]
        if self._row.kind.postgres:
            back = self._pace.monotonic()  # its start has taken a moment
        self._row.lines = written.count(b"\n") / (self._row.length / 60)
        self._row.kilobytes = len(written) / 1000 / (self._row.length / 60)
        self._row.health, self._row.metrics = watch.said(began, back)
        await self._come_back(back, watch)
        watching.cancel()
        if (code := await self._stage.bot.terminate(30)) != 0:
            self._row.findings.append(f"ended with {code}")
        self._count()

    def _orders(self, name: str, count: int, status: str) -> tuple[str, ...]:
        first = len(self._stage.panel.orders)
        orders = tuple(f"ord_{name}{first + number}" for number in range(count))
        for order in orders:
            self._stage.panel.add_order(KEY, order, status=status, upstream=Upstream(timedelta(seconds=5)))
        return orders

    def _end_at(self, began: float, orders: Sequence[str], after: Sequence[float]) -> None:
        """Have orders that wait at the provider end so many seconds after the beginning."""
        at = self._pace.now() - timedelta(seconds=self._pace.monotonic() - began)
        for order, seconds in zip(orders, after, strict=True):
            books = self._stage.panel.orders[order]
            assert books.queued_at
            books.upstream = Upstream(at + timedelta(seconds=seconds) - books.queued_at)

    async def _be_away(self, began: float) -> None:
        speed = SPEED if self._row.is_virtual else 1
        await self._reach(began + 3)  # the call that was under way ends in its own time
        self._pace.go(speed)
        await self._reach(began + self._row.length / 2)
        if self._row.kind.hears:
            self._pace.go(1)  # a command's first answer is due within three seconds
            await self._ask_meanwhile()
            self._pace.go(speed)
        await self._reach(began + self._row.length)
        self._pace.go(1)

    async def _ask_meanwhile(self) -> None:
        """Give a command, and wait for its first answer as long as Discord does."""
        orders = (*self._orders("meanwhile", 1, "pending"), *self._orders("meanwhile", 1, "in_progress"))
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                await self._stage.discord.slash("cancel", orders=" ".join(orders))
        self._meanwhile = list(self._stage.discord.interactions.values())[-1], orders

    async def _reach(self, at: float) -> None:
        """Wait for a moment of a clock that this program hurries itself."""
        while (left := at - self._pace.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left / self._pace.speed, 0.25))

    async def _come_back(self, back: float, watch: Watch) -> None:
        """Wait for everything that is to happen now, and note when it did."""
        row, discord = self._row, self._stage.discord
        since = self._pace.now() - timedelta(seconds=self._pace.monotonic() - back)
        hurrying = asyncio.create_task(self._hurry_later(back))
        row.call, row.gateway, row.message = await asyncio.gather(
            self._first(back, lambda: any(call.at >= since for call in reversed(self._stage.panel.calls))),
            self._first(back, lambda: watch.seen[-1].at > back and bool(watch.seen[-1].metrics.get(_GATEWAY))),
            self._first(
                back, lambda: any(max(sent.at, sent.edited_at or 0) >= back for sent in discord.messages.values())
            ),
        )
        if row.gateway is not None:
            hurrying.cancel()
            self._pace.go(1)
            try:
                await self._stage.cancel(*self._orders("after", 1, "pending"))
            except TimeoutError:
                row.findings.append("no command is answered afterwards")
            hurrying = asyncio.create_task(self._hurry_later(self._pace.monotonic()))
        row.told = await self._first(back, lambda: self._stage.ledger(OWED) == [(0,)])
        row.well = await self._first(back, lambda: watch.well_after(back) is not None) and watch.well_after(back)
        hurrying.cancel()
        self._pace.go(1)

    async def _hurry_later(self, since: float) -> None:
        await self._reach(since + _SETTLES)
        self._pace.go(_SETTLE_SPEED)

    async def _first(self, back: float, happened: Callable[[], bool]) -> float | None:
        """Return how long after the return something happened; None where it did not."""
        while (after := self._pace.monotonic() - back) < _PATIENCE:
            if happened():
                return after
            await asyncio.sleep(0.02)
        return None

    def _count(self) -> None:
        row = self._row
        for asked, orders in self._stage.asked:
            if asked.text and orders[0] not in asked.text:
                row.findings.append(f"a card without its orders: {asked.text!r}")
        if self._meanwhile:
            asked, orders = self._meanwhile
            row.asked = "accepted" if orders[0] in asked.text else "refused" if asked.text else "unheard"
            if row.asked == "accepted":
                self._stage.asked.append(self._meanwhile)
            elif sent := {call.action for call in self._stage.panel.calls if set(call.orders) & set(orders)}:
                row.findings.append(f"{row.asked}, yet the panel was asked to {sent}")
        found = audit(self._stage)
        row.orders, row.lost = found.orders, len(found.lost)
        row.doubled = len(found.told_twice) + len(found.cancelled_twice)
        row.findings += map(str, found.faults)


async def one(kind: Kind, length: int, logs: Path | None = None) -> Row:
    """Play one row; `logs`: a folder for its log where it breaks a limit."""
    row = Row(kind, length)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await _server(stack) if kind.postgres else None
        here = await stack.enter_async_context(scene(folder, server, SPEED if row.is_virtual else _SETTLE_SPEED))
        try:
            await Outage(here, row).play()
        except Exception as error:
            row.findings.append(f"broke off: {error!r}")
        if logs and row.faults():
            (logs / f"{kind.name}, {length} s.log").write_bytes(here.log.read_bytes())
    return row


async def _server(stack: AsyncExitStack) -> Postgres:
    """Start a server that takes a row's ledger, and keeps what was committed when it is killed."""
    binaries = programs()
    assert binaries
    cluster = running(binaries)
    server = await asyncio.to_thread(cluster.__enter__)
    stack.push_async_callback(asyncio.to_thread, cluster.__exit__, None, None, None)
    server.sql(server.url("postgres"), "ALTER ROLE bot SET synchronous_commit = on")
    return server


async def play(kinds: Sequence[Kind], lengths: Sequence[int], logs: Path | None = None) -> list[Row]:
    """Play rows side by side, the long ones first."""
    lanes = asyncio.Semaphore(LANES)

    async def in_a_lane(kind: Kind, length: int) -> Row:
        async with lanes:
            row = await one(kind, length, logs)
            print(f"… {kind.name}, {_length(length)}", file=sys.stderr, flush=True)
            return row

    wanted = [(kind, length) for length in sorted(lengths, key=_takes, reverse=True) for kind in kinds]
    rows = await asyncio.gather(*(in_a_lane(kind, length) for kind, length in wanted))
    return sorted(rows, key=lambda row: (kinds.index(row.kind), row.length))


def _takes(length: int) -> float:
    return length / SPEED if length >= VIRTUAL_FROM else length


def table(rows: Sequence[Row]) -> str:
    """Set rows as a table in Markdown."""
    lines = [HEADS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    head, *body = [f"| {' | '.join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True))} |" for cells in lines]
    return "\n".join([head, f"|{'|'.join('-' * (width + 2) for width in widths)}|", *body])


def main() -> int:
    """Run it and print the table; return 1 if a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--away", nargs="+", choices=KINDS, help="what is away (default: each in turn)")
    parser.add_argument("--for", nargs="+", choices=LENGTHS, dest="lengths", help="how long (default: all of these)")
    parser.add_argument("--logs", type=Path, help="a folder for the logs of rows that break a limit")
    options = parser.parse_args()
    kinds = [KINDS[name] for name in options.away or KINDS]
    if any(kind.postgres for kind in kinds) and programs() is None:
        kinds = [kind for kind in kinds if not kind.postgres]
        print("PostgreSQL is not installed here (on Debian: apt-get install postgresql): left out", file=sys.stderr)
    lengths = [LENGTHS[name] for name in options.lengths or LENGTHS]
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it complains of every caller that goes
    rows = asyncio.run(play(kinds, lengths, options.logs))
    print(table(rows))
    print(f"* time hurried meanwhile, {SPEED} times; ! a limit is broken")
    faults = [fault for row in rows for fault in row.faults()]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
