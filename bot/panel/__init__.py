"""The NotPanel protocol and nothing else: the only room that imports httpx."""

from bot.panel.client import CALL_DEADLINE, MAX_BATCH, Called, Panel, host_called
from bot.panel.errors import (
    Blocked,
    InvalidKey,
    PanelError,
    RateLimited,
    Refused,
    Suspended,
    Unavailable,
    UnexpectedResponse,
)
from bot.panel.in_process import Answer, in_process
from bot.panel.probe import probe
from bot.panel.replies import read_date

__all__ = [
    "CALL_DEADLINE",
    "MAX_BATCH",
    "Answer",
    "Blocked",
    "Called",
    "InvalidKey",
    "Panel",
    "PanelError",
    "RateLimited",
    "Refused",
    "Suspended",
    "Unavailable",
    "UnexpectedResponse",
    "host_called",
    "in_process",
    "probe",
    "read_date",
]
