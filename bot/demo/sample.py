"""The demo's stages: which keys and orders the simulated panel holds, and what is done with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count, islice

from bot.cards.language import N_
from bot.demo.panel import SimulatedPanel, Upstream
from bot.domain.clock import Clock
from bot.domain.order_status import OrderStatus

RUNNING, DONE = OrderStatus.IN_PROGRESS, OrderStatus.COMPLETED
_IDS = "ord_01HG9X7KJP4N2Q8RSTVWXY{:04}"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Past:
    """A cancel request from before the demo began."""

    ago: timedelta
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """What a person needs to play: the keys, and each order to cancel with what it is."""

    key: str
    second_key: str
    orders: Mapping[str, str]
    reported: tuple[str, ...]
    """Orders that a message in the server channel names: the last of them is under the second key."""
    past: tuple[Past, ...] = field(default=())
    """Where there is any, the key is connected already."""


KEY, SECOND_KEY = "demo-key-not-a-real-one-2468", "demo-key-of-a-second-shop-1357"
FIVE = {
    "ord_01HG9X7KJP4N2Q8RSTVWXYZ001": N_("pending"),
    "ord_01HG9X7KJP4N2Q8RSTVWXYZ002": N_("in progress, the provider will stop it"),
    "ord_01HG9X7KJP4N2Q8RSTVWXYZ003": N_("in progress, the provider delivers anyway"),
    "ord_01HG9X7KJP4N2Q8RSTVWXYZ004": N_("already completed: `/refill` takes it"),
    "ord_01HG9X7KJP4N2Q8RSTVWXYZ005": N_("of a service that can't be cancelled"),
}
_REPORTED = tuple(f"ord_01HG9X7KJP4N2Q8RSTVWXYZ{number:03}" for number in range(6, 9))


def sample_panel(clock: Clock, stage: str = "plain") -> tuple[SimulatedPanel, Stage]:
    """Return a panel that holds a stage's orders, as yet untouched."""
    panel = SimulatedPanel(clock, latency=0.15)
    panel.add_key(KEY)
    panel.add_key(SECOND_KEY, balance="12.08")
    pending, stopped, second = _REPORTED
    panel.add_order(KEY, pending)
    panel.add_order(KEY, stopped, status=RUNNING, remains=400, upstream=Upstream(timedelta(seconds=8)))
    panel.add_order(SECOND_KEY, second)
    return panel, _wide(panel) if stage == "wide" else _plain(panel)


def _plain(panel: SimulatedPanel) -> Stage:
    """One order of each kind."""
    pending, stopped, delivered, completed, fixed = FIVE
    provider_stops = Upstream(timedelta(seconds=6), refunds=Decimal("0.65"))  # for what was not delivered
    panel.add_order(KEY, pending)
    panel.add_order(KEY, stopped, status=RUNNING, remains=650, upstream=provider_stops)
    panel.add_order(KEY, delivered, status=RUNNING, remains=80, upstream=Upstream(timedelta(seconds=9), "completed"))
    panel.add_order(KEY, completed, status=DONE, remains=0)
    panel.add_order(KEY, fixed, status=RUNNING, cancellable=False)
    return Stage(KEY, SECOND_KEY, FIVE, _REPORTED)


def _wide(panel: SimulatedPanel) -> Stage:
    """Sixty orders in three states, and five requests of the last two days, two of which are still open."""
    ids = (_IDS.format(number) for number in count(1))

    def add(number: int, **more: object) -> tuple[str, ...]:
        added = tuple(islice(ids, number))
        for place, order_id in enumerate(added):
            panel.add_order(KEY, order_id, charge=f"0.{20 + 7 * place % 60}", **more)  # pyright: ignore[reportArgumentType]
        return added

    def stops(after: timedelta, number: int, refunds: str = "1") -> tuple[str, ...]:
        return add(number, status=RUNNING, remains=700, upstream=Upstream(after, refunds=Decimal(refunds)))

    def delivers(after: timedelta, number: int) -> tuple[str, ...]:
        return add(number, status=RUNNING, remains=150, upstream=Upstream(after, "completed"))

    never = 70 * _HOUR
    past = (
        Past(47 * _HOUR, add(6) + delivers(3 * _HOUR, 4) + add(2, status=RUNNING, cancellable=False)),
        Past(26 * _HOUR, stops(2 * _HOUR, 24, "0.7") + delivers(5 * _HOUR, 3) + stops(never, 3)),
        Past(9 * _HOUR, add(8) + stops(_HOUR, 1)),
        Past(2 * _HOUR, stops(never, 18) + stops(_HOUR, 9, "0.4") + delivers(_HOUR, 3)),
        Past(timedelta(minutes=40), stops(never, 4) + add(1)),
    )
    pending = add(20)
    running = tuple(
        one
        for place in range(20)
        for one in (delivers if place % 4 == 3 else stops)(timedelta(seconds=10 + 9 * place), 1)
    )
    completed = add(20, status=DONE, remains=0)
    orders = {
        **dict.fromkeys(pending, N_("pending")),
        **dict.fromkeys(running, N_("in progress, the provider will stop most of them")),
        **dict.fromkeys(completed, N_("already completed: `/refill` takes it")),
    }
    return Stage(KEY, SECOND_KEY, orders, _REPORTED, past)
