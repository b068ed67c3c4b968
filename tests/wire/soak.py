"""Kills the bot at every place and at random moments, and shows that nothing is lost or doubled: `make soak`."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from pydantic import SecretStr

from bot.demo.panel import Upstream
from bot.domain.clock import utc_now
from bot.domain.states import State, Transition
from bot.ledger import Ledger, MessageRef, Outcome
from bot.panel import Answer
from bot.services.key_seals import seal_key
from bot.settings import Settings
from bot.vault import open_vault
from tests.wire.stage import KEY, Audit, CountedPanel, Stage, audit, stage
from tests.wire.stand_in import Fault, StandIn

LANES = 4
"""Stories told side by side: they mostly wait."""
ROUND = 20
"""Random kills in one ledger's life."""
_LISTS = 1 / 3
"""The share of requests that are long lists, sent by several calls at once."""
_FEWEST_AT_ONCE = 4
"""Where fewer calls were under way at once, nothing was shown of what they do to each other."""


@dataclass
class Tally:
    """One line of the table."""

    name: str
    kills: int = 0
    faults: int = 0
    orders: int = 0
    lost: int = 0
    doubled: int = 0
    cancelled_twice: int = 0
    other: int = 0
    recovery: float = 0
    at_once: int = 0
    """Calls that were under way at once with one key."""
    findings: list[str] = field(default_factory=list[str])

    def add(self, found: Audit, where: str) -> None:
        """Count what an audit has found."""
        self.orders += found.orders
        self.lost += len(found.lost)
        self.doubled += len(found.told_twice)
        self.cancelled_twice += len(found.cancelled_twice)
        self.other += len(found.untrue) + len(found.illegal_steps)
        if found.faults:
            self.findings.append(f"{where}: {found}")

    def row(self) -> tuple[str, ...]:
        """Return the cells of this line."""
        counts = (self.kills, self.faults, self.orders, self.lost, self.doubled, self.cancelled_twice, self.other)
        return (self.name, *(f"{count:,}" for count in counts), f"{self.recovery:.2f} s")


HEADS = ("the process dies", "kills", "faults", "orders", "lost", "doubled", "double cancels", "untrue", "recovery")


async def restart(stage: Stage, tally: Tally) -> None:
    """Start the process anew and note how long it took to be there for people again."""
    since = time.monotonic()
    await stage.bot.start()
    tally.recovery = max(tally.recovery, time.monotonic() - since)


async def through(stage: Stage, tally: Tally, act: Callable[[], Awaitable[None]]) -> None:
    """Act like a person who begins again after each death of the process, until it is done in one life."""
    while True:
        assert stage.bot.process
        acting = asyncio.ensure_future(act())
        dying = asyncio.ensure_future(stage.bot.process.wait())
        await asyncio.wait([acting, dying], return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if acting.done():
            return await acting
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        tally.kills += 1
        await restart(stage, tally)


# At every place -----------------------------------------------------------------------------------------------------


async def story(stage: Stage, tally: Tally, places: Path, die_at: int) -> None:
    """Play the main job with a process that dies at a place of that number (0: nowhere)."""
    orders = {"ord_pending": "pending", "ord_queued": "in_progress", "ord_done": "completed", "ord_late": "in_progress"}
    for order, status in orders.items():
        late = order == "ord_late"  # it is edited into the message about the other
        ends = Upstream(timedelta(seconds=2.5 if late else 0.6), "completed" if late else "canceled")
        stage.panel.add_order(KEY, order, status=status, upstream=ends)

    async def begin() -> None:
        await stage.discord.until(lambda: stage.discord.sessions)

    async def ask() -> None:
        if not stage.ledger("SELECT id FROM requests"):
            await stage.cancel(*orders, "ord_absent")
        await stage.discord.until(lambda: stage.asked[-1][0].text)

    await stage.bot.launch(WIRE_POINTS=str(places), WIRE_DIE_AT=str(die_at))
    with suppress(TimeoutError):  # the audit says what is missing
        for act in (begin, stage.connect, ask, stage.all_notified):
            await through(stage, tally, act)


async def one_place(tally: Tally, number: int) -> list[str]:
    """Play the story with a death at one place; return the names of all places passed."""
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder)) as made:
            places = Path(folder) / "places"
            await story(made, tally, places, number)
            passed = places.read_text().splitlines()
            tally.add(audit(made), f"place {number} ({passed[-1]})")
            return passed


