"""Thousands of commands in one instant: first answers come before work, and what is too much is told so at once."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.ops import admission
from bot.ops.admission import Admission
from bot.ops.metrics import value
from tests.world import World, shown

pytestmark = pytest.mark.usefixtures("env")


@pytest.mark.parametrize("command", ["cancel", "status", "queued", "key set"])
async def test_what_is_too_much_is_told_so_and_nothing_is_done(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    here.order("ord_A")
    before = len(here.panel.calls)
    monkeypatch.setattr(admission, "MOST_AT_WORK", 0)
    refused = await ann.slash(command, **({"orders": "ord_A"} if command in ("cancel", "status") else {}))
    assert refused.ephemeral
    assert refused.response.content.startswith("Nothing was done: too many people")
    await here.settle()
    assert len(here.panel.calls) == before
    assert await here.app.ledger.read.request(1) is None
    assert value(here.app.services.metrics.turned_away) == 1


async def test_what_is_done_makes_room(here: World, ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MOST_AT_WORK", 1)
    for _ in range(3):
        assert "Nothing was done" not in shown(await ann.slash("queued"))


async def test_work_begins_after_the_first_answers_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, order = Admission(), list[str]()

    async def come(name: str) -> None:
        async with desk.answering():
            order.append(f"answer {name}")
            await asyncio.sleep(0)
        await desk.after_answers()
        order.append(f"work {name}")

    async with AsyncExitStack() as others:
        for _ in range(admission._ANSWERS_AT_ONCE - 1):
            await others.enter_async_context(desk.answering())
        await asyncio.gather(come("a"), come("b"), come("c"))
    assert order[:3] == ["answer a", "answer b", "answer c"]
    assert sorted(order[3:]) == ["work a", "work b", "work c"]


async def test_one_who_gives_up_waiting_holds_nobody_up() -> None:
    desk = Admission()
    async with AsyncExitStack() as others:
        for _ in range(admission._ANSWERS_AT_ONCE):
            await others.enter_async_context(desk.answering())
        waiting = asyncio.ensure_future(desk.answering().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await desk.after_answers()
    async with desk.answering():
        pass
