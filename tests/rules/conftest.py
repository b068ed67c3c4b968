"""What the rules about commands begin with."""

from collections.abc import AsyncGenerator

import pytest

from bot.client import COGS, Client, Translator


@pytest.fixture
async def client() -> AsyncGenerator[Client]:
    """The bot's client with all its commands, not logged in."""
    async with Client() as made:
        await made.tree.set_translator(Translator())
        for cog in COGS:
            await made.load_extension(cog)
        yield made
