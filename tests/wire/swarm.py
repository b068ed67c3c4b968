"""Runs four processes on one PostgreSQL, kills or halts one every few seconds, and audits what became of it all."""

import argparse
import asyncio
import base64
import re
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from pydantic import SecretStr

from bot.demo.panel import SimulatedPanel, Upstream
from bot.demo.serve import serve
from bot.domain.clock import utc_now
from bot.domain.states import State
from bot.ledger import DEAD_AFTER, WIRE_CLEAR_AFTER, migrate
from bot.ledger.named import with_views
from tests.invariants import breaches, hasty
from tests.ledgers import InPostgres
from tests.postgres import programs, running
from tests.rules.sources import ROOT
from tests.wire.process import SETTINGS, BotProcess
from tests.wire.stage import OWED, CountedPanel
from tests.wire.stand_in import Interaction, StandIn, stand_in

PROCESSES = 4
USERS = 10
A_LIST = (10, 1_000)
"""The fewest and the most orders in one /cancel."""
_FEWEST_AT_ONCE = 4
"""Where fewer calls with one key were under way at once, nothing was shown of what they do to each other."""
HALTS = (DEAD_AFTER + 10, WIRE_CLEAR_AFTER + 10)
"""Seconds for which a process is halted: long enough to be taken for dead, or for all that it was sending to be too."""
_PATIENCE = 6
"""Seconds after which a person gives the command again."""
_DELIVERED = """
    SELECT nonce FROM notices n WHERE state = 'delivered'
    AND EXISTS (SELECT 1 FROM notice_items i WHERE i.notice_id = n.id AND i.kind = 'ended')
"""
"""Notices that had something to say to the end: one that had not counts as delivered, too."""
_VIEWS = (ROOT / "bot/ledger/queries/postgresql/views.sql").read_text("utf-8")
_TRUTH = {State.CANCELLED: "canceled", State.COMPLETED: "completed", State.PARTIAL: "partial"}


@dataclass
class Swarm:
    """The processes, what they share, and the people who ask for cancels."""

    below: InPostgres
    discord: StandIn
    panel: CountedPanel
    bots: list[BotProcess]
    random: Random
    asked: Counter[str] = field(default_factory=Counter[str])
    """How many commands have named each order: whoever sees no answer gives theirs again."""
    accepted: set[str] = field(default_factory=set[str])
    kills: int = 0
    halts: int = 0
    takeover: float = 0
    """The longest that anything of a dead process stood still of which no call could be on its way."""
    takeover_of_calls: float = 0
    """The longest that what it was sending did."""

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database itself."""
        return self.below.sql(query)

    async def connect(self, user: int) -> None:
        """Store a key by the form."""
        connected = await self.discord.submit(await self.discord.slash("key set", by=user), key_of(user))
        await self.discord.until(lambda: "Connected" in connected.text)

    async def cancel_all(self, user: int, lists: list[list[str]]) -> None:
        """Give one command after the other, each again until its card is there."""
        for orders in lists:
            while not await self._cancelled(user, orders):  # noqa: ASYNC110  # a person waits before trying again
                await asyncio.sleep(0.5)
            self.accepted.update(orders)
            await asyncio.sleep(self.random.random())

    async def _cancelled(self, user: int, orders: list[str]) -> bool:
        self.asked.update(orders)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                asked: Interaction = await self.discord.slash("cancel", by=user, file="\n".join(orders).encode())
                await self.discord.until(lambda: asked.text)
                return bool(re.search(r"^-# [\d,]+ orders", asked.text, re.MULTILINE))
        return False

    async def trouble(self, every: float, done: asyncio.Event) -> None:
        """Kill or halt one process after the other, and start it again at once, as a supervisor does."""
        halted: list[asyncio.Task[None]] = []
        victims: set[int] = set()
        while not done.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), every)
                break
            number = self.random.choice([n for n in range(PROCESSES) if n not in victims])
            if self.random.random() < 0.15 and not victims:
                self.halts += 1
                victims.add(number)
                halted.append(asyncio.create_task(self._halt(number, victims)))
            else:
                await self._kill(number)
        await asyncio.gather(*halted)

    async def _kill(self, number: int) -> None:
        bot = self.bots[number]
        dead, at = number_on_ledger(bot), time.monotonic()
        await bot.kill()
        self.kills += 1
        await bot.launch()
        asyncio.get_running_loop().create_task(self._watch(dead, at))

    async def _halt(self, number: int, victims: set[int]) -> None:
        process = self.bots[number].process
        assert process
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.random.choice(HALTS))
        process.send_signal(signal.SIGCONT)
        victims.discard(number)

    async def _watch(self, dead: int, since: float) -> None:
        """Note how long anything is left to a dead process that has something to do."""
        sending = "EXISTS (SELECT 1 FROM cancellations c WHERE c.account_id = accounts.id AND c.state = 'sending')"
        still = with_views(f"{_VIEWS}SELECT {sending} FROM accounts JOIN busy b USING (id) WHERE held_by = {dead}")
        while left := self.sql(still):
            took = time.monotonic() - since
            self.takeover_of_calls = max(self.takeover_of_calls, took)
            if (False,) in left:
                self.takeover = max(self.takeover, took)
            await asyncio.sleep(0.2)

    async def all_notified(self, seconds: float) -> None:
        """Wait until the bot owes nothing to anybody; raise TimeoutError."""
        async with asyncio.timeout(seconds):
            while self.sql(OWED) != [(0,)]:  # noqa: ASYNC110  # other processes write it
                await asyncio.sleep(0.5)


def number_on_ledger(bot: BotProcess) -> int:
    """Return under which number a process was last known on the ledger."""
    found = re.findall(r"this is process (\d+) on the ledger", bot.log)
    return int(found[-1]) if found else 0


def key_of(user: int) -> str:
    """Return a user's API key."""
    return f"np-swarm-key-{user:09}"


