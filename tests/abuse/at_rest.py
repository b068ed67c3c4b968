"""Attacks on what lies on the disk."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.ledger import migrate, only_process
from tests.abuse import Outcome, attack

_IN_USE, _REFUSED_SETTING = 1, 2


def _bot(command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of another bot's."""
    env = {**os.environ, **settings}
    return subprocess.run([sys.executable, "-m", "bot", command], env=env, capture_output=True, text=True, check=False)


def _migrates(ledger: Path) -> int:
    """Return how another bot's command on a ledger ends."""
    return _bot("migrate", DATABASE_URL=f"sqlite:///{ledger}").returncode


@attack("a second process by a symlink, a hard link, a deleted lock", before="let in", bound="refused (exit 1)")
async def second_process() -> Outcome:
    """Hold a ledger, and open it by other names."""
    with TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.sqlite3"
        with only_process(ledger):
            migrate(ledger)
            (Path(folder) / "symlink").symlink_to(ledger)
            (Path(folder) / "hard").hardlink_to(ledger)
            ended = [_migrates(Path(folder) / "symlink"), _migrates(Path(folder) / "hard")]
            ledger.with_name("ledger.sqlite3.lock").unlink()
            ended.append(_migrates(ledger))
    return Outcome(f"exit codes {ended}", ended == [_IN_USE] * 3)


@attack("read or hold the ledger as another user", before="folder 0755, lock 0644", bound="folder 0700, files 0600")
async def modes() -> Outcome:
    """Make a ledger under the widest mask."""
    mask = os.umask(0)
    try:
        with TemporaryDirectory() as folder:
            ledger = Path(folder) / "data" / "ledger.sqlite3"
            with only_process(ledger):
                migrate(ledger)
                found = {path.name: path.stat().st_mode & 0o777 for path in (ledger.parent, *ledger.parent.iterdir())}
    finally:
        os.umask(mask)
    return Outcome(
        ", ".join(f"{name} {mode:04o}" for name, mode in found.items()), not any(m & 0o077 for m in found.values())
    )


@attack("an all-zero encryption key", before="taken without a word", bound="refused (exit 2)")
async def weak_key() -> Outcome:
    """Rotate to a key that anybody knows."""
    with TemporaryDirectory() as folder:
        ended = _bot("rotate-keys", DATA_DIR=folder, ENCRYPTION_KEYS=base64.b64encode(bytes(32)).decode())
    held = ended.returncode == _REFUSED_SETTING and "can be guessed" in ended.stderr
    return Outcome(f"exit code {ended.returncode}", held)
