"""Copies of a ledger in a file: whole, of one moment, named so that none is lost, and removed in time."""

import os
import re
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.ledger import (
    SET_ASIDE_DAYS,
    Checkup,
    Ledger,
    LedgerHeld,
    LedgerMigrationFailed,
    LedgerShortOfSpace,
    LedgerTooNew,
    LedgerUnreadable,
    backup,
    backup_into,
    check_up,
    migrate,
    restore,
    schema,
)
from bot.ledger.errors import LedgerCopyStays, LedgerCopyUnwritable
from bot.ledger.schema import migrations
from bot.ledger.sqlite import copying
from tests.ledgers import InFile

NEWEST = migrations("sqlite")[-1][0]
ONE, TWO = NEWEST + 1, NEWEST + 2
WORKS, BROKEN = "CREATE TABLE more (id INTEGER);", "CREATE TABLE less (id INTEGER); SELECT nonsense;"
DAY = 86_400


@pytest.fixture
def below(tmp_path: Path) -> InFile:
    """A ledger with a fact in it."""
    made = InFile(tmp_path / "ledger.sqlite3")
    migrate(made.database)
    made.sql("INSERT INTO facts VALUES ('who', 'the first')")
    return made


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> "Release":
    """What makes this release a later one."""
    return Release(monkeypatch)


