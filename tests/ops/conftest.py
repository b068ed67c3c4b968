"""What asks a bot over HTTP."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.ops.http.server import application
from tests.world import World


@pytest.fixture
async def web(here: World) -> AsyncGenerator[TestClient[Any, Any]]:
    """What asks the bot over HTTP."""
    async with TestClient(TestServer(application(here.app.services.health, here.app.services.webhooks))) as client:
        yield client
