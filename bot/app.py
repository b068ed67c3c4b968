"""The composition root: builds everything from Settings, runs it side by side, ends it in order."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from pydantic import SecretStr

from bot.client import Client, Services
from bot.delivery.card_updater import CardUpdater
from bot.delivery.check_results import CheckResults
from bot.delivery.hello import Greeter
from bot.delivery.living_messages import LivingMessages
from bot.delivery.notification_sender import NotificationSender
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.domain.clock import Clock, Sleep, utc_now
from bot.domain.polling import WatchIntervals
from bot.ledger import Ledger, LedgerError, only_process
from bot.ops import shutdown
from bot.ops.health import Health
from bot.ops.metrics import Metrics
from bot.ops.registration import keep_registered
from bot.ops.watchdog import watch
from bot.panel import Panel
from bot.services.cancels import Cancels
from bot.services.erasing import Erasing
from bot.services.gateway import Gateway
from bot.services.keeping import Keeping
from bot.services.key_seals import keep_comparable
from bot.services.keys import Accounts
from bot.services.lists import Lists
from bot.services.panel_calls import PanelCalls
from bot.services.previews import Previews
from bot.services.records import Records
from bot.services.throttle import UserThrottle
from bot.services.webhooks import Webhooks
from bot.settings import Settings
from bot.vault import Vault, open_vault, require_keys
from bot.workers.account_runner import AccountRunner
from bot.workers.budget import Budget
from bot.workers.housekeeping import Housekeeping
from bot.workers.leases import Leases
from bot.workers.ledger_probe import LedgerProbe
from bot.workers.poll_planner import PollPlanner
from bot.workers.refused_keys import RefusedKeys
from bot.workers.scheduler import Scheduler
from bot.workers.tasks import supervise, unless_stopped
from cogs.registry import add_cogs

log = logging.getLogger(__name__)

_LOGIN_SECONDS = 60
"""discord.py tries a call that fails again for 25 seconds; one that nobody answers it would leave for 300."""
_DRAIN_SECONDS = 7
"""Docker and others kill ten seconds after SIGTERM."""
_COUNT_SECONDS = 1


@dataclass(slots=True)
class App:
    """All parts of the bot, ready to run."""

    ledger: Ledger
    scheduler: Scheduler
    housekeeping: Housekeeping
    ledger_probe: LedgerProbe
    services: Services
    client: Client
    listen: tuple[str, int] | None
    """Where to answer over HTTP: an address of this machine and a port."""
    cut_off: bool = False
    """Whether calls were still under way at the end."""

    async def work(self, stop: asyncio.Event) -> None:
        """Run the loops beside the client until `stop`, then let running calls be recorded."""
        loops = (
            self.scheduler.run,
            self.scheduler.keep_leases,
            self.services.card_updater.run,
            self.services.notification_sender.run,
            self.services.check_results.run,
            self.services.living_messages.run,
            self.services.webhooks.run,
            self.services.erasing.run,
            self.housekeeping.run,
            self.ledger_probe.run,
            partial(keep_registered, self.client, self.ledger),
        )
        await asyncio.gather(*(supervise(loop, stop) for loop in loops))

    async def remaining_work(self) -> str:
        """Return what the next start goes on with, in a sentence; empty where there is nothing, or nobody knows."""
        if self.cut_off:  # the end is near, and the log has said so
            return ""
        try:
            async with asyncio.timeout(_COUNT_SECONDS):
                standing = await self.ledger.read.standing()
        except (LedgerError, TimeoutError):
            return ""
        unsent = standing.waiting + standing.requested
        watched = standing.still_open - standing.requested
        return shutdown.goes_on(watched, unsent, shared=self.ledger.is_shared)

    async def run(self, token: SecretStr, stop: asyncio.Event) -> None:
        """Log in and run until `stop` or the gateway's final word.

        Raise Stopped where `stop` comes before the login's end, discord.LoginFailure, discord.GatewayNotFound,
        TimeoutError where Discord does not answer, BadSettings where the port for HTTP cannot be had, or Hanging.
        """
        if self.listen is None:
            await self._run(token, stop)
            return
        # Not at the top: 1.2 MB and 24 ms for those alone who want it (python -m tests.benchmarks.start).
        from bot.ops.http import serving

        async with serving(
            *self.listen,
            self.services.health,
            self.services.webhooks,
            waiting=lambda: self.client.session_starts.waiting,
        ):
            await self._run(token, stop)

    async def _run(self, token: SecretStr, stop: asyncio.Event) -> None:
        try:
            await unless_stopped(self._log_in(token), stop)
        except BaseException:
            await self._leave()
            raise
        work = asyncio.create_task(self.work(stop), name="work")
        gateway = asyncio.create_task(self.client.connect(), name="gateway")
        stopped = asyncio.create_task(stop.wait(), name="stopped")
        watchdog = asyncio.create_task(watch(self.services.health.hanging), name="watchdog")
        try:
            await asyncio.wait([work, gateway, stopped, watchdog], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            stopped.cancel()
            watchdog.cancel()
            gateway.cancel()  # it may be asleep until its next try to connect
            await asyncio.gather(self._leave(), self._drain(work))
        with suppress(asyncio.CancelledError):
            await watchdog
        with suppress(asyncio.CancelledError):
            await gateway

    async def _log_in(self, token: SecretStr) -> None:
        async with asyncio.timeout(_LOGIN_SECONDS):
            await self.client.login(token.get_secret_value())

    async def _leave(self) -> None:
        """Take on nothing new. A connection that is dead already would put the end off for half a minute."""
        with suppress(*DELIVERY_ERRORS):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self.client.close()

    async def _drain(self, work: asyncio.Task[None]) -> None:
        """Let calls under way be recorded, as long as a supervisor waits."""
        await asyncio.wait([work], timeout=_DRAIN_SECONDS)
        if not work.done():
            self.cut_off = True
            log.warning("ended with calls under way; the next start asks for the status of their orders")
            work.cancel()
            await self.scheduler.abandon()


@asynccontextmanager
async def build(
    settings: Settings, *, transport: Any = None, clock: Clock = utc_now, sleep: Sleep = asyncio.sleep
) -> AsyncGenerator[App]:
    """Open the ledger and build the bot on it; `transport` stands in for the network to the panel.

    Raise LedgerError, VaultError, BadSettings.
    """
    with only_process(settings.database):
        async with Ledger.open(
            settings.database,
            clock=clock,
            notify_window=timedelta(seconds=settings.notify_window),
            shards=settings.shard_ids,
        ) as ledger:
            if ledger.is_shared:
                log.info("this is process %d on the ledger", ledger.process)
            vault = await _vault_for(ledger, settings)
            metrics = Metrics(clock)
            panel = Panel(
                settings.panel_url,
                transport=transport,
                proxy=settings.panel_proxy,
                clock=clock,
                called=metrics.panel_called,
            )
            budget = Budget(
                clock,
                settings.panel_ip_limit,
                settings.panel_key_limit,
                at_once=settings.panel_concurrency,
                sleep=sleep,
            )
            refused_keys = RefusedKeys(clock, metrics.key_refused)
            gateway = Gateway(ledger, vault, panel, budget, refused_keys)
            leases = Leases(ledger)
            intervals = WatchIntervals(
                timedelta(seconds=settings.watch_min_interval), timedelta(seconds=settings.watch_max_interval)
            )
            plan = PollPlanner(intervals, budget.watching_per_second, Random())
            runner = AccountRunner(ledger, gateway, leases, plan, clock, ended=metrics.record_ended, sleep=sleep)
            scheduler = Scheduler(ledger, budget, runner, leases, plan, clock)
            throttle = UserThrottle(clock)
            accounts = Accounts(ledger, vault, gateway, clock)
            calls = PanelCalls(ledger, accounts, gateway, throttle, clock)
            previews = Previews(ledger, gateway)
            cancels = Cancels(ledger, accounts, vault, budget, previews, clock, confirm_above=settings.confirm_above)
            client = Client(
                settings.shard_ids, settings.shard_count, add_cogs=add_cogs, answered=metrics.discord_answered
            )
            card_updater = CardUpdater(client, ledger, cancels, vault, clock)
            notification_sender = NotificationSender(client, ledger, clock)
            living_messages = LivingMessages(client, ledger, clock)
            records = Records(ledger, accounts, clock)
            lists = Lists(cancels, records, clock)
            check_results = CheckResults(ledger, records, clock)
            erasing = Erasing(ledger, clock)
            webhooks = Webhooks(ledger, accounts, calls, clock, metrics, public_url=settings.public_url)
            housekeeping = Housekeeping(ledger, clock, timedelta(days=settings.keep_days))
            ledger_probe = LedgerProbe(ledger, clock)
            loops = {
                "worker": scheduler.bell,
                "cards": card_updater.bell,
                "notices": notification_sender.bell,
                "checks": check_results.bell,
                "edits": living_messages.bell,
                "webhooks": webhooks.bell,
                "erasing": erasing.bell,
                "housekeeping": housekeeping.bell,
                "ledger": ledger_probe.bell,
            }
            health = Health(
                metrics,
                ledger,
                budget,
                clock,
                loops=loops,
                connected=lambda: client.connected and not client.is_closed(),
                scheduler=scheduler,
                files_waiting=lambda: client.services.reading_room.waiting,
            )
            client.services = Services(
                accounts,
                calls,
                cancels,
                records,
                lists,
                erasing,
                card_updater,
                notification_sender,
                check_results,
                living_messages,
                metrics,
                health,
                webhooks,
                throttle,
                UserThrottle(clock),
                settings.links,
                settings.keys_page,
                Keeping(ledger, clock),
                Greeter(client, ledger),
            )
            listen = None if settings.http_port is None else (settings.http_host, settings.http_port)
            await scheduler.recover()
            try:
                yield App(ledger, scheduler, housekeeping, ledger_probe, client.services, client, listen)
            finally:
                await previews.abandon()
                await panel.aclose(patience=1)


async def _vault_for(ledger: Ledger, settings: Settings) -> Vault:
    """Open the vault that this ledger's secrets were sealed in; never begin another beside them."""
    accounts = await ledger.read.accounts_with_keys()
    vault = open_vault(settings, first_start=not accounts)
    require_keys(vault, [account.key_sealed for account in accounts if account.key_sealed])
    await keep_comparable(ledger, vault)
    return vault
