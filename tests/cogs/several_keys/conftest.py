"""A user with two keys, in place of the one that other tests have."""

from typing import Any

import pytest

from tests.cogs.several_keys.shop import SHOP
from tests.world import World


@pytest.fixture
async def ann(here: World, env: Any) -> Any:
    """A user with two keys: "main", the default, and "Shop"."""
    with env.time_context():
        user = env.create_user("ann")
        here.panel.add_key(SHOP)
        await here.connect(user)
        await here.connect(user, SHOP, "Shop")
    return user
