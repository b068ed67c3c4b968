"""/key: connecting, showing and removing, and that the key itself is nowhere to be found."""

import logging
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from bot.domain.order_status import OrderStatus
from bot.panel import Answer
from tests.ledgers import InFile
from tests.world import KEY, World, messages, shown

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
def bob(here: World) -> Any:
    """A user without a key."""
    return here.env.create_user("bob")


async def test_a_key_is_checked_and_only_its_end_is_shown(here: World, bob: Any) -> None:
    assert "`…cdef` works" in await here.connect(bob, f"  {KEY} \n")
    text = shown(await bob.slash("key show"))
    assert "`…cdef`" in text
    assert KEY[:8] not in text


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("   ", "That was empty. Copy the key again."),
        ("np-one np-two-three", "has a space or a line break"),
        ("np-line\nnp-break", "has a space or a line break"),
        ("np-ключ-ключ", "characters in it that no key has"),
        ("short", "That's not a whole key. Copy it again."),
    ],
)
async def test_what_cannot_be_a_key_is_not_sent(here: World, bob: Any, key: str, reason: str) -> None:
    assert reason in await here.connect(bob, key)
    assert here.panel.calls == []
    assert "Connect your NotPanel key first" in shown(await bob.slash("key show"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(403, '{"error": "Invalid API key"}'), "doesn't accept this key"),
        (Answer(200, '{"error": "Invalid API key"}'), "doesn't accept this key"),
        (Answer(403, '{"error": "Account suspended"}'), "account is suspended"),
        (Answer(429, '{"error": "Rate limit exceeded"}'), "rate limit is used up"),
        (Answer(502, "<html>Bad gateway</html>"), "can't be reached"),
        (Answer(200, "<html>Welcome</html>"), "I can't read NotPanel's answer"),
        (Answer(200, '{"balance":'), "I can't read NotPanel's answer"),
        (Answer(302, ""), "I can't read NotPanel's answer"),
    ],
)
async def test_a_key_that_cannot_be_checked_is_not_stored(here: World, bob: Any, answer: Answer, reason: str) -> None:
    here.wire.faults = [answer]
    text = await here.connect(bob)
    assert "Not connected" in text
    assert reason in text
    assert "Connect your NotPanel key first" in shown(await bob.slash("key show"))


async def test_a_failed_replacement_leaves_the_old_key_in_use(here: World, ann: Any) -> None:
    assert "Not connected" in await here.connect(ann, "np-mistyped-key")
    assert "It is in use" in shown(await ann.slash("key show"))


async def test_removing_leaves_no_trace_of_the_key(here: World, ann: Any) -> None:
    ((sealed,),) = here.sql("SELECT key_sealed FROM accounts")
    wholly = isinstance(here.below, InFile)
    assert ("Nothing of it is left" if wholly else "Traces may stay") in shown(await ann.slash("key remove"))
    assert "Connect your NotPanel key first" in shown(await ann.slash("cancel", orders="ord_A"))
    for file in here.folder.iterdir():
        assert sealed not in file.read_bytes()


@pytest.mark.sqlite
async def test_while_another_program_reads_the_ledger_traces_are_owned_to(here: World, ann: Any) -> None:
    ((sealed,),) = here.sql("SELECT key_sealed FROM accounts")
    await here.app.ledger._engine._writer.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(here.folder / "ledger.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM accounts").fetchall()
        told = shown(await ann.slash("key remove"))
        assert any(sealed in file.read_bytes() for file in here.folder.iterdir())
    assert "Traces may stay" in told


async def test_removing_asks_first_while_orders_are_open(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    question = await ann.slash("key remove")
    assert "although 1 order is open" in shown(question)
    await ann.click(question.response, label="Keep the key")
    assert "Nothing was changed" in shown(question)

    question = await ann.slash("key remove")
    await ann.click(question.response, label="Remove anyway")
    assert "1 order is no longer watched" in shown(question)
    await here.settle()
    assert "No longer watched" in shown(card)


async def test_a_key_removed_while_a_call_is_under_way_leaves_nothing_open(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    card = await ann.slash("cancel", orders="ord_A")

    async def meanwhile(answer: Answer) -> Answer:
        await here.app.services.accounts.remove(ann.id)
        return answer

    here.wire.faults = [meanwhile]
    await here.settle()
    assert "No longer watched" in shown(card)
    assert await here.app.ledger.read.accounts_due(here.clock()) == []


async def test_a_revoked_key_pauses_the_account_and_a_new_one_goes_on(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    here.panel.revoke_key(KEY)
    await here.wait(45)
    assert messages(ann) == []  # refused once: it may be the panel
    await here.wait(60)
    (notice,) = messages(ann)  # one, however often it could have been tried
    assert "⏸ Paused: NotPanel rejects your key" in notice
    assert "rejects your key" in shown(card)
    assert "`…cdef`, stored encrypted. 1 order being watched." in shown(await ann.slash("key show"))
    calls = len(here.panel.calls)
    await here.wait(120)
    assert len(here.panel.calls) == calls
    assert "Your 1 order is kept" in shown(await ann.slash("cancel", orders="ord_B"))

    here.panel.add_key(KEY)
    assert "1 open order will be tried" in await here.connect(ann)
    await here.wait(60)
    assert "Cancelled: `ord_A`" in messages(ann)[-1]


async def test_a_suspended_account_is_told_apart(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.panel.keys[KEY].suspended = True
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(75)
    assert "account is suspended" in shown(card)
    assert "account is suspended" in messages(ann)[-1]
    assert here.panel.cancel_requests == {}


async def test_the_key_is_nowhere_in_clear(here: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ann = here.env.create_user("ann")
    here.wire.faults = [
        Answer(200, f'{{"error": "Unknown key {KEY}"}}'),
        Answer(500, KEY),
        Answer(403, f'{{"error": "Invalid API key {KEY}"}}'),
    ]
    for _ in range(4):
        await here.connect(ann)
    here.order("ord_A")
    here.wire.faults = [Answer(200, f'[{{"order": "ord_A", "error": "no {KEY}"}}]'), Answer(200, KEY)]
    await ann.slash("cancel", orders=f"ord_A ord_B {KEY}")
    await here.wait(30)
    await ann.slash("key show")
    await ann.slash("status", orders="ord_A")
    # SimCord's own record of what the person typed is not the bot's.
    assert KEY not in here.payloads()
    ours = [record for record in caplog.records if not record.name.startswith(("simcord", "discord"))]
    assert not any(KEY in record.getMessage() or KEY in str(record.exc_text) for record in ours)
    assert not any(KEY in repr(error) + str(error) for error in here.env.errors)
    for file in here.folder.iterdir():
        assert KEY.encode() not in file.read_bytes()
