"""What the ledger costs as it grows: the same accounts with the same open orders, and ever more that have ended.

Four ledgers of one engine lie side by side, and every step is measured on each of them in turn, through the parts that
the bot itself is built of (bot/app.py). A thousand users have fifty orders open each, watched and not due; of each an
order ended every half an hour, back to when their ledger was begun. Indexes are made after the rows and statistics
gathered, as PostgreSQL does by itself in time. The time that statements take is compared, not that of a disk: all that
is read lies in the machine's memory, and PostgreSQL does not wait for its writes. What a step leaves behind stays, a
hundred and one ended orders a round.

Aim: from 100,000 to the largest at most 1.2 times the time, by the median of the ratios of measurements that followed
each other. A history grows with what it shows, a user's own orders; so do suggestions, up to 500 orders that are looked
through, and the housekeeping, which counts what has ended of fifty users.
"""

import argparse
import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from bot.app import App, build
from bot.domain.clock import utc_now
from bot.domain.panel_answers import Accepted
from bot.domain.states import after_cancel
from bot.ledger import Cancellation, MessageRef, Outcome
from bot.ops.http.metrics import exposition
from bot.panel import MAX_BATCH
from bot.services.key_seals import seal_key
from bot.settings import Settings
from bot.vault import open_vault
from bot.workers.turns import Answer, claimed, recorded
from tests.benchmarks import grown
from tests.benchmarks.filled import key_of
from tests.benchmarks.ledger import ENDED, _seen
from tests.benchmarks.start import start_up
from tests.benchmarks.table import seconds, tell
from tests.postgres import programs, running
from tests.wire.process import BotProcess
from tests.wire.soak import table
from tests.wire.stand_in import stand_in

ACCOUNTS = 1_000
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
COMPARED = 100_000
MOST = 1.2
_NOBODY = "http://127.0.0.1:9"


@dataclass
class Grown:
    """A ledger with so many orders that have ended, and the bot built on it."""

    ended: int
    settings: Settings
    app: App
    now: Callable[[], datetime]
    account_id: int = 0
    named: Sequence[str] = ()
    rows: Sequence[Cancellation] = ()
    numbers: Iterator[int] = field(default_factory=count)

    async def next_account(self, orders: int) -> None:
        """Turn to another account, which is asked to cancel some orders."""
        await self.app.scheduler._leases.heartbeat()
        self.account_id = self.account_id * 7 % 1009 if self.account_id else 5
        if self.account_id > ACCOUNTS:
            await self.next_account(orders)
            return
        assert await self.app.scheduler._leases.take(self.account_id)
        self.named = [f"ord_new{next(self.numbers)}" for _ in range(orders)]

    async def tell(self) -> None:
        """Have all messages delivered that are owed by now."""
        async with self.app.ledger.write() as tx:
            for notice in await tx.notices_due(self.now() + timedelta(days=2)):
                await tx.notice_delivered(notice.id, 2**40)

    # What is measured -------------------------------------------------------------------------------------------

    async def take_in(self) -> None:
        """Write down what a user asks for."""
        async with self.app.ledger.write() as tx:
            account = await tx.account(self.account_id)
            assert account
            card = MessageRef(1, None, None, None, self.now() - timedelta(hours=1))
            await tx.add_request(account, self.named, card, ask_first=False, ignored=(), repeats=0)

    async def claim(self) -> None:
        """Claim what is to be sent."""
        account = await self.app.ledger.read.account(self.account_id)
        assert account
        taken = await self.app.ledger.write_at_once(lambda tx: claimed(tx, account, MAX_BATCH))
        self.rows = taken.orders
        assert len(self.rows) == len(self.named)

    async def accepted(self) -> None:
        """Record that all of it was accepted."""
        now = self.now()
        await self._record([Outcome(row, after_cancel(0, Accepted()), now) for row in self.rows])

    async def check(self) -> None:
        """Read what is due for a check, and record that it has ended."""
        now = self.now()
        rows = await self.app.ledger.read.due_checks(self.account_id, now, len(self.named))
        assert len(rows) == len(self.named)
        await self._record([_seen(row, ENDED, now) for row in rows])

    async def _record(self, outcomes: Sequence[Outcome]) -> None:
        account = await self.app.ledger.read.account(self.account_id)
        assert account
        await self.app.ledger.write_at_once(lambda tx: recorded(tx, account, Answer(outcomes)))

    async def accounts_due(self) -> None:
        """Read whose turn it is."""
        await self.app.ledger.read.accounts_due(self.now())

    async def sweep(self) -> None:
        """Do what the scheduler does once a minute."""
        self.app.scheduler._next_sweep = self.now()
        await self.app.scheduler._sweep()

    async def deliveries(self) -> None:
        """Ask what the loops for cards and messages ask."""
        read, now = self.app.ledger.read, self.now()
        await read.cards_due(now)
        await read.next_card_due()
        await read.next_card_end(now)
        await read.notices_due(now)
        await read.next_notice_due()
        await read.edits_due(now, 100)
        await read.next_edit_due()
        async with self.app.ledger.write() as tx:
            await tx.expire_cards()
            await tx.close_cards(timedelta(minutes=1))
            await tx.expire_requests()

    async def keep_house(self) -> None:
        """Do what the housekeeping does once a minute, where there is nothing to delete."""
        await self.app.housekeeping.step()

    async def queued(self) -> None:
        """Answer `/queued`."""
        assert (await self.app.services.records.open_orders(self.account_id)).requests

    async def history(self, days: int) -> None:
        """Answer `/history`."""
        assert (await self.app.services.records.history(self.account_id, None, days)).states

    async def suggest(self) -> None:
        """Suggest orders at a key press."""
        assert await self.app.ledger.read.recent_orders(self.account_id, "ord", 25)

    async def metrics(self) -> None:
        """Answer a scrape."""
        await exposition(self.app.services.health)


