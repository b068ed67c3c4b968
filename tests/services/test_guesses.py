"""Whoever has keys refused, one after the other, waits ever longer before the next is checked."""

from typing import Any

import pytest

from tests.world import KEY, World

pytestmark = pytest.mark.usefixtures("env")


async def test_after_five_refused_keys_the_next_is_not_checked_for_a_while(here: World) -> None:
    eve: Any = here.env.create_user("eve")
    for number in range(5):
        assert "doesn't accept this key" in await here.connect(eve, f"np-guessed-key-{number}")
    calls = len(here.panel.calls)
    text = await here.connect(eve, KEY)
    assert "NotPanel refused your last keys" in text
    assert len(here.panel.calls) == calls
    here.skip(61)
    assert "doesn't accept" in await here.connect(eve, "np-guessed-key-9")
    here.skip(61)
    assert "refused your last keys" in await here.connect(eve, KEY)
    here.skip(61)
    assert "Connected" in await here.connect(eve, KEY)
    assert "doesn't accept" in await here.connect(eve, "np-guessed-key-9")
