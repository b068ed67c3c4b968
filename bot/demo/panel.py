"""The simulated NotPanel: the documented protocol, its cancel errors, refunds, refills, upstream delay and limits."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from bot.domain.clock import Clock
from bot.domain.order_status import OrderStatus
from bot.panel import MAX_BATCH, Answer
from bot.panel.phrases import read_status

_WINDOW = timedelta(minutes=1)
_MOST_WEBHOOKS = 5
"""Of one key (NotPanel docs)."""
_MOST_REFILLS = 3
"""Of one order, by default (NotPanel docs)."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """What a queued cancel comes to, and how long after it was asked for.

    `refunds`: which part of its charge an order that is cancelled gets back.
    """

    after: timedelta = timedelta(minutes=1)
    ends_as: Literal["canceled", "completed", "partial"] = "canceled"
    refunds: Decimal = Decimal(1)


@dataclass(slots=True)
class Order:
    """One order in the panel's books."""

    key: str
    status: str
    charge: Decimal
    quantity: int
    remains: int
    cancellable: bool
    upstream: Upstream
    queued_at: datetime | None = None
    refills: int = 0
    refilled_at: datetime | None = None


@dataclass(slots=True)
class PanelKey:
    """An API key and its account's balance."""

    balance: Decimal
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the panel has received."""

    action: str
    key: str
    orders: tuple[str, ...]
    at: datetime


@dataclass(slots=True)
class _Window:
    """A fixed minute's count of calls."""

    limit: int
    resets_at: datetime | None = None
    used: int = 0

    def take(self, now: datetime) -> bool:
        """Count a call; tell whether the limit allows it."""
        if self.resets_at is None or now >= self.resets_at:
            self.resets_at, self.used = now + _WINDOW, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True


