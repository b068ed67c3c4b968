"""A real pgbouncer between a test's ledger and its PostgreSQL: a process of the test's own, on a socket in a folder."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from tests.folders import in_memory
from tests.ledgers import InPostgres
from tests.postgres import user_to_run_as

_PORT = 6432
_WAIT = 20
"""Seconds for it to start."""


def pgbouncer() -> str:
    """Return the program; skip the test without it, and fail where everything has to be checked."""
    found = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        missing = "pgbouncer is not installed here (on Debian: apt-get install pgbouncer)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@contextmanager
def pooled(below: InPostgres, mode: str, *, server: Path | None = None, **settings: object) -> Generator[SecretStr]:
    """Yield a database's address behind a pooler of a mode, with more of its settings; `server`: another's folder."""
    program, user = pgbouncer(), user_to_run_as()
    folder = Path(mkdtemp(prefix="pool-", dir=in_memory()))
    lines = {
        "listen_addr": "",
        "listen_port": _PORT,
        "unix_socket_dir": folder,
        "auth_type": "trust",
        "auth_file": folder / "users",
        "pool_mode": mode,
        "logfile": folder / "log",
        **settings,
    }
    (folder / "users").write_text('"bot" ""\n"owner" ""\n')
    (folder / "ini").write_text(
        f"[databases]\n* = host={server or below.server.folder}\n[pgbouncer]\n"
        + "".join(f"{name} = {value}\n" for name, value in lines.items())
    )
    for path in (folder, *folder.iterdir()) if user else ():
        shutil.chown(path, user)
    process = subprocess.Popen([program, "-q", folder / "ini"], user=user, cwd="/", stdin=subprocess.DEVNULL)
    try:
        _wait_for(folder / f".s.PGSQL.{_PORT}", process)
        address, _, _ = below.url.partition("?")
        yield SecretStr(f"{address}?host={quote(str(folder), safe='')}&port={_PORT}")
    finally:
        process.kill()
        process.wait(_WAIT)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _WAIT
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(path))
            return
    raise RuntimeError("pgbouncer does not start")
