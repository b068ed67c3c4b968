"""Attached files are fetched for those who may use them, read in turn, and given up where they take too long."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadFile, FileFault, Throttled
from bot.domain.order_ids import Finder, find_orders
from bot.services.file_reader import END, NotText, Reread, framed, read_files, written
from bot.services.file_reading import ReadingRoom
from bot.services.throttle import SUGGESTION
from tests.rules.sources import ROOT
from tests.world import World, shown

ANN, BOB, EVE = 1, 2, 3


async def pieces(*content: bytes) -> AsyncGenerator[bytes]:
    """Give out a file piece by piece."""
    for piece in content:
        yield piece


class Download:
    """A file that comes only when it is told to."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def file(self) -> AsyncGenerator[bytes]:
        """Come."""
        self.begun.set()
        await self.goes_on.wait()
        yield b"ord_A"


async def test_text_and_files_are_read_as_one() -> None:
    found = await ReadingRoom().read(ANN, "ord_A", [pieces(b"order,x\n1", b"7,y\n"), pieces(b"ord_B ord_A")], 10)
    assert found.orders == ("ord_A", "ord_B", "17")
    assert found.repeats == 1


async def test_of_one_user_one_is_read_at_a_time_and_others_go_in_between() -> None:
    room, slow = ReadingRoom(), [Download() for _ in range(4)]
    asked = [asyncio.create_task(room.read(ANN, "", [one.file()], 10)) for one in slow]
    await slow[0].begun.wait()
    assert (await room.read(BOB, "", [pieces(b"ord_B")], 10)).orders == ("ord_B",)
    held = Download()
    asked.append(asyncio.create_task(room.read(BOB, "", [held.file()], 10)))
    await held.begun.wait()
    third = asyncio.create_task(room.read(EVE, "", [pieces(b"ord_E")], 10))
    await asyncio.sleep(0)
    assert room.waiting == 4
    slow[0].goes_on.set()
    assert (await third).orders == ("ord_E",)
    for one in (*slow, held):
        one.goes_on.set()
    assert [found.orders for found in await asyncio.gather(*asked)] == [("ord_A",)] * 5
    assert room.waiting == 0


async def test_whoever_gives_up_waiting_leaves_the_place_to_others() -> None:
    room, slow = ReadingRoom(), Download()
    first = asyncio.create_task(room.read(ANN, "", [slow.file()], 10))
    await slow.begun.wait()
    second = asyncio.create_task(room.read(ANN, "", [pieces(b"ord_B")], 10))
    await asyncio.sleep(0)
    for gone in (second, first):
        gone.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert room.waiting == 0
    assert (await room.read(ANN, "", [pieces(b"ord_C")], 10)).orders == ("ord_C",)


async def test_what_comes_late_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.services.file_reading.SECONDS", 0.01)
    with pytest.raises(BadFile) as refused:
        await ReadingRoom().read(ANN, "", [Download().file()], 10)
    assert refused.value.fault is FileFault.TOO_SLOW


async def test_the_bytes_that_come_are_counted_and_not_those_that_were_named() -> None:
    piece = b" " * 1_000_000
    with pytest.raises(BadFile) as refused:
        await ReadingRoom().read(ANN, "", [pieces(*[piece] * 6), pieces(*[piece] * 5)], 10)
    assert refused.value.fault is FileFault.TOO_LARGE


async def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(BadFile) as refused:
        await ReadingRoom().read(ANN, "", [pieces(b"\x89PNG\0")], 10)
    assert refused.value.fault is FileFault.NOT_TEXT


def test_the_process_ends_where_nobody_is_left_to_hear_it() -> None:
    command = [sys.executable, "-E", "-S", "-m", "bot.services.file_reader", "10"]
    cut = END + framed(b"ord_A")  # without an end
    ended = subprocess.run(command, cwd=ROOT, env={}, input=cut, capture_output=True, timeout=30, check=False)
    assert ended.returncode not in (0, 3)
    assert ended.stdout == b""


def test_the_process_imports_nothing_that_knows_a_secret() -> None:
    listing = "import bot.services.file_reader, sys; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-S", "-c", listing], cwd=ROOT, env={}, capture_output=True, text=True, check=True
    )
    ours = {name for name in ended.stdout.split() if name.split(".")[0] in ("bot", "cogs")}
    rooms = {"bot", "bot.domain", "bot.services"}
    assert ours == rooms | {"bot.domain.order_ids", "bot.domain.order_tables", "bot.services.file_reader"}
    assert not {"discord", "asyncio", "aiohttp", "pydantic"} & set(ended.stdout.split())


async def test_without_a_key_what_a_file_names_is_kept(env: Any) -> None:
    bob = env.create_user("bob")
    said = await bob.slash("cancel", file=("orders.txt", b"ord_A"))
    assert "Connect your NotPanel key first. Your 1 order is kept." in shown(said)


@given(st.lists(st.binary(max_size=200), max_size=3), st.text(max_size=50))
def test_any_bytes_are_read_or_refused_and_what_was_found_can_be_read_again(files: list[bytes], text: str) -> None:
    try:
        found = read_files(text, map(bytearray, files), 5)
    except NotText:
        return
    assert len(found.orders) <= 5 * (len(files) + 1)
    output = Reread()
    for piece in written(found):
        output.feed(piece)
    assert output.found() == found


@pytest.mark.parametrize("junk", ["a.", "é.", "\u200b", "\ufffd", "1", "x", "\u0301", "_", "ก1"])
def test_what_has_no_end_is_no_order_and_is_not_kept(junk: str) -> None:
    finder = Finder(10)
    finder.feed("ord_A ")
    for _ in range(4):
        finder.feed(junk * 50_000)
        assert len(finder._cut) <= 1 << 16  # pyright: ignore[reportPrivateUsage]
    finder.feed("ord_B ord_C")
    assert finder.found().orders == ("ord_A", "ord_C")


@pytest.mark.parametrize("separator", ["\u3000", "\xa0", "\u3001", "'", "(", "\u2019"])
def test_lists_with_rare_separators_alone_are_read_to_their_end(separator: str) -> None:
    orders = tuple(f"ord_{number}" for number in range(30_000))
    assert find_orders(separator.join(orders)).orders == orders


async def test_suggestions_are_counted(here: World, ann: Any) -> None:
    assert await ann.autocomplete("cancel", "key", "") != []
    with suppress(Throttled):
        while True:
            here.app.services.suggesting.admit(ann.id, SUGGESTION)
    assert await ann.autocomplete("cancel", "key", "") == []
    here.skip(1)
    assert await ann.autocomplete("cancel", "key", "") != []