class Release:
    """Lets a release bring further migrations."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def brings(self, *sql: str) -> None:
        """Have the release bring these migrations after those that there are."""
        known = [one for one in migrations("sqlite") if one[0] <= NEWEST]
        more = [(NEWEST + n, f"{NEWEST + n:04}_more.sql", text) for n, text in enumerate(sql, 1)]
        self._patch.setattr(schema, "migrations", lambda _: [*known, *more])


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(file.name for file in folder.iterdir())


def facts(path: Path) -> list[tuple[str]]:
    """Return the facts in a ledger."""
    return InFile(path).sql("SELECT value FROM facts ORDER BY value")


def age(file: Path, days: float) -> None:
    """Let a file have been written some days ago."""
    os.utime(file, (time.time() - days * DAY,) * 2)


def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every disk be nearly full."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))


# Before a migration -------------------------------------------------------------------------------------------------


def test_a_ledger_is_copied_before_it_is_migrated(tmp_path: Path, below: InFile, release: Release) -> None:
    release.brings(WORKS)
    assert migrate(below.database) == ONE
    assert "more" in below.tables()
    copy = tmp_path / f"ledger.sqlite3.before-{ONE:04}"
    assert InFile(copy).sql("SELECT MAX(version) FROM schema_version") == [(NEWEST,)]
    assert stat.filemode(copy.stat().st_mode) == "-rw-------"
    assert names(tmp_path) == ["ledger.sqlite3", copy.name]


def test_a_migration_that_fails_at_once_leaves_all_as_it_was(tmp_path: Path, below: InFile, release: Release) -> None:
    release.brings(BROKEN, WORKS)
    with pytest.raises(LedgerMigrationFailed, match=rf"{ONE:04}_more.sql: .*; \S+ is as it was, at schema {NEWEST}"):
        migrate(below.database)
    assert names(tmp_path) == ["ledger.sqlite3"]
    assert facts(below.database) == [("the first",)]


def test_after_a_later_one_failed_the_first_copy_stays_and_can_be_put_back(
    tmp_path: Path, below: InFile, release: Release
) -> None:
    release.brings(WORKS, BROKEN)
    copy = tmp_path / f"ledger.sqlite3.before-{TWO:04}"
    for _ in range(2):  # trying again makes no heap of copies
        with pytest.raises(LedgerMigrationFailed, match=f"is at schema {ONE}; as it was|is as it was, at schema {ONE}"):
            migrate(below.database)
        assert names(tmp_path) == ["ledger.sqlite3", copy.name]
    restore(below.database, copy, lambda _: None)
    assert "more" not in below.tables()
    assert check_up(below.database).version == NEWEST


def test_a_migration_that_somebody_holds_up_is_worth_another_start(
    tmp_path: Path, below: InFile, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    release.brings(WORKS)
    with monkeypatch.context() as patch, closing(sqlite3.connect(below.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        little_room(patch)  # each such start would else copy all of it first
        with pytest.raises(
            LedgerHeld, match=r"nothing of this was kept\. .*ledger.sqlite3: database is locked"
        ) as caught:
            migrate(below.database)
    assert caught.value.passes
    assert names(tmp_path) == ["ledger.sqlite3"]
    assert migrate(below.database) == ONE


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_starts_that_are_killed_while_they_migrate_make_one_copy(
    tmp_path: Path, below: InFile, release: Release, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    """And need room for one: where there is none for a second they would all be refused from then on."""

    def be_killed(*_: object) -> None:
        raise KeyboardInterrupt

    below.sql(f"PRAGMA journal_mode = {journal}")
    below.sql("INSERT INTO facts VALUES ('then', ?)", "x" * 5_000_000)
    release.brings(WORKS)
    copy = tmp_path / f"ledger.sqlite3.before-{ONE:04}"
    with monkeypatch.context() as patch:
        patch.setattr("bot.ledger.sqlite.migrate.apply", be_killed)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                migrate(below.database)
            little_room(patch)
            age(copy, SET_ASIDE_DAYS + 1)
    before = copy.read_bytes()
    with monkeypatch.context() as patch:
        little_room(patch)
        assert migrate(below.database) == ONE
    assert names(tmp_path) == ["ledger.sqlite3", copy.name]
    assert copy.read_bytes() == before
    assert time.time() - copy.stat().st_mtime < DAY  # its month begins with the upgrade


def test_a_copy_of_another_content_does_not_serve(
    tmp_path: Path, below: InFile, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    release.brings(WORKS)
    below.sql("PRAGMA journal_mode = WAL")
    copy = tmp_path / f"ledger.sqlite3.before-{ONE:04}"
    backup(below.database, copy)
    below.sql("UPDATE facts SET value = 'the other'")
    with monkeypatch.context() as patch:
        little_room(patch)
        with pytest.raises(LedgerShortOfSpace):
            migrate(below.database)
    assert migrate(below.database) == ONE
    assert facts(copy) == [("the first",)]
    assert facts(tmp_path / f"{copy.name}-2") == [("the other",)]


def test_a_copy_that_was_made_before_is_not_overwritten(tmp_path: Path, below: InFile, release: Release) -> None:
    release.brings(WORKS)
    migrate(below.database)
    first = tmp_path / f"ledger.sqlite3.before-{ONE:04}"
    restore(below.database, first, lambda _: None)
    below.sql("INSERT INTO facts VALUES ('then', 'the second')")
    migrate(below.database)
    assert facts(first) == [("the first",)]
    assert facts(tmp_path / f"{first.name}-2") == [("the first",), ("the second",)]


def test_no_migration_without_room_for_the_copy(
    tmp_path: Path, below: InFile, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    release.brings(WORKS)
    with monkeypatch.context() as patch:
        little_room(patch)
        with pytest.raises(LedgerShortOfSpace, match=r"it takes 0\.\d MB, and 0\.0 MB are free"):
            migrate(below.database)
    assert names(tmp_path) == ["ledger.sqlite3"]
    (tmp_path / f".ledger.sqlite3.before-{ONE:04}.x7.half").write_bytes(b"of a process that was killed")
    assert migrate(below.database) == ONE
    assert names(tmp_path) == ["ledger.sqlite3", f"ledger.sqlite3.before-{ONE:04}"]


async def test_what_was_set_aside_is_removed_after_a_month_and_nothing_else(tmp_path: Path, below: InFile) -> None:
    passing = ["before-0017", "before-0018-2", "before-0018-wal", "replaced-20261130T120000Z"]
    (tmp_path / ".ledger.sqlite3.swp").touch()
    age(tmp_path / ".ledger.sqlite3.swp", 99)
    lasting = ["before-tuesday", "before-0017.mine", "bak", "before-00171", "replaced-by-me"]
    for name in [*passing, *lasting]:
        (tmp_path / f"ledger.sqlite3.{name}").touch()
        age(tmp_path / f"ledger.sqlite3.{name}", SET_ASIDE_DAYS + 1)
    (tmp_path / ".ledger.sqlite3.before-0019.abc.half").touch()  # half a copy, of a process that was killed
    age(tmp_path / ".ledger.sqlite3.before-0019.abc.half", 1)
    (tmp_path / "ledger.sqlite3.before-0019").touch()
    age(tmp_path / "ledger.sqlite3.before-0019", SET_ASIDE_DAYS - 1)
    async with Ledger.open(below.database) as ledger:
        await ledger.give_back()
    assert [name for name in names(tmp_path) if name != "ledger.sqlite3"] == [
        ".ledger.sqlite3.swp",
        *sorted(f"ledger.sqlite3.{name}" for name in [*lasting, "before-0019"]),
    ]


async def test_a_ledger_of_any_name_has_its_copies_removed_in_time(tmp_path: Path) -> None:
    """A name is no pattern: this one would match nothing of its own, and that of another."""
    path = tmp_path / "ledger[ab].sqlite3"
    migrate(path)
    others = ["ledgera.sqlite3.before-0019", ".ledgera.sqlite3.before-0019.x.half"]
    for name in [*others, *(name.replace("a.", "[ab].", 1) for name in others)]:
        (tmp_path / name).touch()
        age(tmp_path / name, SET_ASIDE_DAYS + 1)
    async with Ledger.open(path) as ledger:
        await ledger.give_back()
    assert [name for name in names(tmp_path) if not name.endswith(".lock")] == sorted([*others, path.name])


# Backups ------------------------------------------------------------------------------------------------------------


def test_a_backup_is_of_one_moment_whatever_is_written_meanwhile(
    tmp_path: Path, below: InFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer after each step: SQLite would begin the copy anew each time, and it would never end."""
    monkeypatch.setattr(copying, "_PAGES", 10)
    written: list[int] = []
    with closing(sqlite3.connect(below.database, isolation_level=None)) as bot:
        bot.execute("PRAGMA journal_mode = WAL")

        class Writing(copying.ProgressBar):
            def show(self, done: int) -> None:
                bot.execute("INSERT INTO facts VALUES (?, 'later')", (f"{len(written)}",))
                written.append(done)

        monkeypatch.setattr(copying, "ProgressBar", Writing)
        backup(below.database, tmp_path / "copy")
    assert written == sorted(written)
    assert len(written) > 5
    assert facts(tmp_path / "copy") == [("the first",)]
    assert names(tmp_path) == ["copy", "ledger.sqlite3"]


