"""The text that Prometheus scrapes: what was counted (bot/ops/metrics.py), and gauges of one moment."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from platform import python_version

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot import __version__
from bot.ledger import Space, Standing
from bot.ops.health import Health

CONTENT_TYPE = CONTENT_TYPE_LATEST


async def exposition(health: Health) -> bytes:
    """Return all metrics as one page; those of the ledger only while it can be read."""
    registry = CollectorRegistry()
    registry.register(_Gauges(health, await health.standing()))
    registry.register(health.metrics.registry)
    return generate_latest(registry)


class _Gauges(Collector):
    def __init__(self, health: Health, standing: Standing | None) -> None:
        self._health = health
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        if self._standing:
            yield from _of_ledger(self._standing, self._health.clock())
            if self._health.space:
                yield from _of_disk(self._health.space)
        yield from _of_process(self._health, readable=self._standing is not None)


def _of_ledger(standing: Standing, now: datetime) -> Iterator[Metric]:
    still_open = {
        "waiting": standing.waiting,
        "requested": standing.requested,
        "sending": standing.sending,
        "accepted": standing.accepted,
        "queued": standing.queued,
        "unknown": standing.unknown,
    }
    yield _gauges(
        "notpanel_cancellations_open",
        "Orders whose cancel has not ended, by state; waiting: of a list that is not that far yet.",
        "state",
        still_open,
    )

    def age(name: str, help: str, since: datetime | None) -> GaugeMetricFamily:
        """Return how many seconds ago something was; 0 where there is nothing, or it lies ahead."""
        return _gauge(name, help, max((now - since).total_seconds(), 0) if since else 0)

    yield age("notpanel_oldest_unknown_seconds", "Age of the oldest unclear cancel.", standing.oldest_unknown_at)
    yield age("notpanel_oldest_queued_seconds", "Age of the oldest queued cancel.", standing.oldest_queued_at)
    yield age("notpanel_look_overdue_seconds", "How late the order is that is due first.", standing.oldest_due_at)
    yield _gauge("notpanel_outbox_messages", "Direct messages not delivered yet.", standing.outbox)
    yield age("notpanel_outbox_oldest_seconds", "Age of the oldest of them.", standing.oldest_notice_at)
    yield _gauge(
        "notpanel_outbox_kept_messages", "Messages refused by Discord, kept to be shown.", standing.undelivered
    )
    yield _gauge("notpanel_cards_behind", "Cards that show less than the ledger knows.", standing.cards)
    yield age("notpanel_cards_oldest_seconds", "How late the card is that is due first.", standing.oldest_card_at)


def _of_disk(space: Space) -> Iterator[Metric]:
    yield _gauge("notpanel_ledger_bytes", "What the ledger takes of its disk, its journal among it.", space.used)
    if space.free is not None:  # of PostgreSQL's disk its own exporter tells
        yield _gauge("notpanel_ledger_free_bytes", "What is free on the ledger's disk.", space.free)


def _of_process(health: Health, *, readable: bool) -> Iterator[Metric]:
    scheduler, availability = health.scheduler, health.availability
    about = {"version": __version__, "python": python_version(), "ledger": health.engine}
    yield _info("notpanel_build_info", "What runs; always 1.", about)
    writable = availability.error is None
    yield _gauge(
        "notpanel_ledger_writable",
        "0 from a failed transaction until a write to all main tables goes through.",
        writable,
    )
    failed = CounterMetricFamily("notpanel_ledger_failed_transactions", "Transactions that the ledger has failed.")
    failed.add_metric([], availability.failed_transactions)
    yield failed
    if scheduler.accounts_held is not None:
        yield _gauge("notpanel_accounts_held", "Accounts that this process works on.", scheduler.accounts_held)
    yield _gauge(
        "notpanel_panel_slow_calls", "Accounts whose call has been under way for over 5 s.", scheduler.slow_calls
    )
    yield _gauge(
        "notpanel_failing_seconds",
        "For how long nothing has come of anything due that limits allow; 0 while something does.",
        scheduler.failing_for.total_seconds(),
    )
    yield _gauges(
        "notpanel_panel_limit_remaining",
        "Calls left this minute: ip, of the address; key, of the key with fewest.",
        "layer",
        health.budget.remaining(),
    )
    yield _gauge("notpanel_gateway_connected", "1 while the gateway to Discord is open.", health.connected())
    yield _gauge("notpanel_ledger_readable", "1 while the ledger can be read.", readable)
    yield _gauges(
        "notpanel_loop_silent_seconds", "Since each loop last got through a turn.", "loop", health.silent_loops()
    )
    yield _gauge("notpanel_files_waiting", "Attached lists that wait to be read.", health.files_waiting())


def _gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, value=value)


def _info(name: str, help: str, labels: Mapping[str, str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family


def _gauges(name: str, help: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
