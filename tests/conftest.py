"""What all tests share."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import simcord
from hypothesis import settings

from tests.world import World, world

# The machines that run these tests are noisy; speed is measured in benchmarks.
settings.register_profile("here", deadline=None)
settings.load_profile("here")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that sets a world's settings."""
    config.addinivalue_line("markers", "settings(**values): settings of the bot in this test's world")


@pytest.fixture
async def here(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncGenerator[World]:
    """A world of its own for a test, with the settings of its marker."""
    marker = request.node.get_closest_marker("settings")
    async with world(tmp_path, **(marker.kwargs if marker else {})) as made:
        yield made


@pytest.fixture
def env(here: World) -> simcord.Env:
    """The simulated Discord; SimCord's plugin puts a test under the clock of the Env among its fixtures."""
    return here.env


@pytest.fixture
async def ann(here: World, env: simcord.Env) -> Any:
    """A user with a key, in a DM with the bot."""
    with env.time_context():
        user = env.create_user("ann")
        await here.connect(user)
    return user
