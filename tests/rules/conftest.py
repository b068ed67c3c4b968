"""What the rules about commands begin with."""

from collections.abc import AsyncGenerator

import pytest

from bot.client import Client, Translator
from cogs.registry import add_cogs


@pytest.fixture
async def client() -> AsyncGenerator[Client]:
    """The bot's client with all its commands, not logged in."""
    async with Client(add_cogs=add_cogs) as made:
        await made.tree.set_translator(Translator())
        await add_cogs(made)
        yield made
