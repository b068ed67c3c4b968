"""What the panel can say of an order, a refill, a balance and its limits, whatever its wire looks like."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.order_status import OrderStatus
from bot.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Accepted:
    """The panel answered "success" for an order: refunded at once or only queued, it does not say which."""


@dataclass(frozen=True, slots=True)
class Refill:
    """The panel took a request to refill an order, and gave it this ID; that anything was delivered it does not say."""

    id: str


@dataclass(frozen=True, slots=True)
class RowError:
    """The panel's message about an order that it will not deal with, and what it means."""

    panel_message: str
    reason: Reason = Reason.OTHER


@dataclass(frozen=True, slots=True)
class OrderReading:
    """An order's status as the panel tells it; numbers stay the text that it wrote."""

    status: OrderStatus
    word: str
    charge: str | None = None
    start_count: str | None = None
    remains: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left on an account, as the panel wrote it."""

    balance: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The X-RateLimit-* headers, where there are any; `reset` ends the window."""

    limit: int | None = None
    remaining: int | None = None
    reset: datetime | None = None
    tier_remaining: int | None = None


CancelRow = Accepted | RowError
RefillRow = Refill | RowError
StatusRow = OrderReading | RowError