Step = Callable[[Grown], Awaitable[None]]
_LIST: dict[str, Step] = {
    "{} taken in": Grown.take_in,
    "{} claimed": Grown.claim,
    "{} recorded as accepted": Grown.accepted,
    "{} checked and recorded": Grown.check,
}
_REST: dict[str, Step] = {
    "accounts_due": Grown.accounts_due,
    "the minute's sweep": Grown.sweep,
    "what cards and messages ask": Grown.deliveries,
    "the minute's housekeeping, 50 users": Grown.keep_house,
    "/queued": Grown.queued,
    "/history 2 days (the same orders)": partial(Grown.history, days=2),
    "/history 30 days": partial(Grown.history, days=30),
    "/history 365 days": partial(Grown.history, days=365),
    "orders suggested at a key press": Grown.suggest,
    "/metrics": Grown.metrics,
}
_START, _READY = "ledger opened, bot built, recovered", "process to READY"
Times = dict[str, dict[int, list[float]]]


async def measure(engine: str, sizes: Sequence[int], rounds: int, folder: Path) -> list[tuple[str, ...]]:
    """Fill ledgers and measure every step so many times on each; return the table's lines."""
    times: Times = defaultdict(lambda: defaultdict(list))
    begin, ran = utc_now(), time.monotonic()
    filling = True

    def clock() -> datetime:
        """The time at which they were filled, and what has passed since they all are."""
        return begin if filling else begin + timedelta(seconds=time.monotonic() - ran)

    with ExitStack() as stack:
        server = None
        if engine == "postgresql":
            binaries = programs()
            assert binaries, "PostgreSQL is not installed here"
            server = stack.enter_context(running(binaries, folder.parent))  # the other is for its owner alone
        ledgers: dict[int, Settings] = {}
        for ended in sizes:
            since = time.monotonic()
            url = server.create(migrated=False) if server else f"sqlite:///{folder / f'{ended}.sqlite3'}"
            ledgers[ended] = Settings(_env_file=None, data_dir=folder, database_url=SecretStr(url), panel_url=_NOBODY)
            await _fill(ledgers[ended], ended, clock)
            tell(f"{engine}: {ended:,} ended orders filled in {time.monotonic() - since:.0f} s")
        filling, ran = False, time.monotonic()
        async with AsyncExitStack() as apps:
            ledgers_grown = [
                Grown(ended, settings, await apps.enter_async_context(build(settings, clock=clock)), clock)
                for ended, settings in ledgers.items()
            ]
            tell(f"{rounds} rounds")
            for number in range(rounds + 3):
                await _round(ledgers_grown, number, times if number > 2 else defaultdict(lambda: defaultdict(list)))
        tell(table([_line(what, found) for what, found in times.items()]))
        tell(f"{rounds} starts")
        await _starts(ledgers, rounds, times, clock)
        if server is None:
            await _processes(ledgers, min(rounds, 11), times, folder)
    return [_line(what, found) for what, found in times.items()]


