"""What all tests of the ledger begin with."""

from collections.abc import AsyncGenerator, Generator

import pytest

from tests.ledger.ledger_case import ANN, KEY, LedgerCase, connect, opened
from tests.ledgers import Below, InPostgres
from tests.postgres import Postgres
from tests.world import Clock


@pytest.fixture
async def ledger_case(below: Below) -> AsyncGenerator[LedgerCase]:
    """A new ledger with one connected user."""
    clock = Clock()
    async with opened(below.database, clock) as ledger:
        async with ledger.write() as tx:
            account = await connect(tx, ANN, KEY)
        yield LedgerCase(below, ledger, account, clock)


@pytest.fixture
def base(postgres: Postgres) -> Generator[InPostgres]:
    """A database of PostgreSQL's with an empty ledger."""
    made = InPostgres(postgres)
    yield made
    made.drop()


@pytest.fixture
def bare(postgres: Postgres) -> Generator[InPostgres]:
    """A database of PostgreSQL's with nothing in it."""
    made = InPostgres(postgres, migrated=False)
    yield made
    made.drop()
