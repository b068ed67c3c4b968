"""What the rules about commands begin with."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.client import COGS, Client, Translator
from bot.store import Ledger


@pytest.fixture
async def client(tmp_path: Path) -> AsyncGenerator[Client]:
    """The bot's client with all its commands, not logged in."""
    async with Ledger.open(tmp_path / "ledger.sqlite3") as ledger, Client(ledger) as made:
        await made.tree.set_translator(Translator())
        for cog in COGS:
            await made.load_extension(cog)
        yield made
