"""Room on the disk and in memory: what one person can have written down, and read at once."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.panel import RateLimited
from bot.workers.budget import Budget, NewKey
from bot.workers.housekeeping import MOST_ENDED
from tests.abuse import Outcome, attack
from tests.benchmarks import filled
from tests.benchmarks.sides import ask_for_list, memory
from tests.wire.process import SETTINGS
from tests.wire.stage import Stage, stage

_MANY = 100_000
_USED = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)


@asynccontextmanager
async def _at_work(**settings: str) -> AsyncGenerator[Stage]:
    """Start a bot with a connected key."""
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here:
            here.bot.settings = {**SETTINGS, **settings}
            await here.bot.start()
            await here.connect()
            yield here


def _used(here: Stage) -> int:
    """Return how many bytes of the ledger hold something."""
    ((used,),) = here.ledger(_USED)
    return used


async def _confirm_and_stop(here: Stage, count: int, number: int) -> int:
    """Have a list of invented IDs begun and stopped, and return by how many bytes the ledger has grown."""
    before = _used(here)
    question = await ask_for_list(here, (f"ord_r{number}x{one}" for one in range(count)))
    await here.discord.press(question, "np:confirm:*")
    await here.discord.until(lambda: "np:stop:" in str(question.message and question.message.body))
    await here.discord.press(question, "np:stop:*")
    await here.ledger_says("SELECT COUNT(*) FROM requests WHERE waiting > 0", [(0,)])
    await here.ledger_says("SELECT COUNT(*) FROM cancellations WHERE ended_at IS NULL", [(0,)])
    return _used(here) - before


@attack(
    "/cancel with 100,000 invented IDs, Confirm, Stop, three times over",
    before="48 MB of ledger a round",
    bound="0.5 MB a round, and the file grows no more after the first",
)
async def stopped_lists() -> Outcome:
    """What waited of a long list is kept as a number."""
    async with _at_work(PANEL_KEY_LIMIT="3") as here:
        grown, sizes = list[int](), list[int]()
        for number in range(3):
            grown.append(await _confirm_and_stop(here, _MANY, number))
            sizes.append((here.bot.folder / "ledger.sqlite3").stat().st_size)
        figures = ", ".join(f"{one / 1e6:.2f}" for one in grown)
        held = max(grown) <= 0.5e6 and sizes[-1] <= sizes[0] + 1e6
        return Outcome(f"{figures} MB; file {sizes[0] / 1e6:.0f}, then {sizes[-1] / 1e6:.0f} MB", held)


@attack(
    "/cancel with 1,000 invented IDs, Confirm, Stop, three times over",
    before="as much as is kept of so many orders",
    bound="0.5 MB a round: a million orders of a user at most",
)
async def stopped_short_lists() -> Outcome:
    """What is kept one by one is bounded by what is kept of a user."""
    async with _at_work(PANEL_KEY_LIMIT="3", CONFIRM_ABOVE="100") as here:
        grown = [await _confirm_and_stop(here, 1_000, number) for number in range(3)]
        figures = ", ".join(f"{one / 1e6:.2f}" for one in grown)
        return Outcome(f"{figures} MB", held=max(grown) <= 0.5e6)


@attack(
    "10,000 invented IDs sent and refused, twice over",
    before="556 bytes an order for good",
    bound="560 bytes an order with its steps, a million orders of a user",
)
async def refused_orders() -> Outcome:
    """Each costs its sender a hundredth of a call, and goes with the oldest of its user."""
    async with _at_work() as here:
        before = _used(here)
        for number in range(2):
            question = await ask_for_list(here, (f"ord_r{number}x{one}" for one in range(10_000)))
            await here.discord.press(question, "np:confirm:*")
            sent = f"SELECT COUNT(*) FROM cancellations WHERE state = 'refused' AND request_id = {number + 1}"
            await here.ledger_says(sent, [(10_000,)], 120)
        each = (_used(here) - before) / 20_000
        return Outcome(
            f"{each:.0f} bytes an order: a user's {MOST_ENDED:,} take {each * MOST_ENDED / 1e6:.0f} MB at most",
            held=each <= 560,
        )


@attack("1,000 damaged IDs with a request", before="227 KB of ledger", bound="5 KB of ledger")
async def junk() -> Outcome:
    """In letters that JSON writes as twelve bytes each."""
    async with _at_work() as here:
        words = " ".join(f"{chr(0x10428 + one % 40) * 4}{one:03}" for one in range(1_000))
        asked = await here.discord.slash("cancel", file=f"ord_A {words}".encode())
        await here.discord.until(lambda: "Skipped" in asked.text)
        ((longest,),) = here.ledger("SELECT MAX(length(CAST(ignored AS BLOB))) FROM requests")
        return Outcome(f"{longest / 1e3:.1f} KB", held=longest <= 5_000 and "992 more" in asked.text)


@attack(
    "16 presses on whole lists of 100,000 orders at once", before="memory +361 MB", bound="memory +60 MB", slow=True
)
async def whole_lists() -> Outcome:
    """One of a user's is written at a time, and only some wait."""
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here:
            await here.bot.start()
            await here.bot.terminate()
            filled.fill(Path(folder), accounts=1, rows=_MANY)
            with closing(sqlite3.connect(Path(folder) / "ledger.sqlite3")) as ledger:
                ledger.execute(
                    "UPDATE cancellations SET state = 'refused', due_at = NULL, ended_at = ? - id * 1000, "
                    "notified_at = created_at, panel_message = printf('%.60c', 'x')",
                    (int(time.time() * 1000),),
                )
                ledger.commit()
            await here.bot.start()
            card = await here.discord.slash("history", by=filled.FIRST)
            await here.discord.until(lambda: bool(card.text))
            before = memory(here.bot)
            pressed = await asyncio.gather(*(here.discord.press(card, "np:list:*") for _ in range(16)))
            answered = await here.comes_true(lambda: all(one.text for one in pressed), 120)
            await asyncio.sleep(3)  # the last part may be on its way
            added = memory(here.bot, "VmHWM") - before
            told = sum("still being written" in one.text for one in pressed)
        return Outcome(f"memory +{added / 1e6:.0f} MB, {told} told so", held=answered and added <= 60e6)


class _Time:
    """A clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += timedelta(seconds=seconds)


@attack("100,000 keys that the panel refuses, one after the other", before="a budget each for good", bound="40 budgets")
async def budgets_of_refused_keys() -> Outcome:
    """Each is remembered for as long as its call counts."""
    clock, most = _Time(), 0
    budget = Budget(clock, 300, 100, sleep=clock.sleep)
    for number in range(1, _MANY):
        with suppress(RateLimited):
            await budget.wait(NewKey(number))
        most = max(most, len(budget._keys))
    return Outcome(f"{most} budgets at most", held=most <= 40)
