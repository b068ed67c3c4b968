"""asyncpg: it has no types that a checker could read, and is installed only where a ledger is in PostgreSQL."""

from typing import Any

from bot.ledger.errors import LedgerNeedsAsyncpg

try:
    import asyncpg  # pyright: ignore[reportMissingTypeStubs]
except ModuleNotFoundError:
    raise LedgerNeedsAsyncpg from None

pg: Any = asyncpg
