"""The operator's figures in the text that Prometheus scrapes. No label names a user, an order or a key."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.ledger import Standing
from bot.ops.figures import Figures, Histogram, Overview

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(overview: Overview) -> bytes:
    """Return all figures as one page: of one moment, since each page has a registry of its own."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(overview))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def collect(self) -> Iterable[Metric]:
        """Yield every figure; those of the ledger only while it can be read."""
        view = self._overview
        if view.standing:
            yield from _of_ledger(view.standing, view.now)
        yield from _of_panel(view)
        yield from _of_discord(view.figures, connected=view.connected)
        yield from _of_process(view)


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
    yield _age("notpanel_oldest_unknown_seconds", "Age of the oldest unclear cancel.", standing.oldest_unknown_at, now)
    yield _age("notpanel_oldest_queued_seconds", "Age of the oldest queued cancel.", standing.oldest_queued_at, now)
    yield _age(
        "notpanel_look_overdue_seconds",
        "How late the order is that is due first.",
        standing.oldest_due_at,
        now,
    )
    yield _gauge("notpanel_outbox_messages", "Direct messages not delivered yet.", standing.outbox)
    yield _age("notpanel_outbox_oldest_seconds", "Age of the oldest of them.", standing.oldest_notice_at, now)
    yield _gauge("notpanel_outbox_kept_messages", "Messages refused by Discord, kept to be shown.", standing.kept)
    yield _gauge("notpanel_cards_behind", "Cards that show less than the ledger knows.", standing.cards)
    yield _age("notpanel_cards_oldest_seconds", "How late the card is that is due first.", standing.oldest_card_at, now)


def _of_panel(view: Overview) -> Iterator[Metric]:
    figures = view.figures
    calls = CounterMetricFamily(
        "notpanel_panel_calls", "Calls to the panel by action and outcome.", labels=["action", "outcome"]
    )
    for labels, count in sorted(figures.panel_calls.items()):
        calls.add_metric(labels, count)
    yield calls
    yield _histogram("notpanel_panel_call_seconds", "How long calls to the panel took.", figures.panel_seconds)
    yield _gauge("notpanel_panel_slow_calls", "Accounts whose call has been under way for over 5 s.", view.slow_calls)
    yield _gauge(
        "notpanel_failing_seconds",
        "For how long nothing has come of anything due that limits allow; 0 while something does.",
        view.failing_for.total_seconds(),
    )
    answered = figures.panel_answered_at.timestamp() if figures.panel_answered_at else 0
    yield _gauge("notpanel_panel_answered_timestamp_seconds", "When a call last came to something.", answered)
    yield _gauges(
        "notpanel_panel_limit_remaining",
        "Calls left this minute: ip, of the address; key, of the key with fewest.",
        "layer",
        view.remaining,
    )
    yield _counters(
        "notpanel_keys_refused",
        "Refusals of keys; key: it was paused, panel: many are refused, ask_again: not known yet, new: not connected.",
        "meaning",
        figures.keys_refused,
    )
    ended = {str(state): count for state, count in figures.ended.items()}
    yield _counters("notpanel_cancellations_ended", "Cancels ended by what the panel said.", "state", ended)
    refunds = {str(refund): count for refund, count in figures.refunds.items()}
    yield _counters("notpanel_refunds_proven", "Orders for which a refund is proven, by what proves it.", "by", refunds)
    calls_in = figures.webhook_calls
    yield _counters("notpanel_webhook_calls", "Calls to webhook addresses by outcome.", "outcome", calls_in)
    yield CounterMetricFamily("notpanel_webhook_looks", "Orders made due by webhooks.", value=figures.nudged)


def _of_discord(figures: Figures, *, connected: bool) -> Iterator[Metric]:
    yield _histogram(
        "notpanel_acknowledgement_seconds",
        "From a command's arrival until Discord confirmed its first answer.",
        figures.acknowledged,
    )
    yield CounterMetricFamily(
        "notpanel_not_acknowledged", "Commands whose first answer failed.", value=figures.not_acknowledged
    )
    yield CounterMetricFamily(
        "notpanel_turned_away", "Commands and presses told to come back later.", value=figures.turned_away
    )
    requests = figures.discord_requests
    yield _counters("notpanel_discord_requests", "Requests to Discord by outcome.", "outcome", requests)
    yield _gauge(
        "notpanel_discord_invalid_requests",
        "401, 403 and 429 of the last ten minutes; Discord bars an address at 10,000.",
        figures.invalid_of_late,
    )
    yield _gauge("notpanel_gateway_connected", "1 while the gateway to Discord is open.", connected)


def _of_process(view: Overview) -> Iterator[Metric]:
    yield _gauge("notpanel_ledger_readable", "1 while the ledger can be read.", view.standing is not None)
    yield _gauges("notpanel_loop_silent_seconds", "Since each loop last got through a turn.", "loop", view.loops)
    yield _gauge("notpanel_files_waiting", "Attached lists that wait to be read.", view.files_waiting)
    started = view.figures.started_at.timestamp()
    yield _gauge("notpanel_started_timestamp_seconds", "When this process began to count.", started)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help, value=value)


def _age(name: str, help: str, since: datetime | None, now: datetime) -> Metric:
    """Return how many seconds ago something was; 0 where there is nothing, or it lies ahead."""
    return _gauge(name, help, max((now - since).total_seconds(), 0) if since else 0)


def _gauges(name: str, help: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counters(name: str, help: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, help, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _histogram(name: str, help: str, histogram: Histogram) -> Metric:
    bounds = [*map(str, histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, map(float, histogram.at_most()), strict=True))
    return HistogramMetricFamily(name, help, buckets=buckets, sum_value=histogram.total)
