"""Python imports this in the process under test: unmodified code, with Discord elsewhere and places to die at.

WIRE_DISCORD names the stand-in. WIRE_POINTS names a file to list every place in that the process passes: before
and after each commit and each call over the network. WIRE_DIE_AT is the number of the place to die at, like in a
power cut. WIRE_LAG names a file to note in how late the event loop is: every five milliseconds something falls due, and
the lag is how long it has to wait, once as it is and once without the time in which the machine gave this thread no
processor, since it had others to serve. WIRE_PATIENT lets one person give as many commands as a benchmark needs.
WIRE_RESEND is how many seconds after an unclear call the first resend may come, for a soak has no hours to wait; the
other pauses shrink alike. WIRE_LONG_AWAY has the first try to connect again fail as the eleventh in a row does: its
pause is the longest there is. WIRE_PRUNE names a file to note in how long each step of the housekeeping holds the
ledger, and WIRE_PRUNE_PAUSE its pause between two steps; there is no other pause then. WIRE_PACE names the clock
(tests/wire/pace.py) that the bot's own clock, its pauses and its time-outs follow. WIRE_HANGS is how many seconds
a loop may be silent before that counts as a hang; with WIRE_STUCK the event loop itself hangs soon after the start, and
may for a second. Without these variables nothing of this exists.
"""

import itertools
import os
import signal


def _point_at(address: str) -> None:
    import discord.gateway
    import discord.http
    import yarl

    discord.http.Route.BASE = f"http://{address}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://{address}/gateway")


def _watch(path: str, die_at: int) -> None:
    import sqlite3

    import aiohttp
    import httpx

    numbers = itertools.count(1)
    listed = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def passing(place: str) -> None:
        number = next(numbers)
        os.write(listed, f"{place}\n".encode())
        if number == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    class Connection(sqlite3.Connection):
        def execute(self, sql, *arguments):
            if sql != "COMMIT":
                return super().execute(sql, *arguments)
            passing("before a commit")
            result = super().execute(sql, *arguments)
            passing("after a commit")
            return result

        def executescript(self, script):
            passing("before a migration")
            result = super().executescript(script)
            passing("after a migration")
            return result

    def with_places(call, name_of):
        async def passed(self, *arguments, **named):
            name = name_of(*arguments)
            passing(f"before {name}")
            result = await call(self, *arguments, **named)
            passing(f"after {name}")
            return result

        return passed

    connect, link = sqlite3.connect, os.link

    def keep_key(*arguments):
        passing("before the key file")
        link(*arguments)
        passing("after the key file")

    def panel_call(request):
        return f"the panel's {dict(pair.split('=') for pair in request.content.decode().split('&'))['action']}"

    sqlite3.connect = lambda *arguments, **named: connect(*arguments, **{"factory": Connection, **named})
    os.link = keep_key
    httpx.AsyncHTTPTransport.handle_async_request = with_places(
        httpx.AsyncHTTPTransport.handle_async_request, panel_call
    )
    aiohttp.ClientSession._request = with_places(
        aiohttp.ClientSession._request, lambda method, url: f"Discord's {method} {_route(str(url))}"
    )


def _note_lag(path: str) -> None:
    import asyncio
    import time
    from collections import deque

    run = asyncio.run
    scheduler = os.open("/proc/self/schedstat", os.O_RDONLY)

    def without_cpu() -> float:
        return int(os.pread(scheduler, 100, 0).split()[1]) / 1e9

    async def note(file) -> None:
        due = time.monotonic()
        seen = deque([(due, without_cpu())])
        while True:
            due += 0.005  # all that fell due while the loop was busy is counted, not just the first
            await asyncio.sleep(max(due - time.monotonic(), 0))
            now, waited = time.monotonic(), without_cpu()
            seen.append((now, waited))
            while seen[1][0] <= due:
                seen.popleft()
            file.write(f"{now} {now - due} {max(now - due - (waited - seen[0][1]), 0)}\n")

    async def noting(main, file) -> None:
        beside = asyncio.create_task(note(file))
        await main
        beside.cancel()

    def run_noting(main) -> None:
        with open(path, "a") as file:
            run(noting(main, file))

    asyncio.run = run_noting


def _be_patient() -> None:
    import asyncio

    run = asyncio.run

    def run_patiently(main) -> None:
        import bot.services.throttle

        bot.services.throttle.AT_ONCE = 1_000_000
        run(main)

    asyncio.run = run_patiently


def _seem_long_away() -> None:
    from discord.backoff import ExponentialBackoff

    begin = ExponentialBackoff.__init__

    def begin_late(self, *arguments, **named) -> None:
        begin(self, *arguments, **named)
        self._exp, self._randfunc = self._max, lambda _, most: float(most)

    ExponentialBackoff.__init__ = begin_late


def _resend_after(seconds: float) -> None:
    import asyncio

    run = asyncio.run

    def run_sooner(main):
        import bot.domain.polling
        import bot.ledger.writer

        shrink = seconds / bot.domain.polling.resend_after(1).total_seconds()
        bot.domain.polling._RESENDS = tuple(
            min(pause, bot.domain.polling._RESENDS[1]) * shrink for pause in bot.domain.polling._RESENDS
        )
        bot.domain.polling._RECHECK *= shrink
        bot.ledger.writer._FIRST_RESEND = int(seconds * 1000)
        return run(main)

    asyncio.run = run_sooner


