"""The NotPanel protocol and nothing else: the only room that imports httpx."""

from bot.domain.order_status import OrderStatus, read_status
from bot.panel.client import CALL_DEADLINE, MAX_BATCH, Called, Panel, host_called
from bot.panel.errors import (
    InvalidKey,
    PanelError,
    RateLimited,
    Refused,
    Suspended,
    TurnedAway,
    Unavailable,
    Unintelligible,
    is_of_a_fault,
)
from bot.panel.in_process import Answer, in_process
from bot.panel.probe import Probed, probe
from bot.panel.replies import (
    Accepted,
    Balance,
    CancelRow,
    Limits,
    OrderReading,
    Refill,
    RefillRow,
    Reply,
    RowError,
    StatusRow,
    read_date,
)

__all__ = [
    "CALL_DEADLINE",
    "MAX_BATCH",
    "Accepted",
    "Answer",
    "Balance",
    "Called",
    "CancelRow",
    "InvalidKey",
    "Limits",
    "OrderReading",
    "OrderStatus",
    "Panel",
    "PanelError",
    "Probed",
    "RateLimited",
    "Refill",
    "RefillRow",
    "Refused",
    "Reply",
    "RowError",
    "StatusRow",
    "Suspended",
    "TurnedAway",
    "Unavailable",
    "Unintelligible",
    "host_called",
    "in_process",
    "is_of_a_fault",
    "probe",
    "read_date",
    "read_status",
]
