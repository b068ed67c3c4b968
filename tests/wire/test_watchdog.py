"""A process that hangs ends, with an exit code after which a supervisor begins another."""

import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.story import ROOT
from tests.wire.stage import KEY, Stage, stage


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A bot that has not been started."""
    async with stage(tmp_path) as made:
        yield made


async def test_a_loop_that_is_silent_for_too_long_ends_the_process(here: Stage) -> None:
    await here.bot.launch(WIRE_HANGS="0.5")
    assert await here.bot.ended(30) == 1
    assert "error: Something hung for a quarter of an hour (" in here.bot.log
    assert "Start again: nothing was lost." in here.bot.log
    assert "loop hangs; each task waits at:" in here.bot.log
    assert re.search(
        r"^Task-\d+: tasks.py:\d+ supervise > housekeeping.py:\d+ run > tasks.py", here.bot.log, re.MULTILINE
    )
    assert "Traceback" not in here.bot.log


async def test_an_event_loop_that_hangs_ends_the_process_and_the_next_goes_on(here: Stage) -> None:
    await here.bot.launch(WIRE_STUCK="yes")
    assert await here.bot.ended(30) == 1
    assert "(most recent call first):" in here.bot.log
    assert "in _for_ever" in here.bot.log
    await here.bot.start()
    await here.connect()
    here.panel.add_order(KEY, "ord_A")
    card = await here.cancel("ord_A")
    await here.discord.until(lambda: "1 cancelled" in card.text)
    assert await here.bot.terminate() == 0


def test_last_words_that_nobody_reads_are_not_waited_for() -> None:
    """As where a log driver hangs, and the pipe to it is full."""
    script = "import threading; from bot.ops import shutdown; shutdown.exit_after(threading.Event().wait, 3)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=30, check=False).returncode == 3