def test_copies_in_a_folder_take_turns_and_nothing_else_is_touched(tmp_path: Path, below: InFile) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    mine = ["ledger.sqlite3", "ledger-20260101.sqlite3", "ledger-20260101T000000Z.sqlite3.bak", "notes"]
    old = [f"ledger-2026010{n}T000000Z.sqlite3" for n in range(1, 6)]
    for name in [*mine, *old]:
        (folder / name).write_text("kept")
    left = folder / ".ledger-20260105T000000Z.sqlite3.abc.half"
    left.write_text("half, of a process that was killed")
    age(left, 1)
    copy, removed = backup_into(below.database, folder, 3)
    assert [file.name for file in removed] == old[:3]
    assert names(folder) == sorted([*mine, *old[3:], copy.name])
    assert facts(copy) == [("the first",)]
    assert stat.filemode(copy.stat().st_mode) == "-rw-------"


@pytest.mark.skipif(os.name != "posix", reason="links need no right there")
@pytest.mark.parametrize("linked", [False, True])
def test_a_ledger_that_is_named_like_a_copy_is_none(tmp_path: Path, below: InFile, linked: bool) -> None:
    """As whoever has it who put a copy in use where it was."""
    named = tmp_path / "ledger-20260101T000000Z.sqlite3"
    if linked:
        named.symlink_to(below.database)
        (tmp_path / "ledger-20260102T000000Z.sqlite3").hardlink_to(below.database)
    else:
        below.database.rename(named)
    before = names(tmp_path)
    with closing(sqlite3.connect(named, isolation_level=None)) as bot:
        bot.execute("PRAGMA journal_mode = WAL")
        bot.execute("INSERT INTO facts VALUES ('then', 'the second')")
        copy, removed = backup_into(named, tmp_path, 1)
    assert removed == []
    assert names(tmp_path) == sorted([*before, copy.name])
    assert facts(named) == facts(copy) == [("the first",), ("the second",)]


def test_old_copies_that_cannot_be_removed_are_told(tmp_path: Path, below: InFile) -> None:
    """And all others go: copies that no command removes any more would fill the disk."""
    old = [tmp_path / f"ledger-2026010{n}T000000Z.sqlite3" for n in range(1, 5)]
    for number, file in enumerate(old):
        file.mkdir() if number in (0, 2) else file.touch()
    said = rf"is complete, but an old one cannot be removed.*; {old[0]}: [^;]+; {old[2]}: "
    with pytest.raises(LedgerCopyStays, match=said):
        backup_into(below.database, tmp_path, 1)
    left = [name for name in names(tmp_path) if name.startswith("ledger-")]
    assert left[:2] == [old[0].name, old[2].name]
    assert len(left) == 3


def test_the_newest_stays_whatever_the_clock_said(tmp_path: Path, below: InFile) -> None:
    (tmp_path / "ledger-29990101T000000Z.sqlite3").write_text("of a clock that ran ahead")
    copy, removed = backup_into(below.database, tmp_path, 1)
    assert [file.name for file in removed] == ["ledger-29990101T000000Z.sqlite3"]
    assert facts(copy) == [("the first",)]


