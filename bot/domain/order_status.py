"""How an order stands, by the panel's status word."""

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
