"""/forget-me: all that is stored about one user goes, whatever is under way, and nothing of anybody else."""

import random
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.cards import actions
from bot.domain.order_status import OrderStatus
from bot.ledger import MessageRef
from bot.ledger.sqlite.engine import SqliteConnection
from bot.panel import Answer
from tests.ledger.ledger_case import connect
from tests.ledgers import InFile
from tests.world import KEY, World, messages, shown

RUNNING = OrderStatus.IN_PROGRESS
BOBS_KEY = "np-key-of-bob-000"
LABEL = "Erase everything"

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
async def bob(here: World) -> Any:
    """Another user, with a key and an order that is queued."""
    user = here.env.create_user("bob")
    here.panel.add_key(BOBS_KEY)
    await here.connect(user, BOBS_KEY)
    here.order("ord_BOB", RUNNING, key=BOBS_KEY)
    await user.slash("cancel", orders="ord_BOB")
    await here.settle()
    return user


def tables(here: World) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables of the ledger."""
    return {name: here.sql(f"SELECT * FROM {name}") for name in here.below.tables()}


def rows(here: World) -> dict[str, int]:
    """Return how many rows there are of users, table by table."""
    ours = {"facts", "processes", "schema_version", "sqlite_sequence"}
    return {name: len(found) for name, found in tables(here).items() if name not in ours}


def traces(here: World, *secrets: bytes) -> list[tuple[str, bytes]]:
    """Return which of these bytes stand in which of the ledger's files."""
    files = [file for file in here.folder.iterdir() if file.name.startswith("ledger.sqlite3")]
    return [(file.name, secret) for file in files for secret in secrets if secret in file.read_bytes()]


def as_stored(user: Any) -> bytes:
    """Return a user's id as SQLite writes it."""
    return int(user.id).to_bytes(8, "big")


async def forget(user: Any) -> Any:
    """Have everything erased."""
    question = await user.slash("forget-me")
    return await user.click(question.response, label=LABEL)