def _note_pruning(path: str, pause: float) -> None:
    import asyncio
    import time
    from contextlib import asynccontextmanager

    run = asyncio.run

    class Timed:
        """A ledger whose transactions are noted."""

        def __init__(self, ledger) -> None:
            self._ledger, self._file = ledger, open(path, "a", buffering=1)  # noqa: SIM115

        def __getattr__(self, name: str):
            return getattr(self._ledger, name)

        @asynccontextmanager
        async def write(self):
            async with self._ledger.write() as tx:
                began = time.monotonic()
                yield tx
            self._file.write(f"{began} {time.monotonic() - began}\n")

    def run_noting(main):
        import bot.workers.housekeeping

        begin = bot.workers.housekeeping.Housekeeping.__init__

        def begin_timed(self, ledger, *arguments) -> None:
            begin(self, Timed(ledger), *arguments)

        bot.workers.housekeeping.Housekeeping.__init__ = begin_timed
        bot.workers.housekeeping._PIECES, bot.workers.housekeeping._BETWEEN_PIECES = 10**9, pause
        return run(main)

    asyncio.run = run_noting


def _follow(path: str) -> None:
    import pathlib
    import selectors
    import sys
    import threading
    import time

    sys.path.insert(0, os.getcwd())  # as Python does a moment later
    import asyncio

    from tests.wire.pace import Pace

    pace = Pace(pathlib.Path(path))
    select, wait, run = selectors.DefaultSelector.select, threading.Condition.wait, asyncio.run

    def soon(seconds: float) -> float:
        """Return for how long to wait in earnest before looking at the clock again: its pace may change meanwhile."""
        return min(seconds / pace.speed, 0.25)

    def select_sooner(self, timeout=None):
        return select(self, soon(timeout) if timeout and timeout > 0 else timeout)

    def wait_sooner(self, timeout=None):
        if timeout is None:
            return wait(self)
        until = pace.monotonic() + timeout
        while (left := until - pace.monotonic()) > 0:
            if wait(self, soon(left)):
                return True
        return wait(self, 0)

    def run_hurried(main):
        import bot.services.file_reading

        # What others' clocks measure while this one goes fast: the process that reads files, SQLite, PostgreSQL.
        bot.services.file_reading.SECONDS *= pace.fastest
        _scale(pace.fastest)
        return run(main)

    time.monotonic = time.perf_counter = pace.monotonic
    time.time = pace.time
    selectors.DefaultSelector.select, threading.Condition.wait = select_sooner, wait_sooner
    asyncio.run = run_hurried

    import bot.domain.clock

    bot.domain.clock.utc_now = pace.now


def _scale(fastest: float) -> None:
    """Have databases wait as long as they would, by the clock of a process that hurries."""
    import re

    import bot.ledger.sqlite.engine as in_file

    in_file._PATIENCE = re.sub(r"\d+", lambda found: str(int(int(found[0]) / fastest)), patience := in_file._PATIENCE)
    in_file._WRITER, in_file._READER = (
        tuple(in_file._PATIENCE if one == patience else one for one in statements)
        for statements in (in_file._WRITER, in_file._READER)
    )
    if not os.environ.get("DATABASE_URL", "").startswith("postgresql"):
        return
    from bot.ledger.postgresql import connections

    for name in ("lock_timeout", "idle_in_transaction_session_timeout"):
        seconds = float(connections._SESSION[name].removesuffix("s"))
        connections._SESSION[name] = f"{int(seconds * 1000 / fastest)}ms"


def _hang_soon(seconds: float) -> None:
    import asyncio

    run = asyncio.run

    def run_impatiently(main):
        import bot.ops.health

        bot.ops.health._HANGING_AFTER = seconds
        return run(main)

    asyncio.run = run_impatiently


def _for_ever() -> None:
    while True:
        pass


def _get_stuck() -> None:
    import asyncio

    run = asyncio.run

    async def until_stuck(main) -> None:
        import bot.ops.watchdog

        bot.ops.watchdog.HANGS_AFTER, bot.ops.watchdog._EVERY = 1, 0.2
        asyncio.get_running_loop().call_later(4, _for_ever)
        await main

    asyncio.run = lambda main: run(until_stuck(main))


def _route(url: str) -> str:
    parts = url.split("?")[0].split("/")[4:] or ["gateway"]
    return "/".join(part for part in parts if not any(digit in part for digit in "0123456789"))


if os.environ.get("WIRE_DISCORD"):
    _point_at(os.environ["WIRE_DISCORD"])
if os.environ.get("WIRE_POINTS"):
    _watch(os.environ["WIRE_POINTS"], int(os.environ.get("WIRE_DIE_AT", "0")))
if os.environ.get("WIRE_PATIENT"):
    _be_patient()
if os.environ.get("WIRE_RESEND"):
    _resend_after(float(os.environ["WIRE_RESEND"]))
if os.environ.get("WIRE_LAG"):
    _note_lag(os.environ["WIRE_LAG"])
if os.environ.get("WIRE_PRUNE"):
    _note_pruning(os.environ["WIRE_PRUNE"], float(os.environ["WIRE_PRUNE_PAUSE"]))
if os.environ.get("WIRE_PACE"):
    _follow(os.environ["WIRE_PACE"])
if os.environ.get("WIRE_LONG_AWAY"):
    _seem_long_away()
if os.environ.get("WIRE_HANGS"):
    _hang_soon(float(os.environ["WIRE_HANGS"]))
if os.environ.get("WIRE_STUCK"):
    _get_stuck()
