"""A SQLite ledger is one process's, by whatever name it is opened."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.ledger import Ledger, LedgerInUse, backup, migrate, only_process
from tests.ledgers import InFile
from tests.rules.sources import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="flock(2) and SQLite's locks meet elsewhere")
ELSEWHERE = """
import sys
from pathlib import Path
from bot.ledger import LedgerInUse, only_process
try:
    with only_process(Path(sys.argv[1])):
        print("mine")
except LedgerInUse:
    print("in use")
"""


def held_elsewhere(path: Path) -> str:
    """Return what another process finds."""
    ended = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return ended.stdout.strip()


def by_symlink(ledger: Path) -> Path:
    other = ledger.with_name("symlink")
    other.symlink_to(ledger)
    return other


def by_hard_link(ledger: Path) -> Path:
    other = ledger.with_name("hard link")
    other.hardlink_to(ledger)
    return other


def by_a_new_name(ledger: Path) -> Path:
    return ledger.rename(ledger.with_name("renamed"))


def without_the_lock_file(ledger: Path) -> Path:
    ledger.with_name(f"{ledger.name}.lock").unlink()
    return ledger


def with_a_backup_in_its_place(ledger: Path) -> Path:
    backup(ledger, ledger.with_name("copy"))
    os.replace(ledger.with_name("copy"), ledger)
    return ledger


@pytest.mark.parametrize(
    "opened", [by_symlink, by_hard_link, by_a_new_name, without_the_lock_file, with_a_backup_in_its_place]
)
def test_a_second_process_is_refused(tmp_path: Path, opened: Callable[[Path], Path]) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    with only_process(ledger):
        migrate(ledger)
        other = opened(ledger)
        assert held_elsewhere(other) == "in use"
    assert held_elsewhere(other) == "mine"


async def test_the_lock_leaves_sqlite_s_own_alone(tmp_path: Path) -> None:
    """A backup and a writer of another program get what SQLite gives them, and no more."""
    below = InFile(tmp_path / "ledger.sqlite3")
    with only_process(below.database):
        async with Ledger.open(below.database) as ledger:
            async with ledger.write() as tx:
                await tx.set_fact("noted", "kept")
                with pytest.raises(Exception, match="locked"):
                    below.write_once()
            backup(below.database, tmp_path / "copy")
            below.write_once()
    assert InFile(tmp_path / "copy").sql("SELECT value FROM facts WHERE name = 'noted'") == [("kept",)]


def test_nobody_else_can_read_or_hold_it(tmp_path: Path) -> None:
    ledger = tmp_path / "data" / "ledger.sqlite3"
    mask = os.umask(0)
    try:
        with only_process(ledger):
            migrate(ledger)
    finally:
        os.umask(mask)
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in (ledger.parent, *ledger.parent.iterdir())} == {
        "data": "0o700",
        "ledger.sqlite3": "0o600",
        **({"ledger.sqlite3.lock": "0o600"} if ledger.with_name("ledger.sqlite3.lock").exists() else {}),
    }


def test_a_second_time_in_one_process_is_refused(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    with only_process(ledger), pytest.raises(LedgerInUse), only_process(ledger):
        pass
