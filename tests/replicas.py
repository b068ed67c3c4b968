"""Two real PostgreSQL servers, of which the second follows the first until it takes its place."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bot.ledger import migrate
from tests.postgres import Postgres, run_as_server, running, server_folder, started


@dataclass
class Pair:
    """A primary, its standby, and both their addresses in one, the standby's first."""

    primary: Postgres
    standby: Postgres
    ports: tuple[int, int]

    def address(self, options: str = "", *, turned: bool = False) -> SecretStr:
        """Return an address that names both, the standby first unless `turned`."""
        hosts = [f"127.0.0.1:{port}" for port in (self.ports if turned else reversed(self.ports))]
        return SecretStr(f"postgresql://bot@{','.join(hosts)}/ledger{options}")

    def fail_over(self) -> None:
        """Let the primary die and the standby take its place."""
        self.primary.stop()
        self.standby.promote()


@contextmanager
def pair(binaries: Path) -> Generator[Pair]:
    """Run both, with an empty ledger that the standby has as well."""
    first, second = _free_ports()
    with running(binaries, listen_addresses="127.0.0.1", port=str(first), synchronous_commit="on") as primary:
        primary.sql(primary.url("postgres"), "CREATE DATABASE ledger")
        migrate(SecretStr(primary.url("ledger")))
        with server_folder() as folder:
            source = ("-h", primary.folder, "-p", first, "-U", "bot", "-c", "fast", "-R", "-D", folder / "data")
            run_as_server(binaries / "pg_basebackup", *source)
            with started(binaries, folder, listen_addresses="127.0.0.1", port=str(second)) as standby:
                yield Pair(primary, standby, (first, second))


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]
