"""The composition root: builds everything from Settings, runs it side by side, ends it in order."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import SecretStr

from bot.accounts import Accounts
from bot.budget import Budget
from bot.cancels import Cancels
from bot.client import Client, UseCases
from bot.clock import Clock, utc_now
from bot.notices import Courier
from bot.panel import Panel
from bot.schedule import WatchIntervals
from bot.settings import Settings
from bot.store import Ledger, LedgerInUse
from bot.tasks import keep_running
from bot.vault import open_vault
from bot.worker import Worker

log = logging.getLogger(__name__)


@dataclass(slots=True)
class App:
    """All parts of the bot, ready to run."""

    ledger: Ledger
    worker: Worker
    courier: Courier
    client: Client
    accounts: Accounts
    cancels: Cancels

    async def work(self, stop: asyncio.Event) -> None:
        """Run the loops beside the client until `stop`, then let running calls be recorded."""
        await asyncio.gather(keep_running(self.worker.run, stop), keep_running(self.courier.run, stop))

    async def run(self, token: SecretStr) -> None:
        """Log in and run until SIGTERM, SIGINT or the gateway's final word; raise discord.LoginFailure."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
                loop.add_signal_handler(name, stop.set)
        async with self.client:
            await self.client.login(token.get_secret_value())
            work = asyncio.create_task(self.work(stop), name="work")
            gateway = asyncio.create_task(self.client.connect(), name="gateway")
            stopped = asyncio.create_task(stop.wait(), name="stopped")
            try:
                await asyncio.wait([work, gateway, stopped], return_when=asyncio.FIRST_COMPLETED)
            finally:
                # No new commands first, then the calls under way, so that nothing is taken on and dropped.
                stop.set()
                await self.client.close()
                await work
                stopped.cancel()
            await gateway


@asynccontextmanager
async def build(settings: Settings, *, transport: Any = None, clock: Clock = utc_now) -> AsyncGenerator[App]:
    """Open the ledger and build the bot on it; `transport` stands in for the network to the panel.

    Raise LedgerError, VaultError.
    """
    window = timedelta(seconds=settings.notify_window)
    with only_process(settings.database_path):
        vault = open_vault(settings)
        async with Ledger.open(settings.database_path) as ledger:
            panel = Panel(settings.panel_url, transport=transport, clock=clock)
            budget = Budget(clock, settings.panel_ip_limit, settings.panel_key_limit)
            worker = Worker(
                ledger,
                vault,
                panel,
                budget,
                clock,
                intervals=WatchIntervals(
                    timedelta(seconds=settings.watch_min_interval),
                    timedelta(seconds=settings.watch_max_interval),
                ),
                notify_window=window,
                changed=lambda: courier.bell.ring(),
            )
            accounts = Accounts(ledger, vault, panel, budget, clock, worker.bell.ring)
            cancels = Cancels(
                ledger, accounts, vault, clock, confirm_above=settings.confirm_above, wake=worker.bell.ring
            )
            client = Client(ledger)
            courier = Courier(client, ledger, cancels, vault, clock, notify_window=window)
            client.use_cases = UseCases(accounts, cancels, courier)
            await worker.recover()
            try:
                yield App(ledger, worker, courier, client, accounts, cancels)
            finally:
                await panel.aclose()


@contextmanager
def only_process(database: Path) -> Generator[None]:
    """Hold the ledger for this process: two on one SQLite file would both send. Raise LedgerInUse."""
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(f"{database}.lock").acquire(timeout=0)
    except Timeout as error:
        raise LedgerInUse(f"({database})") from error
    with lock:
        yield
