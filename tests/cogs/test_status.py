"""/status of more orders than one call takes."""

from typing import Any

import pytest

from bot.panel import Answer
from tests.world import World, shown

pytestmark = pytest.mark.usefixtures("env")


async def test_what_was_answered_is_shown_although_a_later_call_failed(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{number:03}") for number in range(150)]
    here.wire.faults = [lambda answer: answer, Answer(503, "")]
    result = await ann.slash("status", orders=" ".join(orders))
    assert "50 orders were not asked about. NotPanel can't be reached right now." in shown(result)
    text = shown(result)
    assert text.startswith("### 100 pending · 50 not asked about\n-# 150 orders · updated <t:")
    assert "`ord_000`" in text
    assert "The file has every order." in text
    (file,) = result.response.attachments
    assert file.filename == "status-2026-01-01-150-orders.csv"
    lines = (await file.read()).decode("utf-8-sig").splitlines()[1:]
    assert [line.split(",")[1] for line in lines[:100]] == ["pending"] * 100
    assert [line.split(",")[-1] for line in lines[100:]] == ["not asked"] * 50


async def test_a_key_removed_between_two_calls_is_not_used_again(here: World, ann: Any) -> None:
    async def removed_meanwhile(answer: Answer) -> Answer:
        await here.app.services.accounts.remove(ann.id)
        return answer

    here.wire.faults = [removed_meanwhile]
    result = await ann.slash("status", orders=" ".join(f"ord_{number}" for number in range(250)))
    assert "150 orders were not asked about. The key was removed." in shown(result)
    assert "`ord_0`" in shown(result)  # what was answered is told
    assert [call.action for call in here.panel.calls] == ["balance", "status"]
