"""Calls are never cut short by whoever waits for them, and the connection pool survives everything."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.domain.panel_answers import Accepted
from bot.panel import Answer, Panel, Unavailable, in_process
from tests.panel.fakes import KEY, YES, loopback, panel_over
from tests.panel.lines import listening, url_of


class Gate:
    """A panel that answers nothing until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun = 0
        self.done = 0

    async def answer(self, _form: Mapping[str, str]) -> Answer:
        self.begun += 1
        await self.open.wait()
        self.done += 1
        return YES


async def passes(times: int) -> None:
    """Let every task that can go on do so."""
    for _ in range(times):
        await asyncio.sleep(0)


async def test_ten_thousand_cancelled_callers_cut_no_call_short() -> None:
    gate = Gate()
    panel = panel_over(in_process(gate.answer))
    for _ in range(10):
        callers = [asyncio.create_task(panel.cancel(KEY, ["a"])) for _ in range(1_000)]
        while gate.begun % 1_000 or not gate.begun:
            await passes(1)
        gate.begun = 0
        for caller in callers:
            caller.cancel()
        assert all(isinstance(end, asyncio.CancelledError) for end in await gathered(callers))
    assert gate.done == 0
    gate.open.set()
    assert (await panel.cancel(KEY, ["a"])).rows == {"a": Accepted()}
    await panel.aclose()
    assert gate.done == 10_001


async def test_cancelled_callers_do_not_use_up_the_connection_pool() -> None:
    """Without the shield ten connections are used up after some hundred such calls (httpcore issue 1093)."""

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(text='{"cancel":"a"}')

    async with loopback(handle) as url:
        ten = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=10))
        panel = Panel(url, transport=ten)
        for wave in range(60):
            callers = [asyncio.create_task(panel.cancel(KEY, ["a"])) for _ in range(10)]
            await passes(wave % 40)
            for caller in callers:
                caller.cancel()
            await gathered(callers)
            assert (await panel.cancel(KEY, ["a"])).rows == {"a": Accepted()}
        await panel.aclose()


async def gathered(tasks: list[asyncio.Task[Any]]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_closing_waits_for_the_call_of_a_caller_that_has_gone() -> None:
    gate = Gate()
    panel = panel_over(in_process(gate.answer))
    caller = asyncio.create_task(panel.cancel(KEY, ["a"]))
    while not gate.begun:
        await passes(1)
    caller.cancel()
    closing = asyncio.create_task(panel.aclose())
    await passes(20)
    assert not closing.done()
    gate.open.set()
    await closing
    assert gate.done == 1


async def test_what_has_not_ended_when_closing_waits_no_longer_is_cut_off() -> None:
    """Another process may take over what this one did: nothing of it may be on its way then."""
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        caller = asyncio.create_task(panel.cancel(KEY, ["a"]))
        line = await lines.get()
        await line.request()
        await panel.aclose(patience=0)
        await line.end()
        assert [type(end) for end in await gathered([caller])] == [asyncio.CancelledError]


async def test_a_stuck_pool_is_replaced_and_the_calls_on_it_end_first() -> None:
    class Stuck(httpx.AsyncBaseTransport):
        """Hangs the first call, finds no connection for the second, answers the others."""

        def __init__(self) -> None:
            self.gate = asyncio.Event()
            self.calls = self.closed = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.calls += 1
            if self.calls == 1:
                await self.gate.wait()
            if self.calls == 2:
                raise httpx.PoolTimeout("")
            return httpx.Response(200, json={"cancel": "a"})

        async def aclose(self) -> None:
            self.closed += 1

    transport = Stuck()
    panel = panel_over(transport)
    first = asyncio.create_task(panel.cancel(KEY, ["a"]))
    while not transport.calls:
        await passes(1)
    with pytest.raises(Unavailable) as caught:
        await panel.cancel(KEY, ["a"])
    assert not caught.value.may_have_acted
    assert (await panel.cancel(KEY, ["a"])).rows == {"a": Accepted()}
    assert transport.closed == 0
    transport.gate.set()
    assert (await first).rows == {"a": Accepted()}
    await passes(20)
    assert transport.closed == 1
    await panel.aclose()
    assert transport.closed == 2
