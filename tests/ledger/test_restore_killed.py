"""A restore that is killed: whatever step it was at, a whole ledger is in its place, the old one or the new one."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bot.ledger import backup, migrate, restore
from tests.ledgers import InFile

_STEPS = ("link", "rename", "replace", "unlink", "utime", "fsync")
"""What changes names, times or the disk."""
_KILLED = 9

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process that is killed is forked")


def test_a_restore_that_is_killed_leaves_the_old_ledger_or_the_new_one_and_can_be_repeated(tmp_path: Path) -> None:
    found, ended, step = list[list[str]](), _KILLED, 0
    while ended == _KILLED:
        step += 1
        facts, ended = _after_a_death_at(tmp_path / str(step), step)
        found.append(facts)
    before = found.index(["new"])
    assert ended == 0
    assert before > 3  # it has died before it was done as well
    assert found == [["new", "old"]] * before + [["new"]] * (len(found) - before)


def _after_a_death_at(folder: Path, step: int) -> tuple[list[str], int]:
    """Return what is in the ledger after a restore that died before a step, and its exit code; restore it then."""
    folder.mkdir()
    below, copy = InFile(folder / "ledger.sqlite3"), folder / "copy.sqlite3"
    migrate(below.database)
    below.sql("INSERT INTO facts VALUES ('one', 'new')")
    backup(below.database, copy)
    with closing(sqlite3.connect(below.database, isolation_level=None)) as bot:
        bot.execute("PRAGMA journal_mode = WAL").fetchall()
        bot.execute("INSERT INTO facts VALUES ('two', 'old')")
        ended = _die_before(step, below.database, copy)  # what was kept last is in the journal alone
    assert below.sql("PRAGMA integrity_check") == [("ok",)]
    facts = [value for (value,) in below.sql("SELECT value FROM facts ORDER BY value")]
    for aside in folder.glob("*.replaced-*"):  # named by the second, which is not over
        aside.unlink()
    restore(below.database, copy, lambda _: None)
    assert below.sql("SELECT value FROM facts") == [("new",)]
    assert not list(folder.glob(".*.half"))
    return facts, ended


def _die_before(step: int, ledger: Path, copy: Path) -> int:
    """Restore in a process of its own that dies before a step, counted from 1; return its exit code."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(BaseException):
        _count_steps(step)
        restore(ledger, copy, lambda _: None)
        os._exit(0)
    os._exit(1)


def _count_steps(last: int) -> None:
    passed = 0

    def counted(name: str) -> object:
        call = getattr(os, name)

        def wrapped(*arguments: object, **named: object) -> object:
            nonlocal passed
            passed += 1
            if passed == last:
                os._exit(_KILLED)
            return call(*arguments, **named)

        return wrapped

    for name in _STEPS:
        setattr(os, name, counted(name))
