"""What all tests of the ledger begin with."""

from collections.abc import AsyncGenerator

import pytest

from bot.store import (
    Ledger,
)
from tests.ledgers import Below
from tests.store.books import ANN, KEY, Books, connect


@pytest.fixture
async def books(below: Below) -> AsyncGenerator[Books]:
    """A new ledger with one connected user."""
    async with Ledger.open(below.database) as ledger:
        async with ledger.write() as tx:
            account = await connect(tx, ANN, KEY)
        yield Books(below, ledger, account)
