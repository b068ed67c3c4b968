"""An erasure that takes long: hidden at once, gone bit by bit, whatever happens meanwhile, and in nobody's way."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.cards import actions
from bot.domain.order_status import OrderStatus
from bot.ledger import eraser
from bot.ledger.sqlite import engine
from bot.services import erasing
from tests.cogs.test_forget import BOBS_KEY, forget, rows, tables
from tests.ledgers import InFile
from tests.world import KEY, World, messages, shown

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture(autouse=True)
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have nobody wait for an erasure's end, and little be erased at once."""
    monkeypatch.setattr(erasing, "_ERASE_WITHIN", 0)
    monkeypatch.setattr(eraser, "_PIECE", 2)
    monkeypatch.setattr(erasing, "_BETWEEN_PIECES", 0)
    return


@pytest.fixture
async def busy(here: World, ann: Any) -> Any:
    """A user with orders that have ended, some that are open, some that wait, and messages of each kind."""
    for number in range(5):
        here.order(f"ord_A{number}")
        here.order(f"ord_Q{number}", RUNNING)
    await ann.slash("cancel", orders=" ".join(f"ord_A{number}" for number in range(5)))
    await here.settle()
    here.env.inject_error("POST", f"/channels/{ann.dm_channel.id}/messages", status=403, code=50007, times=None)
    await ann.slash("cancel", orders=" ".join(f"ord_Q{number}" for number in range(4)))
    await here.wait(300, step=5)
    await ann.slash("cancel", orders="ord_Q4")
    await ann.slash("cancel", orders=" ".join(f"ord_W{number}" for number in range(30)))
    return ann


async def to_the_end(here: World) -> None:
    """Let the rest of all erasures go."""
    stop = asyncio.Event()
    running = asyncio.ensure_future(here.app.services.erasing.run(stop))
    async with asyncio.timeout(30):
        while await here.app.ledger.read.next_erasure():  # noqa: ASYNC110  # nobody is told of the end
            await asyncio.sleep(0)
    stop.set()
    await running


async def test_what_is_left_is_hidden_and_goes_in_the_end(here: World, busy: Any) -> None:
    answer = shown(await forget(busy))
    assert "Your keys are deleted" in answer
    assert len(here.sql("SELECT * FROM cancellations")) > 2
    assert here.sql("SELECT * FROM accounts WHERE key_sealed IS NOT NULL OR key_fingerprint IS NOT NULL") == []
    assert here.sql("SELECT * FROM requests WHERE token_sealed IS NOT NULL OR card_due_at IS NOT NULL") == []
    for command in ("queued", "balance", "history"):
        reply = shown(await busy.slash(command))
        assert "ord_" not in reply
    assert "takes some more minutes" in shown(await busy.slash("forget-me"))
    assert "still erasing" in await here.connect(busy, KEY)
    told, sent = len(messages(busy)), len(here.cancel_calls())
    await here.wait(600, step=30)
    assert (len(messages(busy)), len(here.cancel_calls())) == (told, sent)
    await to_the_end(here)
    assert set(rows(here).values()) == {0}
    assert "Connected" in await here.connect(busy, KEY)


async def test_pressing_again_begins_nothing_anew(here: World, busy: Any) -> None:
    await forget(busy)
    here.env.backend.faults.clear()
    for _ in range(18):
        card = await here.post(busy.dm_channel, actions.ERASE.button())
        assert "ord_" not in shown(await busy.click(card, custom_id="np:erase"))
    await to_the_end(here)
    assert set(rows(here).values()) == {0}


async def test_a_process_that_dies_between_pieces_goes_on_at_its_next_start(here: World, busy: Any) -> None:
    await forget(busy)
    while await here.app.ledger.read.next_erasure():
        async with here.app.ledger.write() as tx:
            await tx.erase_piece(busy.id)
        await here.restart()
        if not here.sql("SELECT * FROM cancellations"):
            await to_the_end(here)
    assert set(rows(here).values()) == {0}


async def test_others_keep_all_that_is_theirs(here: World, busy: Any) -> None:
    bob = here.env.create_user("bob")
    here.panel.add_key(BOBS_KEY)
    await here.connect(bob, BOBS_KEY)
    here.order("ord_BOB", RUNNING, key=BOBS_KEY)
    await bob.slash("cancel", orders="ord_BOB")
    await here.settle()

    def of_bob() -> dict[str, list[Any]]:
        found = tables(here)
        return {
            "accounts": [row for row in found["accounts"] if row[1] == bob.id],
            "requests": [row for row in found["requests"] if row[2] == bob.id],
            "orders": [row for row in found["cancellations"] if "ord_BOB" in row],
        }

    before = of_bob()
    await forget(busy)
    await to_the_end(here)
    assert of_bob() == before
    assert {name: len(found) for name, found in before.items()} == dict.fromkeys(before, 1)


async def test_an_answer_that_comes_between_pieces_tells_nobody(here: World, ann: Any) -> None:
    for number in range(6):
        here.order(f"ord_A{number}")

    async def meanwhile(answer: Any) -> Any:
        await here.app.services.erasing.erase(ann.id)
        return answer

    await ann.slash("cancel", orders=" ".join(f"ord_A{number}" for number in range(6)))
    here.wire.faults = [meanwhile]
    await here.wait(300, step=5)
    assert messages(ann) == []
    await to_the_end(here)
    assert set(rows(here).values()) == {0}


@pytest.mark.sqlite
async def test_a_large_file_is_not_written_anew(here: World, busy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "_ERASE_WITHIN", 60)
    monkeypatch.setattr(engine, "_REWRITTEN_PAGES", 10)
    assert isinstance(here.below, InFile)
    assert "Traces may stay in unused parts" in shown(await forget(busy))
    assert set(rows(here).values()) == {0}


async def test_a_stranger_with_settings_alone_erases_them_at_once(here: World) -> None:
    eve = here.env.create_user("eve")
    await here.app.services.records.prefer(eve.id, lambda known: known)
    assert "Everything about you is deleted" in shown(await forget(eve))
    assert set(rows(here).values()) == {0}


async def test_an_edit_that_fails_once_its_user_is_being_erased_is_not_tried_again(here: World, busy: Any) -> None:
    request = await here.app.ledger.read.request(1)
    assert request
    await forget(busy)
    async with here.app.ledger.write() as tx:
        await tx.card_failed(request.id, timedelta())
    assert here.sql("SELECT 1 FROM requests WHERE id = 1")
    assert await here.app.ledger.read.next_card_due() is None
