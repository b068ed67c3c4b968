"""The command line as an operator uses it: clear messages, exit codes, nothing overwritten."""

import asyncio
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import httpx
import pytest

from bot.ledger import Ledger, LedgerShortOfSpace, compact, migrate, only_process
from bot.ledger.schema import migrations
from bot.vault import Purpose, open_vault
from tests.sealed import PRETENDED, SECRET, seal_a_key, settings
from tests.story import ROOT


def run(
    folder: Path, *arguments: str, before: Callable[[], None] | None = None, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of the bot with its data in a folder; `before` is done in the new process first."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        preexec_fn=before,
        cwd=cwd,
        # A process that may write no large files would leave half of its bytecode behind.
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "DATA_DIR": str(folder), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_token_it_says_where_to_put_one(tmp_path: Path) -> None:
    ended = run(tmp_path, DISCORD_TOKEN="")
    assert ended.returncode == 2
    assert "DISCORD_TOKEN is not set" in ended.stderr


AS_THE_IMAGES_USER = """
import os, sys
from bot.cli import main  # now: Python itself may be where that user cannot go
os.setgroups([]), os.setgid(10001), os.setuid(10001)
sys.exit(main(["migrate"]))
"""


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
def test_a_secret_file_that_the_bots_user_may_not_read_is_named_with_its_mode_and_what_to_do() -> None:
    with TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        secret = folder / "discord_token"
        secret.write_text("hunter2")
        secret.chmod(0o600)
        environment = {"PATH": os.environ["PATH"], "DATA_DIR": name, "CREDENTIALS_DIRECTORY": name}
        command = [sys.executable, "-c", AS_THE_IMAGES_USER]
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith(
        f"error: {secret} can't be read: it belongs to user 0 with mode 0600, and the bot runs as user 10001. "
        "Give it to that user (chown 10001 FILE, as root)"
    )
    assert len(ended.stderr.splitlines()) == 1
    assert "hunter2" not in ended.stderr


def test_a_first_start_is_told_of_the_example_and_of_names_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    ended = run(tmp_path, cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert ended.returncode == 2
    assert f"There is no .env in {tmp_path}: cp .env.example .env" in ended.stderr
    (tmp_path / ".env").write_text("DISCORD_TOKN=hunter2\n")
    ended = run(tmp_path, cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert ended.returncode == 2
    assert "line 1 is ignored: DISCORD_TOKN is no setting (did you mean DISCORD_TOKEN?)" in ended.stderr
    assert "cp .env.example" not in ended.stderr
    assert "hunter2" not in ended.stderr


def test_what_is_no_token_is_told_before_anything_is_made(tmp_path: Path) -> None:
    ended = run(tmp_path, DISCORD_TOKEN="1" * 19)
    assert ended.returncode == 2
    assert "that looks like the Application ID" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    ended = run(tmp_path, "migrate", CONFIRM_ABOVE="many")
    assert ended.returncode == 2
    assert "CONFIRM_ABOVE" in ended.stderr


def test_a_ledger_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    migrate(ledger)
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("INSERT INTO schema_version VALUES (9999, 'later')")
    before = ledger.read_bytes()
    ended = run(tmp_path, "migrate")
    assert ended.returncode == 3
    assert "newer release" in ended.stderr
    assert ledger.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes are meant")
def test_nobody_else_may_read_what_the_first_start_makes(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    for name in ("ledger.sqlite3", "encryption.keys"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_what_is_no_ledger_is_left_alone(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    ledger.write_text("these are my notes, not a database; " * 100)
    ended = run(tmp_path, DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 3
    assert "nothing was changed" in ended.stderr
    assert ledger.read_text().startswith("these are my notes")


def test_a_corrupt_key_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "encryption.keys").write_text("not base64 at all\n")
    ended = run(tmp_path, DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 4
    assert "encryption.keys" in ended.stderr
    assert (tmp_path / "encryption.keys").read_text() == "not base64 at all\n"


def test_a_second_process_on_the_same_ledger_is_refused(tmp_path: Path) -> None:
    with only_process(tmp_path / "ledger.sqlite3"):
        ended = run(tmp_path, "migrate")
    assert ended.returncode == 1
    assert "Another process is using this ledger" in ended.stderr


def test_a_missing_key_file_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    (tmp_path / "encryption.keys").unlink()
    for command in ("run", "rotate-keys"):
        ended = run(tmp_path, command, DISCORD_TOKEN=PRETENDED)
        assert ended.returncode == 4
        assert "The key file is gone" in ended.stderr
    assert not (tmp_path / "encryption.keys").exists()


def test_secrets_sealed_with_another_key_stop_the_start(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    (tmp_path / "encryption.keys").unlink()
    open_vault(settings(tmp_path))
    ended = run(tmp_path, DISCORD_TOKEN=PRETENDED)
    assert ended.returncode == 4
    assert "1 of 1 API keys" in ended.stderr


def test_a_ledger_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").mkdir()
    ended = run(tmp_path, "migrate")
    assert ended.returncode == 3
    assert "ledger.sqlite3" in ended.stderr


def test_a_backup_is_complete_private_and_restores(tmp_path: Path) -> None:
    sealed = seal_a_key(tmp_path)
    copy = tmp_path / "copy.sqlite3"
    assert run(tmp_path, "backup", str(copy)).returncode == 0
    assert copy.stat().st_mode & 0o077 == 0
    (tmp_path / "ledger.sqlite3").unlink()
    copy.rename(tmp_path / "ledger.sqlite3")
    assert run(tmp_path, "migrate").returncode == 0
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection, connection:
        assert connection.execute("SELECT key_sealed FROM accounts").fetchone() == (sealed,)


def test_a_backup_overwrites_nothing_and_leaves_no_half(tmp_path: Path) -> None:
    migrate(tmp_path / "ledger.sqlite3")
    (tmp_path / "mine").write_text("precious")
    ended = run(tmp_path, "backup", str(tmp_path / "mine"))
    assert ended.returncode == 3
    assert "The copy cannot be written" in ended.stderr
    assert (tmp_path / "mine").read_text() == "precious"
    (tmp_path / "ledger.sqlite3").write_text("not a database, but long enough to be taken for one" * 20)
    ended = run(tmp_path, "backup", str(tmp_path / "copy"))
    assert ended.returncode == 3
    assert not (tmp_path / "copy").exists()


def test_copies_take_turns_in_a_folder(tmp_path: Path) -> None:
    migrate(tmp_path / "ledger.sqlite3")
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies/ledger-20260101T000000Z.sqlite3").touch()
    ended = run(tmp_path, "backup", "--into", str(tmp_path / "copies"), "--keep", "1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "ledger-20260101T000000Z.sqlite3: removed; the newest 1 stay" in ended.stdout
    (copy,) = (tmp_path / "copies").iterdir()
    assert f"{copy}: complete" in ended.stdout
    for wrong in (["--keep", "0", "--into", str(tmp_path)], [], ["copy", "--into", str(tmp_path)]):
        assert run(tmp_path, "backup", *wrong).returncode == 2


def test_a_backup_is_restored_with_what_was_there_put_aside(tmp_path: Path) -> None:
    sealed = seal_a_key(tmp_path)
    copy = tmp_path / "copy.sqlite3"
    assert run(tmp_path, "backup", str(copy)).returncode == 0
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection, connection:
        connection.execute("DELETE FROM accounts")
    with only_process(tmp_path / "ledger.sqlite3"):
        ended = run(tmp_path, "restore", str(copy))
        assert (ended.returncode, "Stop that process first" in ended.stderr) == (1, True)
    ended = run(tmp_path, "restore", str(copy))
    assert (ended.returncode, ended.stderr) == (0, "")
    (aside,) = tmp_path.glob("ledger.sqlite3.replaced-*Z")
    for said in (f"What was there is {aside}", "ask the doctor, and start the bot", "are unknown to it"):
        assert said in ended.stdout
    for ledger, kept in ((tmp_path / "ledger.sqlite3", [(sealed,)]), (aside, [])):
        with closing(sqlite3.connect(ledger)) as connection:
            assert connection.execute("SELECT key_sealed FROM accounts").fetchall() == kept


def test_a_person_is_erased_by_the_operator(tmp_path: Path) -> None:
    seal_a_key(tmp_path)

    def users() -> list[tuple[int]]:
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection:
            return connection.execute("SELECT user_id FROM accounts").fetchall()

    ((user,),) = users()
    for words, why in (([str(user + 1), "--yes"], "nothing is stored"), ([str(user)], "nobody has typed yes")):
        ended = run(tmp_path, "forget", *words)
        assert (ended.returncode, f"nothing was erased: {why}" in ended.stderr) == (1, True)
        assert users() == [(user,)]
    with only_process(tmp_path / "ledger.sqlite3"):
        assert run(tmp_path, "forget", str(user), "--yes").returncode == 1
    ended = run(tmp_path, "forget", str(user), "--yes")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"User {user}: 1 keys, 0 requests, 0 orders, 0 of them open.\nErased.\n" in ended.stdout
    assert "Backups" in ended.stdout
    assert users() == []


async def test_an_erasure_that_was_broken_off_goes_on_to_its_end(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    async with Ledger.open(tmp_path / "ledger.sqlite3") as ledger, ledger.write() as tx:
        assert await tx.begin_erasure(7)
    ended = await asyncio.to_thread(run, tmp_path, "forget", "7")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "User 7 was being erased, which was broken off: the rest goes now.\nErased.\n" in ended.stdout
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection:
        for table in ("accounts", "erasures"):
            assert connection.execute(f"SELECT * FROM {table}").fetchall() == []
    assert "nothing is stored" in (await asyncio.to_thread(run, tmp_path, "forget", "7")).stderr


def test_a_backup_whose_keys_do_not_open_is_not_restored(tmp_path: Path) -> None:
    seal_a_key(tmp_path)
    copy = tmp_path / "copy.sqlite3"
    assert run(tmp_path, "backup", str(copy)).returncode == 0
    before = (tmp_path / "ledger.sqlite3").read_bytes()
    (tmp_path / "encryption.keys").unlink()
    for _ in range(2):
        ended = run(tmp_path, "restore", str(copy))
        assert ended.returncode == 4
        assert "put it into ENCRYPTION_KEYS or the key file. (1 of 1 API keys)" in ended.stderr
        assert (tmp_path / "ledger.sqlite3").read_bytes() == before
        open_vault(settings(tmp_path))  # another key than the one that is lost


def test_a_ledger_in_postgresql_is_copied_and_restored_by_its_own_tools(tmp_path: Path) -> None:
    url = "postgresql://bot@/ledger?host=/nowhere"
    for command, says in ((("backup", "copy"), "pg_dump"), (("restore", "copy"), "pg_restore")):
        ended = run(tmp_path, *command, DATABASE_URL=url)
        assert (ended.returncode, says in ended.stderr, "docs/operating.md" in ended.stderr) == (2, True, True)


def test_rotating_seals_everything_anew_and_forgets_nothing(tmp_path: Path) -> None:
    old = seal_a_key(tmp_path)
    ended = run(tmp_path, "rotate-keys")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "1 secrets sealed" in ended.stdout
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection, connection:
        (new,) = connection.execute("SELECT key_sealed FROM accounts").fetchone()
    vault = open_vault(settings(tmp_path))
    assert new != old
    assert vault.is_newest(new)
    assert not vault.is_newest(old)
    assert vault.open(Purpose.PANEL_KEY, 7, old, 1).get_secret_value() == SECRET  # a backup from before still opens
    assert vault.open(Purpose.PANEL_KEY, 7, new, 1, 0).get_secret_value() == SECRET


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_the_simulated_panel_serves_on_a_port() -> None:
    arguments = [sys.executable, "-m", "bot", "demo", "--panel-only"]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        text = "".join(iter(process.stdout.readline, "\n"))
        (url,) = re.findall(r"http://127\S+", text)
        key = "demo-key-not-a-real-one-2468"
        answer = httpx.post(url, data={"key": key, "action": "balance"})
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert answer.json() == {"balance": "47.32", "currency": "USD"}
    assert process.returncode == 0


def old_ledger(folder: Path) -> Path:
    """Make a ledger as 0.1.0 did, whose file never shrinks, with much unused room."""
    ledger = folder / "ledger.sqlite3"
    ledger.touch(mode=0o600)
    with closing(sqlite3.connect(ledger)) as connection:
        connection.executescript("PRAGMA auto_vacuum = NONE; CREATE TABLE begun (x); DROP TABLE begun;")
    seal_a_key(folder)
    with closing(sqlite3.connect(ledger)) as connection:
        connection.executescript(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
            "INSERT INTO facts SELECT 'n' || i, printf('%.4000c', 'x') FROM n; DELETE FROM facts WHERE name LIKE 'n%';"
        )
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    return ledger


def test_compacting_gives_an_old_ledgers_room_back_and_keeps_all_of_it(tmp_path: Path) -> None:
    ledger = old_ledger(tmp_path)
    before = ledger.stat().st_size
    ended = run(tmp_path, "compact")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.search(r"[\d.]+ MB before, [\d.]+ MB now", ended.stdout)
    assert ledger.stat().st_size < before - 1_900_000
    assert ledger.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "encryption.keys",
        "ledger.sqlite3",
        "ledger.sqlite3.lock",
    ]
    with closing(sqlite3.connect(ledger)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT COUNT(*) FROM accounts").fetchone() == (1,)


def test_compacting_changes_nothing_while_a_bot_runs_or_another_program_writes(tmp_path: Path) -> None:
    ledger = old_ledger(tmp_path)
    before = ledger.read_bytes()
    with only_process(ledger):
        ended = run(tmp_path, "compact")
        assert ended.returncode == 1
        assert "Another process is using this ledger" in ended.stderr
    with closing(sqlite3.connect(ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = run(tmp_path, "compact")
        assert ended.returncode == 1
        assert "locks the ledger" in ended.stderr
    assert ledger.read_bytes() == before


def test_compacting_says_how_much_space_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = old_ledger(tmp_path)
    before = ledger.read_bytes()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    with pytest.raises(LedgerShortOfSpace, match=r"it takes 0\.\d MB, and 0\.1 MB are free"):
        compact(ledger)
    assert ledger.read_bytes() == before


def test_there_is_nothing_to_compact_without_a_ledger_in_a_file(tmp_path: Path) -> None:
    ended = run(tmp_path, "compact", DATABASE_URL="postgresql://bot@/ledger?host=/nowhere")
    assert ended.returncode == 2
    assert "VACUUM (FULL, ANALYZE)" in ended.stderr
    ended = run(tmp_path, "compact")
    assert ended.returncode == 3
    assert "there is no ledger in it yet" in ended.stderr


def test_each_migration_is_named_in_the_log(tmp_path: Path) -> None:
    ended = run(tmp_path, "migrate")
    assert ended.returncode == 0
    for _, name, _ in migrations("sqlite"):
        assert name in ended.stderr
    assert "left out" not in ended.stderr


def test_where_a_ledger_moves_to_is_what_the_command_line_says(tmp_path: Path) -> None:
    elsewhere = "postgresql://bot@127.0.0.1:1/{}"
    migrate(tmp_path / "ledger.sqlite3")
    ended = run(tmp_path, "move", "--to", elsewhere.format("named"), MOVE_TO=elsewhere.format("forgotten"))
    assert (ended.returncode, "database named on" in ended.stderr) == (1, True)
    ended = run(tmp_path, "move")  # nobody sits at a terminal
    assert (ended.returncode, "into MOVE_TO" in ended.stderr) == (2, True)
