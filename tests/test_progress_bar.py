"""Long work says how far it is: drawn where somebody looks, a line a minute elsewhere."""

import io
import logging
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.files import megabytes
from bot.ledger import migrate
from bot.progress_bar import ProgressBar, rows
from tests.story import ROOT


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_what_is_done_the_rate_and_the_time_left() -> None:
    seen, at = Terminal(), [0.0]
    with ProgressBar("moving", 60_000, rows, stream=seen, clock=lambda: at[0]) as bar:
        for second in range(3):
            at[0] = second
            bar.show(second * 500)
            bar.show(second * 500 + 1)  # too soon to be drawn
    assert seen.getvalue().split("\r\x1b[K") == [
        "",
        "moving: 0 %, 0 rows of 60,000 rows",
        "moving: 0 %, 500 rows of 60,000 rows, 500 rows a second, 1 min 59 s left",
        "moving: 1 %, 1,000 rows of 60,000 rows, 500 rows a second, 1 min 58 s left",
        "",  # the line is free for what comes next
    ]


def test_a_log_gets_a_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    quiet, at = io.StringIO(), [0.0]
    with ProgressBar("copying", 4_000_000_000, megabytes, stream=quiet, clock=lambda: at[0]) as bar:
        for second in range(130):
            at[0] = second
            bar.show(second * 1_000_000)
    assert quiet.getvalue() == ""
    assert [record.message for record in caplog.records] == [
        "copying: 1 %, 60.0 MB of 4,000.0 MB, 1.0 MB a second, 1 h 5 min left",
        "copying: 3 %, 120.0 MB of 4,000.0 MB, 1.0 MB a second, 1 h 4 min left",
    ]


def test_nothing_is_divided_by_nothing() -> None:
    seen = Terminal()
    with ProgressBar("moving", 0, rows, stream=seen, clock=lambda: 0.0) as bar:
        bar.show(0)
    assert "moving: 100 %, 0 rows of 0 rows" in seen.getvalue()


def on_a_terminal(folder: Path) -> tuple["subprocess.Popen[str]", int]:
    """Begin a backup whose user sits at a terminal; return it, and where to read what they see."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "backup", str(folder / "copy")],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(folder), "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    return process, ours


def test_a_backup_on_a_terminal_says_how_far_it_is(tmp_path: Path) -> None:
    migrate(tmp_path / "ledger.sqlite3")
    process, screen = on_a_terminal(tmp_path)
    said, _ = process.communicate(timeout=60)
    seen = os.read(screen, 4_096).decode()
    os.close(screen)
    assert "copying the ledger: 100 %, 0." in seen
    assert seen.endswith("\r\x1b[K")
    assert "complete" in said


def test_a_backup_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    migrate(tmp_path / "ledger.sqlite3")
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as db, db:
        db.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
            "INSERT INTO facts SELECT i, hex(zeroblob(500000)) FROM n"
        )
    process, screen = on_a_terminal(tmp_path)
    assert "copying the ledger" in os.read(screen, 4_096).decode()
    process.terminate()
    process.communicate(timeout=60)
    os.close(screen)
    assert process.returncode == 128 + signal.SIGTERM
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite3"]
