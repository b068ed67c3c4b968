"""What all tests of the ledger begin with."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.store import (
    Ledger,
)
from tests.store.books import ANN, KEY, Books, connect


@pytest.fixture
async def books(tmp_path: Path) -> AsyncGenerator[Books]:
    """A new ledger with one connected user."""
    path = tmp_path / "ledger.sqlite3"
    async with Ledger.open(path) as ledger:
        async with ledger.write() as tx:
            account = await connect(tx, ANN, KEY)
        yield Books(path, ledger, account)
