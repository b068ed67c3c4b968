"""The panel's status words, folded into an enum; words it does not know are kept beside it."""

import re
from enum import StrEnum


class OrderStatus(StrEnum):
    """What a status word means. Only `in_progress` stands in the NotPanel docs; the others are inferred."""

    PENDING = "pending"
    PROCESSING = "processing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    PARTIAL = "partial"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Tell whether the order can no longer change; an unknown word never says so."""
        return self in _FINAL


_FINAL = frozenset(
    {
        OrderStatus.COMPLETED,
        OrderStatus.PARTIAL,
        OrderStatus.CANCELLED,
        OrderStatus.REFUNDED,
        OrderStatus.FAILED,
    }
)

_WORDS = {
    "pending": OrderStatus.PENDING,
    "processing": OrderStatus.PROCESSING,
    "inprogress": OrderStatus.IN_PROGRESS,
    "completed": OrderStatus.COMPLETED,
    "partial": OrderStatus.PARTIAL,
    "cancelled": OrderStatus.CANCELLED,
    "canceled": OrderStatus.CANCELLED,
    "refunded": OrderStatus.REFUNDED,
    "failed": OrderStatus.FAILED,
    "fail": OrderStatus.FAILED,
    "error": OrderStatus.FAILED,
}


def read_status(word: str) -> OrderStatus:
    """Return what a status word means, whatever its case, spaces, `_` and `-`."""
    return _WORDS.get(re.sub(r"[\s_-]+", "", word).casefold(), OrderStatus.UNKNOWN)