async def test_it_asks_first_and_says_what_will_be_erased(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.order("ord_B")
    await ann.slash("cancel", orders="ord_A ord_B")
    await here.settle()
    question = await ann.slash("forget-me")
    assert "your API key · 1 cancel request · 2 orders and how they ended\n" in shown(question)
    assert "1 order is still open" in shown(question)
    assert "it stays with NotPanel" in shown(question)
    assert "backups" in shown(question)
    before = rows(here)
    kept = await ann.click(question.response, label="Keep it")
    assert "Nothing was erased" in shown(kept)
    assert rows(here) == before


async def test_nothing_of_the_user_is_left_and_all_of_the_others(here: World, ann: Any, bob: Any) -> None:
    others = tables(here)
    for order in ("ord_ANNS", "ord_ANN2"):
        here.order(order, RUNNING)
    await ann.slash("cancel", orders="ord_ANNS")
    await here.settle()
    here.env.inject_error("POST", f"/channels/{ann.dm_channel.id}/messages", status=403, code=50007, times=None)
    await here.wait(90)  # a message that cannot be delivered is kept; bob gets his
    await ann.slash("cancel", orders="ord_ANN2")
    await ann.slash("cancel", orders=" ".join(f"ord_ANNQ{n}" for n in range(30)))
    await here.settle()
    in_file = isinstance(here.below, InFile)
    assert not in_file or traces(here, as_stored(ann), b"ord_ANN") != []
    told = len(messages(ann))

    answer = shown(await forget(ann))
    assert "Everything about you is deleted" in answer
    assert ("Traces may stay" in answer) == (not in_file)
    assert traces(here, as_stored(ann), str(ann.id).encode(), b"ord_ANN") == []
    after = tables(here)
    assert "ord_ANN" not in repr(after)
    assert str(ann.id) not in repr(after)
    assert {row[1] for row in after["accounts"]} == {row[1] for row in others["accounts"]} - {ann.id} == {bob.id}
    assert [row[3] for row in after["cancellations"]] == ["ord_BOB"]
    assert len(after["requests"]) == len(after["request_orders"]) == len(after["notices"]) == 1
    await here.wait(300)
    assert len(messages(ann)) == told
    assert "Cancelled: `ord_BOB`" in messages(bob)[-1]
    assert "Connect your NotPanel key first" in shown(await ann.slash("queued"))
    assert "Nothing is stored about you" in shown(await ann.slash("forget-me"))


@pytest.mark.sqlite
async def test_no_copy_is_left_where_the_database_has_moved_rows(here: World, ann: Any) -> None:
    """Between users in turn, so that SQLite splits and merges pages: secure_delete alone would leave some."""
    rng, users = random.Random(1), {ann.id: "ANN", 7: "BOB", 8: "EVE"}
    for _ in range(4):
        for user_id, name in users.items():
            orders = [f"ord_{name}{rng.getrandbits(80):020X}" for _ in range(1_000)]
            async with here.app.ledger.write() as tx:
                account = await connect(tx, user_id, b"sealed")
                card = MessageRef(1, None, None, None, here.clock())
                await tx.add_request(account, orders, card, ask_first=False, ignored=(), repeats=0)
                await tx.start_orders(account.id, 100_000)
    assert traces(here, b"ord_ANN") != []
    await here.app.services.erasing.erase(ann.id)
    assert traces(here, as_stored(ann), b"ord_ANN") == []
    assert len(tables(here)["cancellations"]) == 8_000


async def test_a_question_is_answered_after_a_restart_and_twice(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    question = await ann.slash("forget-me")
    await here.restart()
    await ann.click(question.response, label=LABEL)
    assert "Everything about you is deleted" in shown(question)
    assert set(rows(here).values()) == {0}
    late = await here.post(
        ann.dm_channel, actions.ERASE.button(), actions.CONFIRM.button(1, count=1), actions.STOP.button(1)
    )
    for button in ("np:confirm:1", "np:stop:1", "np:erase"):
        await ann.click(late, custom_id=button)
    assert set(rows(here).values()) == {0}


async def test_whoever_presses_erases_nothing_but_their_own(here: World, bob: Any) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    eve = here.env.guild.add_member(here.env.create_user("eve"))
    shown_to_all = await here.post(channel, actions.ERASE.button())
    before = tables(here)
    await eve.click(shown_to_all, custom_id="np:erase")
    assert tables(here) == before


Meanwhile = Callable[[Answer], Awaitable[Answer]]


def forgetting(here: World, user: Any, then: Callable[[], Awaitable[Any]] | None = None) -> Meanwhile:
    """Return what has a user confirm while the panel's answer is on its way, and then do something else."""

    async def meanwhile(answer: Answer) -> Answer:
        await here.app.services.erasing.erase(user.id)
        if then:
            await then()
        return answer

    return meanwhile


@pytest.mark.parametrize(
    "answer", [None, Answer(500, "down"), Answer(403, '{"error": "Invalid API key"}'), Answer(429, "{}")]
)
@pytest.mark.parametrize("call", ["cancel", "look"])
async def test_an_answer_that_comes_after_all_was_erased_is_written_nowhere(
    here: World, ann: Any, bob: Any, call: str, answer: Answer | None, caplog: pytest.LogCaptureFixture
) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    erasing = forgetting(here, ann)

    async def meanwhile(real: Answer) -> Answer:
        await erasing(real)
        return answer or real

    here.wire.faults = [meanwhile] if call == "cancel" else [lambda real: real, meanwhile]
    await here.wait(5)
    await here.wait(120, step=5)
    assert here.panel.cancel_requests["ord_A"] == 1
    assert "ord_A" not in repr(tables(here))
    assert [row[1] for row in tables(here)["accounts"]] == [bob.id]
    assert messages(ann) == []
    assert "Cancelled: `ord_BOB`" in messages(bob)[-1]  # the worker goes on
    assert not [record for record in caplog.records if record.exc_info]


async def test_an_answer_that_comes_late_meets_nobody_elses_order(here: World, ann: Any) -> None:
    """The numbers of erased rows are never given again, or an answer would be written down for a stranger's order."""
    here.order("ord_A")
    await ann.slash("cancel", orders="ord_A")
    eve = here.env.create_user("eve")
    here.panel.add_key("np-key-of-eve-000")

    async def eve_begins() -> None:
        async with here.app.ledger.write() as tx:
            account = await connect(tx, eve.id, b"sealed")
            card = MessageRef(1, None, None, None, here.clock())
            await tx.add_request(account, ["ord_EVE"], card, ask_first=False, ignored=(), repeats=0)
            await tx.start_orders(account.id, 1)
            await tx.claim_for_sending(account.id, 1)

    here.wire.faults = [forgetting(here, ann, eve_begins)]
    await here.one_call()
    assert [row[3:5] for row in tables(here)["cancellations"]] == [("ord_EVE", "sending")]


async def test_a_key_that_was_being_checked_is_not_stored(here: World, ann: Any) -> None:
    here.wire.faults = [forgetting(here, ann)]
    assert "so it wasn't stored" in await here.connect(ann, KEY)
    assert set(rows(here).values()) == {0}
    assert "Connected" in await here.connect(ann, KEY)


async def test_a_message_on_its_way_is_not_sent_any_more(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    create_dm = here.app.client.create_dm

    async def meanwhile(user: Any) -> Any:
        await here.app.services.erasing.erase(ann.id)
        return await create_dm(user)

    here.app.client.create_dm = meanwhile
    await here.wait(100)
    assert set(rows(here).values()) == {0}
    assert messages(ann) == []


async def test_a_card_that_was_about_to_be_edited_stops_nobody(here: World, ann: Any, bob: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    view = here.app.services.cancels.view

    async def meanwhile(request_id: int) -> Any:
        await here.app.services.erasing.erase(ann.id)
        return await view(request_id)

    here.app.services.cancels.view = meanwhile
    await here.wait(100)
    assert "Cancelled: `ord_BOB`" in messages(bob)[-1]


@pytest.mark.sqlite
async def test_a_full_disk_is_told_and_the_rows_are_gone(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = SqliteConnection.change

    def full(self: SqliteConnection, sql: str, *arguments: Any) -> Any:
        if sql == "VACUUM":
            raise sqlite3.OperationalError("database or disk is full")
        return change(self, sql, *arguments)

    monkeypatch.setattr(SqliteConnection, "change", full)
    assert "Traces may stay" in shown(await forget(ann))
    assert set(rows(here).values()) == {0}


async def test_in_a_dm_plain_text_does_the_same(here: World, ann: Any) -> None:
    for text in ("forget me", "Forget me!", "/forget-me"):
        await ann.send_dm(text)
        assert "Erase everything about you?" in messages(ann)[-1]
    await ann.send_dm("forget ord_A")
    assert "1 order. What should I do?" in messages(ann)[-1]
    await ann.send_dm("forget me")
    await ann.click(ann.dm_channel.last_message, label=LABEL)
    assert "Everything about you is deleted" in messages(ann)[-1]
    assert set(rows(here).values()) == {0}