async def _round(all_of_them: Sequence[Grown], number: int, times: Times) -> None:
    """Do every step once on each ledger, each the first in its turn."""
    turned = [all_of_them[(place + number) % len(all_of_them)] for place in range(len(all_of_them))]
    for orders in (100, 1):
        for one in turned:
            await one.next_account(orders)
        for what, step in _LIST.items():
            for one in turned:
                await _timed(times[what.format(orders)][one.ended], step(one))
    for one in turned:
        await one.tell()
    for what, step in _REST.items():
        for one in turned:
            await _timed(times[what][one.ended], step(one))


async def _timed(times: list[float], step: Awaitable[None]) -> None:
    since = time.perf_counter()
    await step
    times.append(time.perf_counter() - since)


async def _starts(ledgers: dict[int, Settings], rounds: int, times: Times, clock: Callable[[], datetime]) -> None:
    for _ in range(rounds):
        for ended, settings in ledgers.items():
            async with AsyncExitStack() as stack:
                since = time.perf_counter()
                await stack.enter_async_context(build(settings, clock=clock))
                times[_START][ended].append(time.perf_counter() - since)


async def _processes(ledgers: dict[int, Settings], rounds: int, times: Times, folder: Path) -> None:
    async with stand_in() as discord:
        for number in range(rounds + 1):
            for ended, settings in ledgers.items():
                values = {"DATABASE_URL": settings.database_url.get_secret_value()}
                bot = BotProcess(folder, discord, _NOBODY, values)
                took = await start_up(bot)
                await bot.terminate(60)
                if number:  # the first one registers commands and warms caches
                    times[_READY][ended].append(took)


def _line(what: str, found: dict[int, list[float]]) -> tuple[str, ...]:
    medians = {ended: median(found[ended]) for ended in sorted(found)}
    pairs = zip(found[max(found)], found[COMPARED], strict=True)  # taken one after the other
    ratio = median(largest / compared for largest, compared in pairs)
    met = "yes" if ratio <= MOST else "NO"
    return (what, *(seconds(value) for value in medians.values()), f"{ratio:.2f} x", met)


async def _fill(settings: Settings, ended: int, clock: Callable[[], datetime]) -> None:
    """Let the bot begin a ledger and store keys in it, then write the orders past it."""
    vault = open_vault(settings, first_start=True)
    async with build(settings, clock=clock) as app, app.ledger.write() as tx:
        for user_id in range(1, ACCOUNTS + 1):
            account_id = await tx.place_account(user_id, "main")
            await tx.save_key(seal_key(vault, user_id, account_id, SecretStr(key_of(user_id)), clock()))
    await grown.write(settings.database, ACCOUNTS, ended, clock())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--least", type=int, default=SIZES[0], help="ended orders of the smallest, at most 100,000")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="of the largest")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--folder", help="where there is room: 5 GB for ten million")
    wanted = parser.parse_args()
    logging.getLogger("bot").setLevel(logging.ERROR)  # the server's roles are not those of a real one
    sizes = [size for size in SIZES if wanted.least <= size <= wanted.most]
    with TemporaryDirectory(dir=wanted.folder) as folder:
        lines = asyncio.run(measure(wanted.engine, sizes, wanted.rounds, Path(folder)))
    print(table([(wanted.engine, *(f"{size:,}" for size in sizes), "ratio", f"<= {MOST} x?"), *lines]))


if __name__ == "__main__":
    main()