async def every_place() -> Tally:
    """Die once at every place that the story passes."""
    tally = Tally("at every commit and network step")
    places = await one_place(tally, 0)
    await side_by_side([lambda number=number: one_place(tally, number) for number in range(1, len(places) + 1)])
    tally.faults = len(places)
    return tally


# At random moments --------------------------------------------------------------------------------------------------


class UnsteadyPanel(CountedPanel):
    """A panel that fails now and then, before it has acted, after, or long before: late, overtaken or twice."""

    unsteady = False
    failed = 0

    async def act(self, form: Mapping[str, str]) -> Answer:
        """Answer one call, or not."""
        failing = self.unsteady and self.random.random() < 0.2
        if not failing:
            return await super().act(form)
        self.failed += 1
        if self.random.random() < 0.2:
            soon = str(int(self.clock().timestamp()) + 1)
            return Answer(429, '{"error": "Rate limit"}', {"X-RateLimit-DeniedBy": "ip", "X-RateLimit-Reset": soon})
        match self.random.choice(("never", "acts", "acts", "late", "late", "overtaken", "twice")):
            case "acts":
                await self._unheard(form)
            case "late":
                self.receive_later(form, timedelta(seconds=self.random.uniform(0.1, 2.5)))
            case "overtaken":  # by the status check that follows
                self.receive_later(form, timedelta(seconds=self.random.uniform(0, 0.1)))
            case "twice":
                await self._unheard(form)
                on_record = self.cancel_requests.copy()
                await self._unheard(form)
                if form.get("action") != "status":
                    self.calls.pop()  # the bot has made one call
                self.cancel_requests = on_record
            case _:
                pass
        return self.random.choice(
            [
                Answer(500, '{"error": "Internal error"}'),
                Answer(502, "<html>Bad gateway</html>"),
                Answer(200, "<html>Welcome</html>"),
                Answer(200, '[{"order": "ord_1", "can'),
                Answer(200, "[]"),
            ]
        )

    async def _unheard(self, form: Mapping[str, str]) -> None:
        """Carry out a call that gets no answer: a status check of that kind tells the bot nothing."""
        await super().act(form)
        if form.get("action") == "status":
            self.calls.pop()


def trouble_for(discord: StandIn, random: Random) -> int:
    """Let one of Discord's routes fail once or twice; return how many faults that makes."""
    method, path = random.choice(
        [
            ("PATCH", "/webhooks/*"),
            ("PATCH", "/channels/*/messages/*"),
            ("POST", "/channels/*/messages"),
            ("POST", "/users/@me/channels"),
        ]
    )
    times = random.randint(1, 2)
    how = random.choice(["error", "reset", "limit"])
    status = {"error": 503, "reset": 500, "limit": 429}[how]
    discord.faults.append(
        Fault(method, path, status, times=times, reset=how == "reset", after_effect=random.random() < 0.5)
    )
    return times


async def busy_life(tally: Tally, kills: int, seed: int, *, unsteady: bool) -> None:
    """Cancel at random and kill at random moments, then let everything come to its end."""
    random = Random(seed)
    panel = UnsteadyPanel(utc_now, ip_limit=10**9, key_limit=10**9)
    panel.random = random
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder), panel) as made:
            made.discord.sessions_left = 10**6  # it is killed more often in an hour than Discord allows in a day
            await made.bot.start()
            await made.connect()
            panel.unsteady = unsteady
            for _ in range(kills):
                await one_life(made, tally, random, unsteady=unsteady)
            panel.unsteady, made.discord.faults = False, []
            # What is in doubt for the second time is sent again half a minute after: 60 s would call it lost.
            with suppress(TimeoutError):  # the audit says what is missing
                await made.all_notified(150)
            tally.faults += panel.failed
            tally.at_once = max(tally.at_once, panel.most_at_once[KEY])
            tally.add(audit(made), f"seed {seed}")


async def one_life(stage: Stage, tally: Tally, random: Random, *, unsteady: bool) -> None:
    """Ask for some cancels, kill the process at some moment after or on its way up, and start it again."""
    if unsteady:
        tally.faults += trouble_for(stage.discord, random)
    for _ in range(random.randint(1, 2)):
        is_list = random.random() < _LISTS
        count = random.randint(100, 1_000) if is_list else random.randint(1, 12)
        asked = await stage.cancel(*(any_order(stage, random) for _ in range(count)))
        if is_list and random.random() < 0.8:  # else it may be killed while it reads the file
            with suppress(TimeoutError):  # its first edit may fail
                await stage.discord.until(lambda asked=asked: asked.text, seconds=5)
    await asyncio.sleep(random.random() * random.choice([0.0, 0.05, 0.3, 1.0]))
    await stage.bot.kill()
    tally.kills += 1
    if random.random() < 0.2:
        await stage.bot.launch()
        await asyncio.sleep(random.random() * 0.6)
        await stage.bot.kill()
        tally.kills += 1
    await restart(stage, tally)