def users() -> list[int]:
    """Return the people; a DM's number is its user's plus one."""
    return [800_000_000_000_000_000 + 10 * n for n in range(USERS)]


@asynccontextmanager
async def swarm(folder: Path, below: InPostgres, seed: int) -> AsyncGenerator[Swarm]:
    """Set the stage and start the processes."""
    panel = CountedPanel(utc_now, ip_limit=10**9, key_limit=10**9)
    panel.slow = (0.1, 1.5)
    async with stand_in() as discord, serve(panel) as url:
        discord.shard_of = lambda by: by // 10 % PROCESSES
        discord.sessions_left = 10**6  # it is killed more often in an hour than Discord allows in a day
        shared = {
            **SETTINGS,
            "DATABASE_URL": below.url,
            "ENCRYPTION_KEYS": base64.b64encode(bytes(range(32))).decode(),
            "SHARD_COUNT": str(PROCESSES),
            "CONFIRM_ABOVE": "1000000",
            "PANEL_IP_LIMIT": str(300 // PROCESSES),
        }
        bots: list[BotProcess] = []
        for number in range(PROCESSES):
            (own := folder / str(number)).mkdir()
            bots.append(BotProcess(own, discord, url, {**shared, "SHARD_IDS": str(number)}))
        made = Swarm(below, discord, panel, bots, Random(seed))
        try:
            for bot in bots:
                await bot.start()
            yield made
        finally:
            for bot in bots:
                await bot.kill()


def fill(panel: SimulatedPanel, random: Random, user: int, count: int) -> list[list[str]]:
    """Put a user's orders into the panel's books and return them in lists."""
    panel.add_key(key_of(user))
    orders = [f"ord_{user % 1000:03}x{number:06}" for number in range(count)]
    for order in orders:
        ends = random.choice(["canceled", "canceled", "completed", "partial"])
        upstream = Upstream(timedelta(seconds=random.uniform(1, 20)), ends)
        status = random.choice(["pending", "pending", "in_progress", "in_progress", "completed"])
        panel.add_order(key_of(user), order, status=status, upstream=upstream)
    lists = list[list[str]]()
    while orders:
        size = random.randint(*A_LIST)
        lists.append(orders[:size])
        del orders[:size]
    return lists


@dataclass(frozen=True, slots=True)
class Row:
    """One cancellation as the ledger has it; times in milliseconds."""

    order: str
    state: State
    created_at: int
    ended_at: int | None
    notified_at: int | None


def cancellations(made: Swarm) -> dict[str, list[Row]]:
    """Return the cancellations of each order, oldest first."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for order, state, *times in made.sql(
        "SELECT order_id, state, created_at, ended_at, notified_at FROM cancellations ORDER BY id"
    ):
        found[order].append(Row(order, State(state), *times))
    return found


def audit(made: Swarm) -> dict[str, list[Any]]:
    """Compare what was asked, the ledger, the messages and the panel's books; every list should be empty.

    Cancelled twice is what was sent again for one cancellation without a look in between, or is not in the ledger.
    """
    found = cancellations(made)
    rows = [row for mine in found.values() for row in mine]

    def begun(order: str, at: datetime) -> int:
        return sum(row.created_at <= at.timestamp() * 1000 for row in found.get(order, ()))

    sent = {(order, call.at) for call in made.panel.calls if call.action == "cancel" for order in call.orders}
    messages = [sent for sent in made.discord.messages.values() if sent.body.get("nonce")]
    nonces = Counter(sent.body["nonce"] for sent in messages)
    delivered = {nonce for (nonce,) in made.sql(_DELIVERED)}
    return {
        "lost": [
            *(made.accepted - found.keys()),
            *(row.order for row in rows if row.ended_at is None or row.notified_at is None),
            *(delivered - nonces.keys()),
        ],
        "doubled": [
            *(order for order, mine in found.items() if len(mine) > made.asked[order]),
            *(nonce for nonce, times in nonces.items() if times > 1),
        ],
        "cancelled twice": [
            *hasty(made.panel.calls, timedelta(seconds=float(SETTINGS["WIRE_RESEND"]) - 1), begun),
            *(order for order, at in sent if not begun(order, at)),
        ],
        "promises broken": list(breaches(made.sql).items()),
        "untrue": [
            row.order
            for row in rows
            if row.state in _TRUTH and made.panel.orders[row.order].status != _TRUTH[row.state]
        ],
    }


async def run(below: InPostgres, orders: int, every: float, seed: int) -> int:
    """Play it, print what was found, and return how many faults there were."""
    with tempfile.TemporaryDirectory() as folder:
        async with swarm(Path(folder), below, seed) as made:
            began, random = time.monotonic(), Random(seed)
            lists = {user: fill(made.panel, random, user, orders // USERS) for user in users()}
            for user in lists:
                await made.connect(user)
            done = asyncio.Event()
            trouble = asyncio.create_task(made.trouble(every, done))
            try:
                await asyncio.gather(*(made.cancel_all(user, mine) for user, mine in lists.items()))
                print(f"all asked for after {time.monotonic() - began:.0f} s", flush=True)
                with suppress(TimeoutError):  # the audit says what is missing
                    await made.all_notified(600)
            finally:
                done.set()
                await trouble
            took = time.monotonic() - began
            faults = audit(made)
            calls = Counter(call.action for call in made.panel.calls)
            again = sum(times > 1 for times in made.panel.cancel_requests.values())
            anew = sum(len(mine) > 1 for mine in cancellations(made).values())
            for bot in made.bots:
                errors = re.findall(r"^.* ERROR .*(?:\n(?!\d{4}-).*)*", bot.log, re.MULTILINE)
                print(f"process {bot.folder.name}: {len(errors)} errors logged", *errors[:3], sep="\n  ")
    print(
        f"{PROCESSES} processes, {orders:,} orders of {USERS} accounts, {made.kills} kills and {made.halts} halts of "
        f"{' or '.join(map(str, HALTS))} s in {took:.0f} s; "
        f"{calls['cancel']} cancel and {calls['status']} status calls; "
        f"longest takeover {made.takeover:.1f} s, of what was being sent {made.takeover_of_calls:.1f} s"
    )
    at_once = max(made.panel.most_at_once.values())
    print(f"  most calls at once with one key: {at_once}")
    faults["fewer calls at once than are to be shown"] = [at_once] if at_once < _FEWEST_AT_ONCE else []
    print(f"  accepted again, once a look had shown them running after a lost answer: {again}")
    print(f"  asked for again by whoever saw no answer, after they had ended: {anew}")
    for name, found in faults.items():
        print(f"  {name}: {len(found)}", *map(str, found[:5]))
    return sum(map(len, faults.values()))


def main() -> int:
    """Run it; return 1 if anything was lost, doubled, cancelled twice or untrue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="orders of all users (default: %(default)s)")
    parser.add_argument("--every", type=float, default=4, help="seconds between two kills (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats a run's choices")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    if (binaries := programs()) is None:
        print("PostgreSQL is not installed here", file=sys.stderr)
        return 2
    with running(binaries) as server:
        below = InPostgres(server, migrated=False)
        migrate(SecretStr(below.url))
        return 1 if asyncio.run(run(below, options.orders, options.every, options.seed)) else 0


if __name__ == "__main__":
    sys.exit(main())
