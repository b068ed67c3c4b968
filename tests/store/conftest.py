"""What all tests of the ledger begin with."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.store import (
    Ledger,
)
from tests.store.books import ANN, KEY, Books
from tests.world import START


@pytest.fixture
async def books(tmp_path: Path) -> AsyncGenerator[Books]:
    """A new ledger with one connected user."""
    path = tmp_path / "ledger.sqlite3"
    async with Ledger.open(path) as ledger:
        async with ledger.write() as tx:
            account_id = await tx.save_key(ANN, KEY, START)
        yield Books(path, ledger, await ledger.read.account(account_id))
