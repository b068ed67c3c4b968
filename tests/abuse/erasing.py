"""Being forgotten: what one person's wish to be erased costs everybody else."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.abuse import Outcome, attack
from tests.benchmarks import filled
from tests.wire.stage import KEY, Stage, stage

_FIRST_STRANGER = 10**17
_BOUND = 2.0  # seconds
_KNOWN = "SELECT user_id FROM accounts UNION SELECT user_id FROM preferences UNION SELECT user_id FROM cancellations"


async def _cancelled_beside(here: Stage, erasing: list[asyncio.Task[None]]) -> list[float]:
    """Cancel one order after the other while others are erased; return after how many seconds each was cancelled."""
    took = list[float]()
    while not all(task.done() for task in erasing) or here.ledger("SELECT * FROM erasures"):
        order, began = f"ord_beside{len(took)}", time.monotonic()
        here.panel.add_order(KEY, order)
        card = await here.cancel(order)
        await here.comes_true(lambda shown=card: "1 cancelled" in shown.text, 120)
        took.append(time.monotonic() - began)
        await asyncio.sleep(3)  # what one person may ask for
    return took


async def _erase(here: Stage, user: int, presses: int) -> None:
    question = await here.discord.slash("forget-me", by=user)
    await here.discord.until(lambda: "Erase everything about you?" in question.text)
    await asyncio.gather(*(here.discord.press(question, "np:erase") for _ in range(presses)))


async def _beside_erasures(accounts: int, rows: int, users: list[int], presses: int) -> Outcome:
    """Have users of a filled ledger erased while somebody else cancels an order."""
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here:
            await here.bot.start()
            await here.connect()
            await here.bot.terminate()
            filled.fill(Path(folder), accounts=accounts, rows=rows)
            with closing(sqlite3.connect(Path(folder) / "ledger.sqlite3")) as ledger:  # nothing else is to do
                ledger.execute(
                    "UPDATE cancellations SET state = 'cancelled', due_at = NULL, ended_at = created_at, "
                    "notified_at = created_at WHERE ended_at IS NULL"
                )
                strangers = [(user,) for user in users if user >= _FIRST_STRANGER]
                ledger.executemany("INSERT INTO preferences VALUES (?, 'off', 'each', NULL, 0)", strangers)
                ledger.commit()
            size = (Path(folder) / "ledger.sqlite3").stat().st_size / 1e6
            await here.bot.start()
            erasing = [asyncio.create_task(_erase(here, user, presses)) for user in users]
            began = time.monotonic()
            took = await _cancelled_beside(here, erasing)
            await asyncio.gather(*erasing)
            figures = (
                f"{max(took):.1f} s at most of {len(took)}, {size:.0f} MB, gone after {time.monotonic() - began:.0f} s"
            )
            left = [user for (user,) in here.ledger(_KNOWN) if user in users]
            return Outcome(f"{figures}, {len(left)} left", held=max(took) <= _BOUND and not left)


@attack(
    "one user erased, 18 presses, 30 MB", before="another's /cancel takes 58 s (329 MB)", bound="another's within 2 s"
)
async def pressed_again() -> Outcome:
    """The short form, on a smaller ledger."""
    return await _beside_erasures(500, 100_000, [filled.FIRST + 7], 18)


@attack("three strangers erased", before="another's /cancel takes 59.9 s (3 GB)", bound="another's within 2 s")
async def strangers() -> Outcome:
    """Who have nothing here but their settings."""
    return await _beside_erasures(500, 100_000, [_FIRST_STRANGER + 2 * number for number in range(3)], 2)


@attack("one user with 100,000 orders erased, 600 MB", before="27.7 s at 3 GB", bound="another's within 2 s", slow=True)
async def on_a_large_ledger() -> Outcome:
    """A ledger of years."""
    return await _beside_erasures(20, 2_000_000, [filled.FIRST + 7], 1)
