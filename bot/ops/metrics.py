"""What this process counts for its operator: each metric with its name and help text, declared once.

No label names a user, an order or a key. A process counts for itself and starts at zero; what is read from the ledger
(bot/ops/http/metrics.py) is the same for all processes that share one. the card for operators reads the same objects.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from bot.domain.clock import Clock
from bot.domain.refunds import Refund
from bot.domain.states import State
from bot.panel import Called, PanelError

ACKNOWLEDGED_WITHIN = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)
"""Seconds; Discord takes a first answer for three."""
CALLED_WITHIN = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds; a call to the panel ends by its own time-outs."""
INVALID_WINDOW = timedelta(minutes=10)
"""Discord bars an address that sends 10,000 invalid requests (401, 403, 429) in that time."""
MOST_INVALID = 10_000

_ACTIONS = ("balance", "cancel", "refill", "status", "webhook.add")
_OUTCOMES = ("ok", "fault", *(kind.__name__.lower() for kind in PanelError.__subclasses__()))
_ENDS = tuple(state for state in State if not state.is_open)

disable_created_metrics()  # they would double the series; notpanel_started_timestamp_seconds says it once


class Metrics:
    """Counts what this process does. Each instance has a registry of its own, as tests run several bots."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._invalid: deque[datetime] = deque(maxlen=MOST_INVALID)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        counter, gauge = self._counter, partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        self.panel_calls = counter(
            "notpanel_panel_calls", "Calls to the panel by action and outcome.", action=_ACTIONS, outcome=_OUTCOMES
        )
        self.panel_seconds = histogram(
            "notpanel_panel_call_seconds", "How long calls to the panel took.", buckets=CALLED_WITHIN
        )
        self.panel_answered = gauge("notpanel_panel_answered_timestamp_seconds", "When a call last came to something.")
        self.keys_refused = counter(
            "notpanel_keys_refused",
            "Refusals of keys; key: it was paused, panel: many are refused, ask_again: not known yet, "
            "new: not connected.",
            meaning=("key", "panel", "ask_again", "new"),
        )
        self.ended = counter("notpanel_cancellations_ended", "Cancels ended by what the panel said.", state=_ENDS)
        self.refunds = counter(
            "notpanel_refunds_proven", "Orders for which a refund is proven, by what proves it.", by=tuple(Refund)
        )
        self.webhook_calls = counter(
            "notpanel_webhook_calls",
            "Calls to webhook addresses by outcome.",
            outcome=("taken", "empty", "unknown", "limited"),
        )
        self.webhook_orders = counter("notpanel_webhook_looks", "Orders made due by webhooks.")
        self.acknowledged = histogram(
            "notpanel_acknowledgement_seconds",
            "From a command's arrival until Discord confirmed its first answer.",
            buckets=ACKNOWLEDGED_WITHIN,
        )
        self.not_acknowledged = counter("notpanel_not_acknowledged", "Commands whose first answer failed.")
        self.turned_away = counter("notpanel_turned_away", "Commands and presses told to come back later.")
        self.discord_requests = counter(
            "notpanel_discord_requests", "Requests to Discord by outcome.", outcome=("ok", "failed", "invalid")
        )
        gauge(
            "notpanel_discord_invalid_requests",
            "401, 403 and 429 of the last ten minutes; Discord bars an address at 10,000.",
        ).set_function(lambda: self.invalid_requests)
        self.started = gauge("notpanel_started_timestamp_seconds", "When this process began to count.")
        self.started.set(clock().timestamp())

    def _counter(self, name: str, help: str, **labels: Sequence[str]) -> Counter:
        """Declare a counter whose every series is there from the start: what begins at 1 has not increased."""
        counter = Counter(name, help, labels, registry=self.registry)
        for values in product(*labels.values()) if labels else ():
            counter.labels(*values)
        return counter

    def panel_called(self, called: Called) -> None:
        """Count a call to the panel."""
        self.panel_calls.labels(called.action, called.outcome).inc()
        self.panel_seconds.observe(called.seconds)
        if called.outcome == "ok":
            self.panel_answered.set(self._clock().timestamp())

    def key_refused(self, meaning: str) -> None:
        """Count a refused key by what that means (bot/workers/refused_keys.py); "new": of a key to be connected."""
        self.keys_refused.labels(meaning).inc()

    def webhook_called(self, outcome: str) -> None:
        """Count a call to a webhook address."""
        self.webhook_calls.labels(outcome).inc()

    def webhook_made_due(self, orders: int) -> None:
        """Count orders whose status check webhooks have brought forward."""
        self.webhook_orders.inc(orders)

    def discord_answered(self, status: int, shared: bool) -> None:
        """Count a request that Discord has answered; `shared`: a 429 of a limit that is not this bot's own."""
        if status in (401, 403) or (status == 429 and not shared):
            self.discord_requests.labels("invalid").inc()
            self._invalid.append(self._clock())
        else:
            self.discord_requests.labels("ok" if status < 400 else "failed").inc()

    @property
    def invalid_requests(self) -> int:
        """How many invalid requests there were in the time over which Discord counts them."""
        since = self._clock() - INVALID_WINDOW
        while self._invalid and self._invalid[0] <= since:
            self._invalid.popleft()
        return len(self._invalid)

    def record_ended(self, states: Iterable[State], refunds: Iterable[Refund]) -> None:
        """Count cancellations that have just ended by what the panel said, and refunds by what proves them."""
        for state in states:
            if not state.is_open:
                self.ended.labels(state).inc()
        for refund in refunds:
            self.refunds.labels(refund).inc()


def value(metric: Counter | Gauge) -> float:
    """Return what a metric without labels stands at."""
    return next(iter(metric.collect())).samples[0].value


def label_counts(counter: Counter) -> dict[str, int]:
    """Return what a counter with labels stands at where it has counted, by their values with a space between."""
    samples = [sample for family in counter.collect() for sample in family.samples]
    return {" ".join(sample.labels.values()): int(sample.value) for sample in samples if sample.value}


def buckets(histogram: Histogram) -> dict[float, int]:
    """Return how many durations each bound in seconds holds; the last bound is infinite and holds all of them."""
    return {
        float(sample.labels["le"]): int(sample.value)
        for family in histogram.collect()
        for sample in family.samples
        if "le" in sample.labels
    }
