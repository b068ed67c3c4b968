"""A call is over when its deadline is, whatever the panel does: no answer, or one that comes byte by byte."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pydantic import SecretStr

from bot.domain.panel_answers import Accepted
from bot.panel import CALL_DEADLINE, Panel, Unavailable, probe
from bot.panel.client import TIMEOUTS
from tests.panel.fakes import KEY
from tests.panel.lines import Time, clock_of_loop, listening, rounds, url_of

STEP = 9
"""Seconds between two bytes: less than any time-out of a single step."""
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"cancel":"a"' + b" " * 1000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 100
GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"cancel":"a"}'


@pytest.fixture
async def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The clock of the test's own loop."""
    return clock_of_loop(monkeypatch)


@pytest.mark.parametrize("answer", [ANSWER[:200], ANSWER[45:], CHUNKED], ids=["head", "body", "chunks"])
@pytest.mark.parametrize("call", ["cancel", "status", "balance"])
async def test_an_answer_that_comes_byte_by_byte_is_given_up_at_the_deadline(
    time: Time, answer: bytes, call: str
) -> None:
    asks: dict[str, Callable[[Panel], Awaitable[object]]] = {
        "cancel": lambda panel: panel.cancel(KEY, ["a"]),
        "status": lambda panel: panel.status(KEY, ["a"]),
        "balance": lambda panel: panel.balance(KEY),
    }
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        asking = asyncio.ensure_future(asks[call](panel))
        line = await lines.get()
        await line.request()
        line.say(ANSWER[:45] if answer == ANSWER[45:] else b"")
        for at in range(CALL_DEADLINE // STEP - 1):
            line.say(answer[at : at + 1])
            await time.skip(STEP)
            assert not asking.done()
        line.say(answer[9:10])
        await time.skip(STEP)
        with pytest.raises(Unavailable) as caught:
            await asking
        assert caught.value.may_have_acted
        await line.end()
        await panel.aclose()


async def test_a_panel_that_is_silent_is_given_up_by_the_time_out_of_reading(time: Time) -> None:
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        asking = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        line = await lines.get()
        await line.request()
        assert TIMEOUTS.read
        await time.skip(TIMEOUTS.read + 1)
        with pytest.raises(Unavailable) as caught:
            await asking
        assert caught.value.may_have_acted
        await line.end()
        await panel.aclose()


async def test_what_never_got_past_a_proxy_was_certainly_not_sent(time: Time) -> None:
    async with listening() as (port, lines):
        panel = Panel("https://panel.invalid/api/v2", proxy=SecretStr(f"http://127.0.0.1:{port}"))
        asking = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        line = await lines.get()
        assert (await line.reader.readuntil(b"\r\n\r\n")).startswith(b"CONNECT")
        for at in range(CALL_DEADLINE // STEP):
            line.say(ANSWER[at : at + 1])
            await time.skip(STEP)
        with pytest.raises(Unavailable) as caught:
            await asking
        assert not caught.value.may_have_acted
        await panel.aclose()


async def test_a_process_that_was_halted_before_the_call_sends_nothing(time: Time) -> None:
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        asking = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        await asyncio.sleep(0)
        time.offset += CALL_DEADLINE + 1
        with pytest.raises(Unavailable) as caught:
            await asking
        assert not caught.value.may_have_acted
        assert lines.empty()
        await panel.aclose()


async def test_other_calls_end_where_they_are_and_new_ones_go_by_new_connections(time: Time) -> None:
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        slow = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        dripping = await lines.get()
        await dripping.request()
        for at in range(3):
            dripping.say(ANSWER[at : at + 1])
            await time.skip(STEP)
        other = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        waiting = await lines.get()
        await waiting.request()
        for at in range(3, 6):
            dripping.say(ANSWER[at : at + 1])
            await time.skip(STEP)
        with pytest.raises(Unavailable):
            await slow
        new = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        fresh = await lines.get()
        await fresh.request()
        waiting.say(GOOD)
        assert (await other).rows == {"a": Accepted()}
        await waiting.end()  # nobody else was waiting for the old client
        fresh.say(GOOD)
        assert (await new).rows == {"a": Accepted()}
        await panel.aclose()


async def test_calls_that_are_given_up_use_up_no_connections(time: Time) -> None:
    """More of them than a pool has connections (100 in httpx)."""
    async with listening() as (port, lines):
        panel = Panel(url_of(port))
        for _ in range(3):
            calls = [asyncio.ensure_future(panel.cancel(KEY, ["a"])) for _ in range(60)]
            held = [await lines.get() for _ in calls]
            for line in held:
                await line.request()
            for at in range(CALL_DEADLINE // STEP):
                for line in held:
                    line.say(ANSWER[at : at + 1])
                await time.skip(STEP)
            ends = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(end, Unavailable) and end.may_have_acted for end in ends)
            for line in held:
                await line.end()
        good = asyncio.ensure_future(panel.cancel(KEY, ["a"]))
        line = await lines.get()
        await line.request()
        line.say(GOOD)
        assert (await good).rows == {"a": Accepted()}
        await panel.aclose()


async def test_what_was_given_up_half_sent_is_not_delivered_later(time: Time) -> None:
    """The system would go on sending what it has in its buffers, long after the process has forgotten the call."""
    async with listening(buffer=4096) as (port, lines):
        panel = Panel(url_of(port))
        asking = asyncio.ensure_future(panel.cancel(KEY, ["a" * 2**23]))
        line = await lines.get()
        await rounds(50)  # until no more of it goes into the buffers
        assert TIMEOUTS.write
        await time.skip(TIMEOUTS.write + 1)
        with pytest.raises(Unavailable) as caught:
            await asking
        assert caught.value.may_have_acted
        with pytest.raises(ConnectionResetError):
            await line.reader.read()  # to the end, had there been one
        await panel.aclose()


async def test_the_doctors_question_has_the_same_deadline(time: Time) -> None:
    async with listening() as (port, lines):
        asking = asyncio.ensure_future(probe(url_of(port)))
        line = await lines.get()
        await line.request()
        for at in range(CALL_DEADLINE // STEP):
            line.say(ANSWER[at : at + 1])
            await time.skip(STEP)
        with pytest.raises(Unavailable) as caught:
            await asking
        assert caught.value.may_have_acted
