"""Orders that have ended, by the million, written past the bot into a ledger of either engine, and some that are open.

Every account has an order every half an hour, back to when its first one ended, in requests of ten. Each request has a
message that tells of those that were queued, half of them. The newest orders of each are open, watched and not due
for half an hour. Indexes are made after the rows and, in PostgreSQL, statistics gathered, as it does by itself in time.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from bot.ledger import Database

OPEN = 50
"""Open orders of each account."""


async def write(database: Database, accounts: int, ended: int, now: datetime) -> None:
    """Write so many orders, as of that time, into a ledger that holds accounts from 1 to `accounts` and nothing else.

    `ended`: of all accounts together; ten of each at least, and a multiple of that. Each account is of the user of its
    number.
    """
    numbers = {
        "accounts": accounts,
        "each": ended // accounts,  # of one account have ended
        "rows": ended + OPEN * accounts,
        "open": OPEN,
        "requests": (ended + OPEN * accounts) // 10,
        "told": ended // 10,
        "now": int(now.timestamp() * 1000),
    }
    statements = [statement.format(**numbers) for statement in _ROWS]
    if isinstance(database, Path):
        _into_file(database, statements)
    else:
        await _into_server(database.get_secret_value(), statements)


def _into_file(path: Path, statements: Sequence[str]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as ledger:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
            ledger.execute(f"PRAGMA {pragma}")
        made = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        aside = ledger.execute(made).fetchall()
        for kind, name, _ in aside:
            ledger.execute(f"DROP {kind} {name}")
        for statement in (*statements, *(sql for _, _, sql in aside)):
            ledger.execute(statement)


async def _into_server(url: str, statements: Sequence[str]) -> None:
    ledger: Any = await asyncpg.connect(url)
    try:
        made = """
            SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
            AND indexname NOT IN (SELECT conname FROM pg_constraint)
        """
        aside = await ledger.fetch(made)
        await ledger.execute("SET session_replication_role = replica")  # without triggers
        await ledger.execute("SET maintenance_work_mem = '1GB'")
        for name, _ in aside:
            await ledger.execute(f"DROP INDEX {name}")
        for statement in (*statements, *(sql for _, sql in aside), "VACUUM ANALYZE"):
            await ledger.execute(statement)
    finally:
        await ledger.close()


_PLACES = """
    WITH RECURSIVE places (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM places WHERE i < {rows} - 1),
    orders AS (SELECT i % {accounts} + 1 AS account, i / {accounts} AS nth FROM places),
    lives AS (
        SELECT *, CASE WHEN nth < {each} THEN 0 ELSE 1 END AS is_open,
               CASE WHEN nth < {each} THEN {now} - ({each} - nth + 1) * 1800000
                    ELSE {now} - ({each} + {open} - nth) * 600000 END AS asked
        FROM orders
    )
"""
_ROWS = (
    _PLACES.replace("{rows}", "{requests}").replace("nth <", "nth * 10 <").replace("- nth", "- nth * 10")
    + """
    INSERT INTO requests (account_id, user_id, state, orders, waiting, ignored, repeats, channel_id, card_until,
                          created_at, began_at)
    SELECT account, account, 'going', 10, 0, '[]', 0, 1, 0, asked, asked FROM lives
    """,
    _PLACES
    + """
    INSERT INTO cancellations (request_id, account_id, user_id, order_id, state, checks, status_word, remains,
                               charge_first, charge_last, currency, refund, created_at, changed_at, sent_at,
                               checked_at, queued_at, ended_at, notified_at, due_at)
    SELECT nth / 10 * {accounts} + account, account, account,
           'ord_' || CAST(nth * {accounts} + account AS TEXT),
           CASE is_open WHEN 1 THEN 'queued' ELSE 'cancelled' END, 3,
           CASE is_open WHEN 1 THEN 'in_progress' ELSE 'canceled' END, '1000', '0.50',
           CASE is_open WHEN 1 THEN '0.50' ELSE '0.00' END, 'USD', CASE is_open WHEN 0 THEN 'charge' END,
           asked, asked, asked, asked, CASE WHEN is_open = 1 OR nth % 2 = 1 THEN asked END,
           CASE is_open WHEN 0 THEN asked + 1200000 END, CASE is_open WHEN 0 THEN asked + 1200000 END,
           CASE is_open WHEN 1 THEN {now} + 1800000 + account * 1000 END
    FROM lives
    """,
    """
    INSERT INTO request_orders (request_id, position, cancellation_id)
    SELECT request_id, (id - 1) / {accounts} % 10, id FROM cancellations ORDER BY request_id, id
    """,
    """
    INSERT INTO notices (user_id, nonce, state, attempts, created_at, first_attempt_at, sent_at, message_id,
                         channel_id, request_id, tried_item, shown_item)
    SELECT user_id, CAST(id AS TEXT), 'delivered', 1, created_at, created_at, created_at, id, user_id, id,
           id * 5, id * 5
    FROM requests WHERE id <= {told} ORDER BY requests.id
    """,
    """
    INSERT INTO notice_items (notice_id, kind, cancellation_id)
    SELECT request_id, 'ended', id FROM cancellations WHERE ended_at IS NOT NULL AND queued_at IS NOT NULL ORDER BY id
    """,
)
