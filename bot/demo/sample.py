"""The demo's story: one key and five orders, one of each kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bot.demo.panel import SimulatedPanel, Upstream
from bot.domain.clock import Clock
from bot.domain.order_status import OrderStatus


@dataclass(frozen=True, slots=True)
class SamplePanel:
    """What a person needs to play the story: the key, and each order with what it is."""

    key: str
    orders: Mapping[str, str]


SAMPLE = SamplePanel(
    "demo-key-not-a-real-one-2468",
    {
        "ord_01HG9X7KJP4N2Q8RSTVWXYZ001": "pending",
        "ord_01HG9X7KJP4N2Q8RSTVWXYZ002": "in flight, the provider will stop it",
        "ord_01HG9X7KJP4N2Q8RSTVWXYZ003": "in flight, the provider delivers anyway",
        "ord_01HG9X7KJP4N2Q8RSTVWXYZ004": "already completed: /refill takes it",
        "ord_01HG9X7KJP4N2Q8RSTVWXYZ005": "of a service that cannot cancel",
    },
)


def sample_panel(clock: Clock) -> tuple[SimulatedPanel, SamplePanel]:
    """Return a panel that holds the story's orders, as yet untouched."""
    panel = SimulatedPanel(clock, latency=0.15)
    key, (pending, stopped, delivered, completed, fixed) = SAMPLE.key, SAMPLE.orders
    panel.add_key(key)
    running = OrderStatus.IN_PROGRESS
    provider_stops = Upstream(timedelta(seconds=6), refunds=Decimal("0.65"))  # for what was not delivered
    panel.add_order(key, pending)
    panel.add_order(key, stopped, status=running, remains=650, upstream=provider_stops)
    panel.add_order(key, delivered, status=running, remains=80, upstream=Upstream(timedelta(seconds=9), "completed"))
    panel.add_order(key, completed, status=OrderStatus.COMPLETED, remains=0)
    panel.add_order(key, fixed, status=running, cancellable=False)
    return panel, SAMPLE
