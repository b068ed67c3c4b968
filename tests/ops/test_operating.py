"""The operator's guide: every block of it is a script that a shell can read, and what this machine can do is done."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.rules.sources import ROOT
from tests.sealed import PRETENDED
from tests.test_command_line import seal_a_key

GUIDE = (ROOT / "docs/operating.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
FILE = "ledger-20261130T030000Z.sqlite3"
"""What the guide calls a backup."""
STUBS = {
    "sudo": 'exec "$@"',
    "notpanel-bot": f'cd "{ROOT}" && exec "{sys.executable}" -m bot "$@"',
    "systemctl": 'echo "$@" >> "$TOLD"\n'
    'case "$*" in *start\\ notpanel-bot-backup*) notpanel-bot backup --into "$BACKUPS";; esac',
    "git": 'echo "git $@" >> "$TOLD"',
    "make": 'echo "make $@" >> "$TOLD"',
}
"""The outside: who becomes root, starts and stops, and fetches a release. All else is what any machine has."""


def block(beginning: str) -> str:
    """Return the block of the guide that has a line which begins so."""
    (found,) = [one for one in BLOCKS if re.search(rf"^{re.escape(beginning)}", one, re.MULTILINE)]
    return found


@pytest.mark.parametrize("script", BLOCKS, ids=[one.split("\n")[0][:50] for one in BLOCKS])
def test_each_block_is_a_script(script: str) -> None:
    read = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    for named in re.findall(r"/opt/notpanel-bot/(deploy/[\w.*-]+)", script):
        assert list(ROOT.glob(named)), named


class Machine:
    """Folders in the place of /etc, /opt and /var, with a ledger in them."""

    def __init__(self, root: Path) -> None:
        self.data, self.backups, self.told = root / "data", root / "backups", root / "told"
        self.sealed = [(seal_a_key(self.data),)]
        for folder in ("bin", "backups", "home", "secrets", "units", "sbin"):
            (root / folder).mkdir()
        for name, text in STUBS.items():
            (root / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (root / "bin" / name).chmod(0o755)
        self.places = {
            "/var/lib/notpanel-bot-backups": str(self.backups),
            "/var/lib/notpanel-bot": str(self.data),
            "-o notpanel-bot -g notpanel-bot": "",
            "/opt/notpanel-bot": str(ROOT),
            "/etc/systemd/system/": f"{root / 'units'}/",
            "/usr/local/sbin/": f"{root / 'sbin'}/",
        }
        self.environment = {
            "PATH": f"{root / 'bin'}:{os.environ['PATH']}",
            "HOME": str(root / "home"),
            "TOLD": str(self.told),
            "BACKUPS": str(self.backups),
            "DATA_DIR": str(self.data),
            "DISCORD_TOKEN": PRETENDED,
        }

    def play(self, script: str, **places: str) -> str:
        """Run a block here and return what it printed; `places`: what to say in the place of the guide's examples."""
        for named, here in {**self.places, **places}.items():
            script = script.replace(named, here)
        done = subprocess.run(
            ["bash", "-e"],
            input=script,
            cwd=self.data.parent,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def keys(self) -> list[tuple[bytes]]:
        """Return the API keys as they are stored."""
        with closing(sqlite3.connect(self.data / "ledger.sqlite3")) as ledger:
            return ledger.execute("SELECT key_sealed FROM accounts").fetchall()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a stopped bot."""
    (tmp_path / "data").mkdir()
    return Machine(tmp_path)


def test_upgrading_and_going_back(machine: Machine) -> None:
    printed = machine.play(block("sudo git -C /opt/notpanel-bot rev-parse HEAD"))
    assert "schema" in printed
    assert len(list(machine.backups.iterdir())) == 1
    told = machine.told.read_text().splitlines()
    assert told[0] == "stop notpanel-bot"
    assert told[-1] == "start notpanel-bot"
    assert (machine.data.parent / "units/notpanel-bot.service").exists()
    shutil.copy(machine.data / "ledger.sqlite3", machine.data / "ledger.sqlite3.before-0019")
    printed = machine.play(block("sudo git -C /opt/notpanel-bot reset"))
    assert "is in place of" in printed
    assert machine.keys() == machine.sealed


def test_restoring(machine: Machine) -> None:
    machine.play("sudo systemctl start notpanel-bot-backup")
    (copy,) = machine.backups.iterdir()
    with closing(sqlite3.connect(machine.data / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("DELETE FROM accounts")
    script = block("sudo notpanel-bot restore /var/lib/notpanel-bot-backups").replace("notpanel-bot doctor", "true")
    assert "is in place of" in machine.play(script, **{FILE: copy.name})
    assert machine.keys() == machine.sealed


def test_rotating_copying_and_putting_back_the_encryption_key(machine: Machine) -> None:
    rotate, put_back = block("sudo systemctl stop notpanel-bot && sudo"), block("sudo install -m 0600 -o notpanel-bot")
    (copy_out,) = re.findall(r"`(sudo install -m 0400 [^`]+)`", GUIDE)
    assert "1 secrets sealed" in machine.play(rotate.splitlines()[0])
    machine.play(copy_out)
    rotated = machine.keys()
    assert rotated != machine.sealed
    (machine.data / "encryption.keys").unlink()
    machine.play(put_back.splitlines()[0])
    assert machine.play("notpanel-bot rotate-keys").startswith("1 secrets")
    assert (machine.data / "encryption.keys").stat().st_mode & 0o777 == 0o600


def test_erasing_a_person(machine: Machine) -> None:
    with closing(sqlite3.connect(machine.data / "ledger.sqlite3")) as ledger:
        ((user,),) = ledger.execute("SELECT user_id FROM accounts").fetchall()
    script = block("sudo notpanel-bot forget")
    machine.play(script, **{"forget 123456789012345678": f"forget --yes {user}"})
    assert machine.keys() == []


def test_the_secrets_of_compose(machine: Machine) -> None:
    script = block("openssl rand -hex 24 > postgres_password").replace(
        "cat > discord_token", "echo token > discord_token"
    )
    machine.play(script)
    folder = machine.data.parent / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name for file in folder.iterdir()} == {
        "discord_token", "postgres_password", "ledger_password", "database_url"
    }  # fmt: skip
    assert all(file.stat().st_mode & 0o777 == 0o644 for file in folder.iterdir())
    password = (folder / "ledger_password").read_text().strip()
    assert (
        folder / "database_url"
    ).read_text() == f"postgresql://notpanel:{password}@postgres/notpanel?sslmode=disable\n"
