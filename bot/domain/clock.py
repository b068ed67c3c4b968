"""Time, handed to whatever decides by it so that tests can say what time it is."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]


def utc_now() -> datetime:
    """Return the present as an aware UTC time."""
    return datetime.now(UTC)