def test_a_backup_that_fails_leaves_nothing_and_removes_nothing(
    tmp_path: Path, below: InFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copies"
    with pytest.raises(LedgerCopyUnwritable, match="there is no such folder"):
        backup_into(below.database, folder, 1)
    folder.mkdir()
    (folder / "ledger-20260101T000000Z.sqlite3").touch()
    with monkeypatch.context() as patch:
        little_room(patch)
        with pytest.raises(LedgerShortOfSpace, match=re.escape(f"({folder}: it takes")):
            backup_into(below.database, folder, 1)
    damaged = tmp_path / "damaged.sqlite3"
    content = bytearray(below.database.read_bytes())
    content[4096 * 3 : 4096 * 12] = b"\xff" * 4096 * 9
    damaged.write_bytes(content)
    with pytest.raises(LedgerUnreadable):
        backup_into(damaged, folder, 1)
    assert names(folder) == ["ledger-20260101T000000Z.sqlite3"]


# Restoring ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path, below: InFile) -> Path:
    """A backup of the ledger, which has gone on since, and was left with a journal."""
    made = tmp_path / "copy"
    backup(below.database, made)
    below.sql("UPDATE facts SET value = 'the second'")
    return made


def leave_with_a_journal(path: Path) -> None:
    """Write to a ledger as a bot does that is killed before it has emptied its journal."""
    other = path.with_name("other")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;")
        db.execute("UPDATE facts SET value = 'the third'")
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{other}{suffix}")
    for suffix in ("", "-wal"):
        os.replace(f"{other}{suffix}", f"{path}{suffix}")


@pytest.mark.parametrize("damaged", [False, True])
def test_what_is_replaced_stays_whole_beside_the_ledger(
    tmp_path: Path, below: InFile, copy: Path, damaged: bool
) -> None:
    leave_with_a_journal(below.database)
    if damaged:
        below.database.write_bytes(b"not a database any more" * 999)
    age(below.database, SET_ASIDE_DAYS * 2)
    before = {file.name for file in tmp_path.iterdir()}
    done = restore(below.database, copy, lambda _: None)
    assert done.replaced
    assert facts(below.database) == [("the first",)]
    added = {file.name for file in tmp_path.iterdir()} - before
    assert {name for name in added if not name.endswith("-shm")} == {
        done.replaced.name,
        *([f"{done.replaced.name}-wal"] if damaged else []),  # nobody could carry it over
    }
    assert not damaged or not (tmp_path / "ledger.sqlite3-wal").exists()
    assert all(time.time() - (tmp_path / name).stat().st_mtime < DAY for name in added)
    assert damaged or facts(done.replaced) == [("the third",)]


@pytest.mark.parametrize("emptied", [False, True])  # as the command does, which locks it first
def test_the_journal_of_a_ledger_that_is_lost_does_not_get_into_the_new_one(
    tmp_path: Path, below: InFile, copy: Path, emptied: bool
) -> None:
    """SQLite would carry it over: it looks at a journal's name, not at whose it is."""
    leave_with_a_journal(below.database)
    below.database.unlink()
    if emptied:
        below.database.touch()
    done = restore(below.database, copy, lambda _: None)
    assert facts(below.database) == [("the first",)]
    assert done.replaced
    assert (tmp_path / f"{done.replaced.name}-wal").stat().st_size
    assert not (tmp_path / "ledger.sqlite3-wal").exists()


def test_a_copy_that_is_refused_leaves_the_ledger_alone(tmp_path: Path, below: InFile, copy: Path) -> None:
    newer, foreign, torn = tmp_path / "newer", tmp_path / "foreign", tmp_path / "torn"
    shutil.copy(copy, newer)
    InFile(newer).sql("INSERT INTO schema_version VALUES (999, 'some day')")
    InFile(foreign).sql("CREATE TABLE recipes (name TEXT)")
    torn.write_bytes(copy.read_bytes()[:20_000])
    (tmp_path / "empty").touch()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def refuse(_: Checkup) -> None:
        raise KeyError

    for name, error in {
        "newer": LedgerTooNew,
        "foreign": LedgerUnreadable,
        "torn": LedgerUnreadable,
        "empty": LedgerUnreadable,
        "nowhere": LedgerUnreadable,
        "ledger.sqlite3": LedgerUnreadable,
        "copy": KeyError,
    }.items():
        with pytest.raises(error):
            restore(below.database, tmp_path / name, refuse)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.skipif(os.name != "posix", reason="links need no right there")
def test_a_link_to_a_ledger_stays_one(tmp_path: Path, below: InFile, copy: Path) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    link = elsewhere / "ledger.sqlite3"
    link.symlink_to(below.database)
    done = restore(link, copy, lambda _: None)
    assert done.replaced
    assert link.is_symlink()
    assert done.replaced.parent == tmp_path
    assert facts(below.database) == facts(link) == [("the first",)]


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes are meant")
def test_the_mode_of_what_is_replaced_stays(below: InFile, copy: Path) -> None:
    below.database.chmod(0o640)
    done = restore(below.database, copy, lambda _: None)
    assert stat.filemode(below.database.stat().st_mode) == "-rw-r-----"
    below.database.unlink()
    assert done.replaced
    done.replaced.unlink()
    assert restore(below.database, copy, lambda _: None).replaced is None  # there is nothing to put aside
    assert stat.filemode(below.database.stat().st_mode) == "-rw-------"