class _Error(Exception):
    def __init__(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.panel_message, self.headers = status, words, headers or {}


@dataclass
class SimulatedPanel:
    """Holds keys and orders, answers calls, and remembers every call for those who test."""

    clock: Clock
    ip_limit: int = 300
    key_limit: int = 100
    latency: float = 0.0
    refill_takes: timedelta = timedelta(minutes=1)
    keys: dict[str, PanelKey] = field(default_factory=dict[str, PanelKey])
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    calls: list[Call] = field(default_factory=list[Call])
    cancel_requests: Counter[str] = field(default_factory=Counter[str])
    """Cancels answered with success, by order: more than one for an order was sent twice."""
    refill_requests: Counter[str] = field(default_factory=Counter[str])
    """Refills answered with success, by order."""
    webhooks: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """The secret of each address to be called, by key; nothing here ever calls one."""

    def __post_init__(self) -> None:
        self._ip = _Window(self.ip_limit)
        self._by_key: dict[str, _Window] = {}
        self._accounts: dict[str, str] = {}
        self._on_their_way: list[tuple[datetime | None, dict[str, str]]] = []

    def add_key(self, key: str, *, balance: Decimal | str = "47.32", suspended: bool = False, beside: str = "") -> None:
        """Open an account, or give the account of the key `beside` another one."""
        self.keys[key] = self.keys[beside] if beside else PanelKey(Decimal(balance), suspended)
        self._accounts[key] = self._accounts.get(beside, key)

    def revoke_key(self, key: str) -> None:
        """Make a key invalid; its orders stay in the books."""
        del self.keys[key]

    def add_order(
        self,
        key: str,
        order_id: str,
        *,
        status: OrderStatus | str = OrderStatus.PENDING,
        charge: str = "0.50",
        quantity: int = 1000,
        remains: int | None = None,
        cancellable: bool = True,
        upstream: Upstream | None = None,
    ) -> None:
        """Put an order into the books; without `remains` nothing of it is delivered yet."""
        left = quantity if remains is None else remains
        self.orders[order_id] = Order(
            key, str(status), Decimal(charge), quantity, left, cancellable, upstream or Upstream()
        )

    async def answer(self, form: Mapping[str, str]) -> Answer:
        """Answer one call, as the real panel's docs have it."""
        if self.latency:
            await asyncio.sleep(self.latency)
        key, orders = form.get("key", ""), _named(form)
        self.calls.append(Call(form.get("action", ""), key, orders, self.clock()))
        self._arrivals()
        self._upstream()
        try:
            headers = self._admit(key)
            return Answer(200, json.dumps(self._act(form, orders)), headers)
        except _Error as error:
            return Answer(error.status, json.dumps({"error": error.panel_message}), error.headers)
        finally:
            self._overtaken()

    def receive_later(self, form: Mapping[str, str], after: timedelta | None) -> None:
        """Let a call arrive, and be carried out, so much later; None: once the next call has been answered.

        Its caller hears nothing of that. A queue or a slow proxy in front of a panel does this.
        """
        self.calls.append(Call(form.get("action", ""), form.get("key", ""), _named(form), self.clock()))
        self._on_their_way.append((None if after is None else self.clock() + after, dict(form)))

    def _arrivals(self) -> None:
        """Carry out the calls that have arrived by now."""
        now = self.clock()
        arrived = [(at, form) for at, form in self._on_their_way if at is not None and at <= now]
        self._on_their_way = [one for one in self._on_their_way if one[0] is None or one[0] > now]
        for at, form in arrived:
            self._act_unheard(form, at)

    def _overtaken(self) -> None:
        """Carry out the calls which the one just answered has overtaken."""
        overtaken = [form for at, form in self._on_their_way if at is None]
        self._on_their_way = [one for one in self._on_their_way if one[0] is not None]
        for form in overtaken:
            self._act_unheard(form, self.clock())

    def _act_unheard(self, form: Mapping[str, str], at: datetime) -> None:
        with suppress(_Error):
            self._act(form, _named(form), at)

    def _admit(self, key: str) -> Mapping[str, str]:
        now = self.clock()
        # The address is counted before the key is looked at, so invalid keys cost as well.
        _take(self._ip, "ip", now)
        if key not in self.keys:
            raise _Error(403, "Invalid API key", _headers(self._ip))
        window = self._by_key.setdefault(key, _Window(self.key_limit))
        _take(window, "key", now)
        if self.keys[key].suspended:
            raise _Error(403, "Account suspended", _headers(window))
        return _headers(window)

    def _act(self, form: Mapping[str, str], orders: tuple[str, ...], at: datetime | None = None) -> Any:
        key, single = form["key"], "order" in form
        match form.get("action"):
            case "balance":
                return {"balance": f"{self.keys[key].balance:.2f}", "currency": "USD"}
            case "cancel" | "refill" as action:
                _check(form, orders)
                act = partial(self._cancel_one, at=at) if action == "cancel" else self._refill_one
                return _answered([{"order": order, **act(key, order)} for order in orders], action, single=single)
            case "status":
                _check(form, orders)
                return self._status(key, orders, single=single)
            case "webhook.add":
                return self._add_webhook(key, form.get("url", ""))
            case None:
                raise _Error(400, "Missing required parameter: action")
            case action:
                raise _Error(400, f"Unknown action: {action}")

    def _add_webhook(self, key: str, url: str) -> dict[str, str]:
        """Take an address, or refuse it; the docs give neither the words nor the names in the answer."""
        if not url.startswith("https://"):
            raise _Error(400, "Webhook URL must be a public https address")
        taken = self.webhooks.setdefault(key, {})
        if len(taken) >= _MOST_WEBHOOKS:
            raise _Error(400, "Webhook limit reached for this key")
        taken[url] = f"whsec_{len(taken)}{'0123456789abcdef' * 2}"
        return {"webhook": f"wh_{len(taken):012}", "secret": taken[url]}

    def _cancel_one(self, key: str, order_id: str, at: datetime | None = None) -> dict[str, str]:
        order = self._find(key, order_id)
        if order is None:
            return {"error": "Order not found"}
        if read_status(order.status).is_final:
            return {"error": "Order cannot be cancelled (already completed)"}
        if not order.cancellable:
            return {"error": "Service does not support cancellation"}
        self.cancel_requests[order_id] += 1
        if read_status(order.status) is OrderStatus.PENDING:
            self._end(order, "canceled")
        elif order.queued_at is None:
            order.queued_at = at or self.clock()
        return {"cancel": order_id}

    def _refill_one(self, key: str, order_id: str) -> dict[str, str]:
        """Take a refill, or refuse it for one of the documented reasons; the docs do not give the words."""
        order, now = self._find(key, order_id), self.clock()
        if order is None:
            return {"error": "Order not found"}
        if read_status(order.status) not in (OrderStatus.COMPLETED, OrderStatus.PARTIAL):
            return {"error": "Order is not completed or partial"}
        if order.refilled_at and now < order.refilled_at + self.refill_takes:
            return {"error": "A refill of this order is already open"}
        if order.refills >= _MOST_REFILLS:
            return {"error": "Refill limit reached for this order"}
        order.refills, order.refilled_at = order.refills + 1, now
        self.refill_requests[order_id] += 1
        return {"refill": f"ref_{self.refill_requests.total():012}"}

    def _status(self, key: str, orders: tuple[str, ...], *, single: bool) -> Any:
        rows = {order: self._status_one(key, order) for order in orders}
        if not single:
            return rows
        row = rows[orders[0]]
        if "error" in row:
            raise _Error(400, row["error"])
        return row

    def _status_one(self, key: str, order_id: str) -> dict[str, str]:
        order = self._find(key, order_id)
        if order is None:
            return {"error": "Order not found"}
        return {
            "status": order.status,
            "charge": f"{order.charge:.2f}",
            "start_count": "1234",
            "remains": str(order.remains),
            "currency": "USD",
        }

    def _find(self, key: str, order_id: str) -> Order | None:
        order = self.orders.get(order_id)
        return order if order and self._accounts.get(order.key) == self._accounts[key] else None

    def _upstream(self) -> None:
        """Let the provider end what it was asked to cancel long enough ago."""
        for order in self.orders.values():
            queued_at = None if read_status(order.status).is_final else order.queued_at
            if queued_at and self.clock() >= queued_at + order.upstream.after:
                self._end(order, order.upstream.ends_as, order.upstream.refunds)

    def _end(self, order: Order, status: str, refunds: Decimal = Decimal(1)) -> None:
        order.status = status
        if status == "completed":
            order.remains = 0
            return
        delivered = Decimal(order.quantity - order.remains) / order.quantity
        kept = round(order.charge * (delivered if status == "partial" else 1 - refunds), 2)
        if order.key in self.keys:
            self.keys[order.key].balance += order.charge - kept
        order.charge = kept


def _named(form: Mapping[str, str]) -> tuple[str, ...]:
    single, batch = form.get("order", ""), form.get("orders", "")
    return tuple(filter(None, [single, *batch.split(",")]))


def _answered(rows: list[dict[str, str]], action: str, *, single: bool) -> Any:
    if not single:
        return rows
    if "error" in rows[0]:
        raise _Error(400, rows[0]["error"])
    return {action: rows[0][action]}


def _check(form: Mapping[str, str], orders: tuple[str, ...]) -> None:
    if not orders:
        raise _Error(400, "Missing required parameter: order or orders")
    if "order" in form and "orders" in form:
        raise _Error(400, "Use either order or orders, not both")
    if len(orders) > MAX_BATCH:
        raise _Error(400, f"Too many orders: at most {MAX_BATCH}")


def _take(layer: _Window, name: str, now: datetime) -> None:
    if not layer.take(now):
        raise _Error(429, "Rate limit exceeded", {**_headers(layer), "X-RateLimit-DeniedBy": name})


def _headers(window: _Window) -> dict[str, str]:
    assert window.resets_at is not None
    return {
        "X-RateLimit-Limit": str(window.limit),
        "X-RateLimit-Remaining": str(window.limit - window.used),
        "X-RateLimit-Reset": str(int(window.resets_at.timestamp())),
        "X-RateLimit-Tier-Remaining": "1000",
    }
