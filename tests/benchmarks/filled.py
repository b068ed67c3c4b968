"""A ledger after years of use: a million cancellations of 5,000 accounts, 50,000 of them still open.

Rows lie in the order of time, as they do where all accounts work side by side. Of an account's 200 orders one is
open; of every tenth account's 91 are, so that there are accounts with nearly a full batch. What is open is queued at
the provider, but in every fiftieth account it is yet to be sent. Looks fall due during the next quarter of an hour.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from pydantic import SecretStr

from bot.settings import Settings
from bot.vault import Purpose, open_vault
from tests.wire.stage import KEY

ACCOUNTS = 5_000
ROWS = 200 * ACCOUNTS
FIRST = 2
"""The first account's id, which is its user's as well; below it are those made by commands."""
ONE_OPEN = range(FIRST + 1, FIRST + ACCOUNTS, 10)
"""Some of the accounts with one order queued."""
MANY_QUEUED = [FIRST + place for place in range(0, ACCOUNTS, 10) if place % 50]
MANY_TO_SEND = range(FIRST, FIRST + ACCOUNTS, 50)


def key_of(account: int) -> str:
    """Return the API key of an account."""
    return f"{KEY}-{account}"


def fill(folder: Path, accounts: int = ACCOUNTS, rows: int = ROWS) -> None:
    """Write all this, or as much, into the ledger that the bot has begun in a folder.

    It is the only place that knows its columns.
    """
    vault = open_vault(Settings(_env_file=None, data_dir=folder), first_start=False)
    numbers = {"first": FIRST, "accounts": accounts, "rows": rows, "now": int(time.time() * 1000)}
    with closing(sqlite3.connect(folder / "ledger.sqlite3", isolation_level=None)) as ledger:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000"):
            ledger.execute(f"PRAGMA {pragma}")
        ledger.execute("BEGIN")
        for account in range(FIRST, FIRST + accounts):
            sealed = vault.seal(Purpose.PANEL_KEY, account, SecretStr(key_of(account)), account)
            ledger.execute(_ACCOUNT, {**numbers, "id": account, "sealed": sealed})
        for statement in (_REQUESTS, _CANCELLATIONS, _REQUEST_ORDERS):
            ledger.execute(statement, numbers)
        ledger.execute("COMMIT")


_ACCOUNT = """
    INSERT INTO accounts (id, user_id, name, folded, is_default, key_sealed, state, changed_at)
    VALUES (:id, :id, 'main', 'main', 1, :sealed, 'active', :now)
"""
_REQUESTS = """
    WITH RECURSIVE places (k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM places WHERE k < :rows / 10 - 1)
    INSERT INTO requests (id, account_id, user_id, state, orders, waiting, ignored, repeats, channel_id, card_until,
                          created_at, began_at)
    SELECT k + 1, k % :accounts + :first, k % :accounts + :first, 'going', 10, 0, '[]', 0, 1, 0, :now, :now FROM places
"""
_CANCELLATIONS = """
    WITH RECURSIVE places (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM places WHERE i < :rows - 1),
    orders AS (
        SELECT i % :accounts AS account, i / :accounts AS nth, :rows / :accounts - i / :accounts AS age,
               i % :accounts % 10 = 0 AS busy
        FROM places
    ),
    lives AS (
        SELECT *, age <= CASE WHEN busy THEN 91 ELSE 1 END AS open,
               :now - age * 1800000 - CASE WHEN age <= 91 THEN 0 ELSE 300000000 END AS asked
        FROM orders
    )
    INSERT INTO cancellations (request_id, account_id, user_id, order_id, state, checks, status_word,
                               created_at, changed_at, sent_at, queued_at, ended_at, notified_at, due_at)
    SELECT nth / 10 * :accounts + account + 1, account + :first, account + :first, 'ord_' || account || 'x' || nth,
           CASE WHEN NOT open THEN 'cancelled' WHEN account % 50 = 0 THEN 'requested' ELSE 'queued' END,
           CASE WHEN open AND account % 50 = 0 THEN 0 ELSE 3 END,
           CASE WHEN NOT open THEN 'canceled' WHEN account % 50 = 0 THEN NULL ELSE 'in_progress' END, asked,
           asked, CASE WHEN NOT open OR account % 50 THEN asked END,
           CASE WHEN NOT open AND nth % 2 OR open AND account % 50 THEN asked END,
           CASE WHEN NOT open THEN asked + 2400000 END, CASE WHEN NOT open THEN asked + 2400000 END,
           CASE WHEN open THEN :now + account % 900 * 1000 END
    FROM lives
"""
_REQUEST_ORDERS = """
    INSERT INTO request_orders (request_id, position, cancellation_id)
    SELECT request_id, (id - 1) / :accounts % 10, id FROM cancellations
"""
