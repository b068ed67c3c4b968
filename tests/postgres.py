"""A real PostgreSQL for the tests: started once a session in a folder of its own, and ended with it."""

import asyncio
import itertools
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import quote

import asyncpg

from tests.folders import in_memory

T = TypeVar("T")

_SETTINGS = {
    "fsync": "off",  # what a test has written need not survive the machine
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
}
_TEMPLATE = "template_of_ledgers"


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL installed here; None where there is none."""
    found = {path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")}
    if found:
        return max(found, key=lambda folder: int(folder.parent.name))
    (path,) = (shutil.which("initdb"),)
    return Path(path).resolve().parent if path else None


class Postgres:
    """A server, and a way past all of the bot's code into its databases that needs no event loop of the test's."""

    def __init__(self, folder: Path, binaries: Path, **settings: str) -> None:
        self.folder = folder
        self._binaries = binaries
        self._settings = _SETTINGS | settings
        self._numbers = itertools.count(1)
        self._connections: dict[str, asyncpg.Connection[Any]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True, name="past the bot")
        self._thread.start()

    def start(self) -> None:
        """Start the server, and return once it answers."""
        options = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        self._control("start", "-l", self.folder / "log", "-o", f"{options} -k {self.folder}")

    def stop(self) -> None:
        """Stop the server as a crash does; the next start recovers what was committed."""
        self._control("stop", "-m", "immediate")

    def promote(self) -> None:
        """Make a standby the primary, whatever becomes of the one that it followed."""
        self._control("promote")

    def halt(self) -> None:
        """Stop the server's processes where they are: whoever is connected or connects hears nothing."""
        for process in self._processes():
            os.kill(process, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a server that was halted go on."""
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def _processes(self) -> list[int]:
        first = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]  # the first before the others: it would begin new ones

    def _control(self, *words: object) -> None:
        run_as_server(self._binaries / "pg_ctl", "-D", self.folder / "data", "-w", *words)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        port = self._settings.get("port", "5432")  # of its socket's name as well
        return f"postgresql://bot@/{name}?host={quote(str(self.folder), safe='')}&port={port}"

    def create(self, migrated: bool = True) -> str:
        """Make a database, with an empty ledger in it or with nothing; return its address."""
        name = f"test_{next(self._numbers)}"
        self.sql(self.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE if migrated else 'template1'}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.close(url)
        self.sql(self.url("postgres"), f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def keep_as_template(self, url: str) -> None:
        """Let databases be made as copies of this one."""
        self.close(url)
        self.sql(self.url("postgres"), f"ALTER DATABASE {_name(url)} RENAME TO {_TEMPLATE}")

    def sql(self, url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        return [tuple(row) for row in self._wait(self._fetch(url, query, values))]

    def script(self, url: str, text: str) -> None:
        """Run any number of statements."""
        self._wait(self._execute(url, text))

    async def _fetch(self, url: str, query: str, values: tuple[object, ...]) -> list[Any]:
        return await (await self._connection(url)).fetch(query, *values)

    async def _execute(self, url: str, text: str) -> None:
        await (await self._connection(url)).execute(text)

    async def _connection(self, url: str) -> "asyncpg.Connection[Any]":
        if url not in self._connections or self._connections[url].is_closed():
            self._connections[url] = await asyncpg.connect(url)
        return self._connections[url]

    def close(self, url: str) -> None:
        """End this object's own connection to a database."""
        connection = self._connections.pop(url, None)
        if connection:
            self._wait(connection.close())

    def end(self) -> None:
        """End all of its connections."""
        for url in list(self._connections):
            self.close(url)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


def _name(url: str) -> str:
    return url.split("?")[0].rsplit("/", 1)[1]


@contextmanager
def running(binaries: Path, where: Path | None = None, **settings: str) -> Generator[Postgres]:
    """Run a server that nobody but this machine reaches; `where`: the folder for its files, else in memory."""
    with server_folder(where) as folder:
        run_as_server(binaries / "initdb", "-D", folder / "data", "-U", "bot", "-A", "trust", "-E", "UTF8", "--no-sync")
        with started(binaries, folder, **settings) as server:
            yield server


@contextmanager
def server_folder(where: Path | None = None) -> Generator[Path]:
    """Make a folder for a server, and remove it in the end."""
    # Short: a socket's path has room for about a hundred characters.
    folder = Path(mkdtemp(prefix="pg-", dir=where or in_memory()))
    try:
        if user := user_to_run_as():
            shutil.chown(folder, user)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def started(binaries: Path, folder: Path, **settings: str) -> Generator[Postgres]:
    """Run a server on the data in a folder."""
    server = Postgres(folder, binaries, **settings)
    server.start()
    try:
        yield server
    finally:
        server.end()
        with suppress(RuntimeError):  # where a test has stopped it
            server.stop()


def user_to_run_as() -> str | None:
    """Return as whom to run it: neither PostgreSQL nor pgbouncer runs as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def run_as_server(*command: object) -> None:
    """Run one of PostgreSQL's programs as the user whose its files are; raise RuntimeError where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        user=user_to_run_as(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
