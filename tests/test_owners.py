"""What root's commands write is the bot's: its user can go on with it, whatever the commands did."""

import os
from pathlib import Path

import pytest

from bot.ledger import migrate, only_process
from bot.ledger.schema import migrations
from tests.sealed import seal_a_key
from tests.test_command_line import run

BOT = 10_001
"""The user of the image."""

pytestmark = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can write for others; the tests run as somebody else"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder of the bot's, with a ledger and a key file."""
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    seal_a_key(made)
    for path in (made, *made.iterdir()):
        os.chown(path, BOT, BOT)
    return made


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    """Return whose the files of a folder are."""
    return {file.name: (file.stat().st_uid, file.stat().st_gid) for file in folder.iterdir()}


def as_root(folder: Path, *arguments: str) -> None:
    """Run a command as root on the bot's folder."""
    ended = run(folder, *arguments)
    assert ended.returncode == 0, ended.stderr


def test_a_first_start_of_roots_leaves_all_to_the_folders_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, BOT, BOT)
    as_root(tmp_path, "migrate")
    seal_a_key(tmp_path)  # which makes the key file, as root
    as_root(tmp_path, "rotate-keys")
    assert set(owners(tmp_path).values()) == {(BOT, BOT)}
    assert set(owners(tmp_path)) >= {"ledger.sqlite3", "ledger.sqlite3.lock", "encryption.keys"}


def test_whatever_root_does_the_bots_user_goes_on(folder: Path) -> None:
    copies = folder.parent / "copies"
    copies.mkdir()
    os.chown(copies, BOT, BOT)
    for command in (
        ("rotate-keys",),
        ("backup", str(folder / "copy")),
        ("backup", "--into", str(copies)),
        ("compact",),
        ("restore", str(folder / "copy")),
        ("migrate",),
    ):
        as_root(folder, *command)
        assert set(owners(folder).values()) == {(BOT, BOT)}, (command, owners(folder))
    assert set(owners(copies).values()) == {(BOT, BOT)}
    assert [name for name in owners(folder) if ".replaced-" in name]
    assert {"encryption.keys", "copy"} < set(owners(folder))


def test_a_copy_before_a_migration_is_the_bots(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = migrations("sqlite")
    more = [*known, (known[-1][0] + 1, "more.sql", "CREATE TABLE more (id INTEGER);")]
    monkeypatch.setattr("bot.ledger.schema.migrations", lambda _: more)
    with only_process(folder / "ledger.sqlite3"):
        migrate(folder / "ledger.sqlite3")
    assert len(owners(folder)) == 4
    assert set(owners(folder).values()) == {(BOT, BOT)}


def test_a_file_of_roots_is_not_given_away_by_a_link_in_the_bots_folder(folder: Path, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.touch(mode=0o600)
    for put in (os.symlink, os.link):
        put(private, folder / "ledger.sqlite3.lock")
        run(folder, "migrate")
        assert private.stat().st_uid == 0
        (folder / "ledger.sqlite3.lock").unlink()
