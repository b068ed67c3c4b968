"""The drill: a ledger is copied beside a bot at work, lost, restored and started; its orders go on, its key opens."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.panel import Upstream
from tests.ledgers import Below, InFile, InPostgres
from tests.ops.test_backup_jobs import Job
from tests.postgres import Postgres, programs
from tests.story import ROOT
from tests.wire.stage import KEY, Stage, stage

ONE_DAY, AT_ONCE = Upstream(timedelta(days=1)), Upstream(timedelta())


class Drill:
    """A ledger, and what its operator does with it."""

    def __init__(self, here: Stage, below: Below, folder: Path) -> None:
        self.here, self.below, self.copies = here, below, folder
        folder.mkdir(exist_ok=True)

    async def command(self, *words: object, **environment: str) -> str:
        """Run a command, which must succeed, and return what it says; the bot goes on meanwhile."""
        env = {**self.here.bot.environment(), **environment}
        process = await asyncio.create_subprocess_exec(
            *map(str, words), cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    async def says(self, sql: str, wanted: list[tuple[Any, ...]]) -> None:
        """Wait until a query gives some rows."""
        assert await self.here.comes_true(lambda: self.below.sql(sql) == wanted), self.below.sql(sql)


class InSqlite(Drill):
    async def back_up(self) -> None:
        await self.command(sys.executable, "-m", "bot", "backup", "--into", self.copies)

    async def lose(self) -> None:
        for file in self.here.bot.folder.glob("ledger.sqlite3*"):
            file.unlink()

    async def restore(self) -> None:
        (copy,) = self.copies.iterdir()
        said = await self.command(sys.executable, "-m", "bot", "restore", copy)
        assert "ask the doctor, and start the bot" in said


class InServer(Drill):
    async def back_up(self) -> None:
        assert isinstance(self.below, InPostgres)
        self.job = Job(self.below, self.copies)
        await self.command("sh", ROOT / "deploy/postgres-backup.sh", **self.job.environment)

    async def lose(self) -> None:
        assert isinstance(self.below, InPostgres)
        self.below.drop()

    async def restore(self) -> None:
        (copy,) = self.job.folder.iterdir()
        binaries, database = programs(), self.job.environment["PGDATABASE"]
        assert binaries
        created = ("--encoding", "UTF8", "--template", "template0", database)
        await self.command(binaries / "createdb", *created, **self.job.environment)
        options = ("--no-owner", "--exit-on-error", "--single-transaction", "--dbname", database)
        await self.command(binaries / "pg_restore", *options, copy, **self.job.environment)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Postgres | None:
    """The server that the ledger is on, where it is not in a file."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None


@pytest.fixture
async def drill(tmp_path: Path, server: Postgres | None) -> AsyncGenerator[Drill]:
    """A bot that is ready, and a user who has connected their key."""
    (data := tmp_path / "data").mkdir()
    async with stage(data) as here:
        if server:
            below = InPostgres(server, migrated=False)
            here.bot.settings = {**here.bot.settings, "DATABASE_URL": below.url}
            made = InServer(here, below, tmp_path / "copies")
        else:
            made = InSqlite(here, InFile(data / "ledger.sqlite3"), tmp_path / "copies")
        await here.bot.start()
        await here.connect()
        yield made
    if isinstance(made.below, InPostgres):
        made.below.drop()


async def test_a_ledger_that_is_lost_comes_back_and_its_orders_go_on(drill: Drill) -> None:
    here = drill.here
    here.panel.add_order(KEY, "ord_A", status="in_progress", upstream=ONE_DAY)
    card = await here.cancel("ord_A")
    await here.discord.until(lambda: "1 waiting" in card.text)
    await drill.back_up()
    here.panel.add_order(KEY, "ord_B", status="in_progress", upstream=ONE_DAY)
    later = await here.cancel("ord_B")
    await here.discord.until(lambda: "1 waiting" in later.text)

    await here.bot.kill()
    await drill.lose()
    await drill.restore()
    here.panel.orders["ord_A"].upstream = AT_ONCE
    await here.bot.start()
    await drill.says("SELECT order_id, state FROM cancellations", [("ord_A", "cancelled")])  # ord_B is unknown to it
    await drill.says("SELECT COUNT(*) FROM notices WHERE state = 'delivered'", [(1,)])
    assert here.panel.cancel_requests["ord_A"] == 1
    here.panel.add_order(KEY, "ord_C")
    new = await here.cancel("ord_C")  # under the key that the copy held, sealed
    await here.discord.until(lambda: "1 cancelled" in new.text)
    assert await here.bot.terminate() == 0
