"""How PostgreSQL goes about the ledger's statements: each is planned once, and none goes through a whole table."""

import re
from datetime import UTC, datetime
from typing import Any

from bot.ledger import Ledger
from bot.ledger.postgresql.connections import connect_freely
from bot.ledger.postgresql.engine import POSTGRES_QUERIES
from tests.benchmarks import grown
from tests.ledger.ledger_case import connect
from tests.ledgers import InPostgres

_LARGE = ("cancellations", "request_orders", "notices", "notice_items")
"""Of so few orders the requests, a tenth as many, are read as quickly as an index of theirs."""
_ACCOUNTS, _ENDED = 300, 60_000
_NAMES = sorted(name for name in POSTGRES_QUERIES.available_queries if not name.endswith("_cursor"))


async def test_a_statement_is_planned_once_however_often_it_is_run(base: InPostgres) -> None:
    async with Ledger.open(base.database) as ledger, ledger.write() as tx:
        account = await connect(tx, 1, b"a-key")
        for _ in range(3):
            await tx.enqueue_notifications(account.id)
        plans = "SELECT SUM(custom_plans) FROM pg_prepared_statements WHERE statement LIKE '%notified_at%'"
        assert [tuple(row) for row in await tx._db.rows(plans)] == [(0,)]


async def test_no_table_that_grows_is_read_from_end_to_end(base: InPostgres) -> None:
    async with Ledger.open(base.database) as ledger, ledger.write() as tx:
        for user_id in range(1, _ACCOUNTS + 1):
            await tx.place_account(user_id, "main")
    await grown.write(base.database, _ACCOUNTS, _ENDED, datetime(2026, 1, 1, tzinfo=UTC))
    link = await connect_freely(base.database)
    for eager in ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"):
        await link.execute(f"SET {eager} = 0")
    try:
        plans = {name: await _plan(link, getattr(POSTGRES_QUERIES, name).sql) for name in _NAMES}
    finally:
        await link.close()
    whole = re.compile(rf"Seq Scan on ({'|'.join(_LARGE)})\b")
    assert len(plans) > 100
    assert [name for name, plan in plans.items() if any(map(whole.search, plan))] == []
    assert [name for name, plan in plans.items() if any("Gather" in step for step in plan)] == []


async def _plan(link: Any, sql: str) -> list[str]:
    """Return the steps of a statement as the bot's own are planned: whatever its parameters are."""
    await link.execute(f"PREPARE one AS {sql.strip().removesuffix(';')}")
    count = await link.fetchval("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'one'")
    values = f"({', '.join(['NULL'] * count)})" if count else ""
    plan = [step for (step,) in await link.fetch(f"EXPLAIN EXECUTE one{values}")]
    await link.execute("DEALLOCATE one")
    return plan