def any_order(stage: Stage, random: Random) -> str:
    """Put an order of any kind into the panel's books and return its ID."""
    order = f"ord_{len(stage.panel.orders):06}"
    upstream = Upstream(timedelta(seconds=random.uniform(0.1, 2)), random.choice(["canceled", "completed", "partial"]))
    status = random.choice(["pending", "in_progress", "in_progress", "completed"])
    stage.panel.add_order(KEY, order, status=status, upstream=upstream)
    return order


async def random_moments(kills: int, seed: int, *, unsteady: bool) -> Tally:
    """Die at random moments, in lives of some kills each."""
    tally = Tally("at random, all else failing too" if unsteady else "at random moments")
    lives = range(seed, seed + -(-kills // ROUND))
    await side_by_side([lambda seed=seed: busy_life(tally, ROUND, seed, unsteady=unsteady) for seed in lives])
    return tally


# A great many ------------------------------------------------------------------------------------------------------


async def great_restart(accounts: int = 1_000, orders: int = 100) -> str:
    """Start on a ledger with very many open cancellations, and say how soon the first of them is looked at."""
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder)) as made:
            await made.bot.start()
            await made.bot.terminate()
            await _fill(Path(folder), accounts, orders)
            since = time.monotonic()
            await made.bot.start()
            ready = time.monotonic() - since
            while not made.panel.calls:  # noqa: ASYNC110  # nothing tells of a call but the call
                await asyncio.sleep(0.01)
            polled = time.monotonic() - since
    return f"{accounts * orders:,} open: READY {ready:.2f} s after the start, first look {polled - ready:.2f} s later"


async def _fill(folder: Path, accounts: int, orders: int) -> None:
    """Write accounts with orders that the panel has taken into a ledger, all of them due for a look."""
    vault = open_vault(Settings(_env_file=None, data_dir=folder), first_start=False)
    now = utc_now()
    card = MessageRef(1, None, None, None, now)
    async with Ledger.open(folder / "ledger.sqlite3") as ledger, ledger.write() as tx:
        for user in range(1, accounts + 1):
            account_id = await tx.place_account(user, "main")
            await tx.save_key(seal_key(vault, user, account_id, SecretStr(KEY), now))
            account = await tx.account(account_id)
            assert account
            named = [f"ord_{user}_{number}" for number in range(orders)]
            await tx.add_request(account, named, card, ask_first=False, ignored=(), repeats=0)
            await tx.start_orders(account_id, orders)
            sent = await tx.claim_for_sending(account_id, orders)
            taken = [Outcome(order, Transition(State.ACCEPTED, 0), now) for order in sent]
            await tx.record(account_id, taken)


# The table ----------------------------------------------------------------------------------------------------------


async def side_by_side(works: list[Callable[[], Awaitable[object]]]) -> None:
    """Do all of this, a few at a time."""
    lanes = asyncio.Semaphore(LANES)

    async def in_a_lane(work: Callable[[], Awaitable[object]]) -> None:
        async with lanes:
            await work()

    await asyncio.gather(*(in_a_lane(work) for work in works))


async def soak(kills: int, seed: int) -> list[Tally]:
    """Run every part and return its line."""
    half = kills // 2
    return [
        await every_place(),
        await random_moments(half, seed, unsteady=False),
        await random_moments(kills - half, seed + 1_000_000, unsteady=True),
    ]


def table(lines: list[tuple[str, ...]]) -> str:
    """Set lines of cells as a table, words to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))])
        for cells in lines
    )


def main() -> int:
    """Run the soak and print the table; return 1 if anything was lost, doubled, sent blindly or untrue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=2000, help="random kills (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats a run's choices")
    options = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it complains of every caller that dies
    print(f"seed {options.seed}", flush=True)
    tallies = asyncio.run(soak(options.kills, options.seed))
    print(table([HEADS, *(tally.row() for tally in tallies)]))
    print(asyncio.run(great_restart()))
    findings = [finding for tally in tallies for finding in tally.findings]
    at_once = max(tally.at_once for tally in tallies)
    print(f"most calls at once with one key: {at_once}")
    if at_once < _FEWEST_AT_ONCE:
        findings.append(f"that is less than {_FEWEST_AT_ONCE}")
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
