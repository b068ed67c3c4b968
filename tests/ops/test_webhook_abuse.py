"""What strangers, and users with an address, can do by calling it: nothing is learned, and little is spent.

`make webhook-abuse` runs this file and prints what it counted.
"""

import asyncio
import gzip
import json
import os
import time
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.cards import actions
from bot.domain.order_status import OrderStatus
from bot.ops.http import server
from bot.ops.metrics import label_counts, value
from bot.services.webhooks import ANY_EVERY, MOST_GATHERED, MOST_OF_ALL, MOST_OF_ONE, MOST_WAITING, USER_EVERY
from tests.cogs.test_queued import LONG
from tests.webhooks import OPEN, URL, checks, new_address, register, rows, watch, work
from tests.world import World, messages

pytestmark = [pytest.mark.usefixtures("env"), pytest.mark.settings(**OPEN, confirm_above=100_000)]

ADDRESS = "/hooks/" + "A" * 43
"""One that is nobody's, and looks like any other."""
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def web(here: World) -> AsyncGenerator[aiohttp.ClientSession]:
    """Somebody who calls the bot's server, as it is run."""
    async with served(here) as client:
        yield client


@asynccontextmanager
async def served(here: World) -> AsyncGenerator[aiohttp.ClientSession]:
    """Serve on a free port of this machine, and give what calls there."""
    async with (
        server.serving("127.0.0.1", 0, here.app.services.health, here.app.services.webhooks) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        yield client


async def call(web: aiohttp.ClientSession, path: str, body: Any, **headers: str) -> int:
    """Call an address; return the status."""
    async with web.post(
        path, data=body, headers={name.replace("_", "-"): text for name, text in headers.items()}
    ) as answer:
        return answer.status


async def flood(here: World, web: aiohttp.ClientSession, path: str, body: bytes, calls: int, **headers: str) -> int:
    """Call an address so many times in a minute, with the bot at work; return how many calls were taken."""
    taken = 0
    for second in range(60):
        for _ in range(calls // 60):
            taken += await call(web, path, body, **headers) == 204
        await work(here)
        if second < 59:
            here.skip(1)
    return taken


def tell(what: str, calls: int, taken: int, spent: int) -> None:
    """Print what was counted."""
    print(f"{what:<55} {calls:>5} calls · {taken:>4} taken · {spent:>3} looks")


async def test_nobodys_address_answers_like_somebodys(here: World, ann: Any, web: aiohttp.ClientSession) -> None:
    path = await new_address(ann)
    answers: list[tuple[Any, ...]] = []
    for address in (path, ADDRESS):
        for body in (b"ord_A", b"", b"x" * (server.MOST_BYTES + 1)):
            async with web.post(address, data=body) as answer:
                headers = {name: text for name, text in answer.headers.items() if name != "Date"}
                answers.append((answer.status, headers, await answer.text()))
        for _ in range(MOST_OF_ONE):
            await call(web, address, b"")
            await here.app.services.webhooks.step()
        answers.append((await call(web, address, b""),))
    assert answers[: len(answers) // 2] == answers[len(answers) // 2 :]
    assert [status for status, *_ in answers[:4]] == [204, 204, 413, 429]


async def test_the_answer_comes_before_anybody_knows_whose_address_it_is(
    here: World, ann: Any, web: aiohttp.ClientSession
) -> None:
    """So its time can tell nothing: the ledger is asked when the caller is gone."""
    await new_address(ann)

    async def never(_: bytes) -> Any:
        raise AssertionError("looked whose address it is")

    here.app.ledger.read.webhook_at = never
    assert await call(web, ADDRESS, b"ord_A") == 204


async def test_strangers_cost_no_look_and_no_more_calls_than_are_read(
    here: World, ann: Any, web: aiohttp.ClientSession
) -> None:
    await watch(here, ann, "ord_A")
    await new_address(ann)
    before, taken = checks(here), 0
    for number in range(MOST_OF_ALL * 2):
        taken += await call(web, f"/hooks/{number}", b"ord_A") == 204
        if number % 50 == 0:
            await work(here)
    await work(here)
    tell("addresses that are nobody's", MOST_OF_ALL * 2, taken, checks(here) - before)
    assert taken == MOST_OF_ALL
    assert checks(here) == before
    assert messages(ann) == []
    here.skip(60)
    assert await call(web, ADDRESS, b"") == 204  # the next minute is a new one


@pytest.mark.parametrize("what", ["an open order", "250 open orders", "other people's and ended orders", "junk"])
async def test_an_address_that_is_known_costs_a_bounded_number_of_looks(
    here: World, ann: Any, web: aiohttp.ClientSession, what: str
) -> None:
    orders = [f"ord_{number}" for number in range(250 if what == "250 open orders" else 1)]
    await watch(here, ann, *orders)
    path, before = await new_address(ann), checks(here)
    named = {"an open order": orders, "250 open orders": orders, "other people's and ended orders": ["ord_EVE"]}
    body = " ".join(named[what]).encode() if what in named else os.urandom(2_000)
    taken = await flood(here, web, path, body, 600)
    spent = checks(here) - before
    tell(f"a known address, naming {what}", 600, taken, spent)
    assert taken == MOST_OF_ONE
    here.skip(1)
    taken = await flood(here, web, path, body, MOST_OF_ONE)  # as few as are read, so that all of the minute counts
    tell("  the same, two calls a second", MOST_OF_ONE, taken, checks(here) - before - spent)
    assert taken == MOST_OF_ONE
    spent = max(spent, checks(here) - before - spent)
    assert 1 <= spent <= MINUTE / USER_EVERY if what in ("an open order", "250 open orders") else spent == 0
    assert 429 not in here.wire.statuses


@pytest.mark.parametrize("what", ["replayed", "forged"])
async def test_a_call_that_is_replayed_or_forged_costs_a_bounded_number_of_early_checks(
    here: World, ann: Any, web: aiohttp.ClientSession, what: str
) -> None:
    await watch(here, ann, "ord_A")
    await register(ann)
    (address,) = next(iter(here.panel.webhooks.values()))
    path, before = address.removeprefix(URL), checks(here)
    body = b'{"order":"ord_A"}' if what == "replayed" else b'{"order":"ord_A","status":"refunded"}'
    signed = {"X_Signature": "sha256=" + "a" * 64} if what == "forged" else {}
    assert await call(web, path, body, **signed) == 204
    await work(here)
    assert checks(here) == before + 1
    here.skip(60)
    before = checks(here)
    taken = await flood(here, web, path, body, 600, **signed)
    spent = checks(here) - before
    tell(f"a call to a known address, {what}", 600, taken, spent)
    assert taken == MOST_OF_ONE
    assert 1 <= spent <= MINUTE / USER_EVERY
    assert messages(ann) == []  # whatever a call says: the panel says that it is still running


async def test_many_addresses_together_cost_a_bounded_number_of_looks(here: World, web: aiohttp.ClientSession) -> None:
    paths: list[str] = []
    for number in range(30):
        user, key, order = here.env.create_user(f"user{number}"), f"np-key-of-user-{number:03}", f"ord_{number}"
        here.panel.add_key(key)
        await here.connect(user, key)
        here.order(order, OrderStatus.IN_PROGRESS, key=key, upstream=LONG)
        await user.slash("cancel", orders=order)
        await here.settle()
        paths.append(await new_address(user))
        here.skip(62 if number == 14 else 0)  # only so many keys are checked in a minute
    await here.wait(90, step=10)
    before, taken = checks(here), 0
    nudged = value(here.app.services.metrics.webhook_orders)
    for _ in range(60):
        for number, path in enumerate(paths):
            taken += await call(web, path, f"ord_{number}".encode()) == 204
        for _ in range(5):
            await here.app.services.webhooks.step()
        await here.app.scheduler.step()
        here.skip(1)
    tell("30 known addresses at once", 1_800, taken, checks(here) - before)
    assert taken == MOST_OF_ALL
    assert value(here.app.services.metrics.webhook_orders) - nudged <= MINUTE / ANY_EVERY
    assert 429 not in here.wire.statuses


async def test_nobody_elses_order_is_ever_touched(here: World, ann: Any, web: aiohttp.ClientSession) -> None:
    bob = here.env.create_user("bob")
    here.panel.add_key("np-key-of-bob-000")
    await here.connect(bob, "np-key-of-bob-000")
    await watch(here, bob, "ord_BOB", key="np-key-of-bob-000")
    await watch(here, ann, "ord_ANN")
    path, before = await new_address(ann), len(here.panel.calls)
    assert await call(web, path, b"ord_BOB ord_ANN") == 204
    await work(here)
    assert [call.orders for call in here.panel.calls[before:]] == [("ord_ANN",)]


async def test_calls_that_are_not_read_yet_do_not_pile_up(here: World, ann: Any, web: aiohttp.ClientSession) -> None:
    paths = [f"/hooks/{number}" for number in range(MOST_WAITING + 20)]
    statuses = [await call(web, path, b"x" * server.MOST_BYTES) for path in paths]
    assert statuses == [204] * MOST_WAITING + [429] * 20
    await here.app.services.webhooks.step()
    assert await call(web, ADDRESS, b"") == 204


async def test_a_call_that_is_dropped_is_not_said_to_be_taken(
    here: World, ann: Any, web: aiohttp.ClientSession
) -> None:
    """One whose body takes so long that there is no room any more when it has come."""
    filled = asyncio.Event()

    async def slow() -> AsyncGenerator[bytes]:
        yield b"ord_A"
        for number in range(MOST_WAITING):
            assert await call(web, f"/hooks/{number}", b"") == 204
        filled.set()

    assert await call(web, ADDRESS, slow()) == 429
    assert filled.is_set()
    assert label_counts(here.app.services.metrics.webhook_calls)["limited"] == 1


async def test_their_headers_do_not_pile_up_either(here: World, ann: Any, web: aiohttp.ClientSession) -> None:
    headers = {f"X_Junk_{number}": "a" * 8_000 for number in range(100)}
    tracemalloc.start()
    try:
        for number in range(MOST_WAITING):
            assert await call(web, f"/hooks/{number}", b"", **headers) == 204
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < MOST_WAITING * server.MOST_BYTES


async def test_orders_that_are_not_due_yet_do_not_pile_up(here: World, ann: Any, web: aiohttp.ClientSession) -> None:
    path = await new_address(ann)
    for number in range(20):
        await call(web, path, " ".join(f"ord_{number}x{order}" for order in range(100)).encode())
    await here.app.services.webhooks.step()
    assert len(here.app.services.webhooks._gathered[ann.id].orders) <= MOST_GATHERED
    for _ in range(10):
        here.skip(6)
        await here.app.services.webhooks.step()
    assert here.app.services.webhooks._gathered == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00ord_A",
        b"[" * 60_000,
        b'{"order":' * 7_000,
        b'"order": ' + b"9" * 60_000,
        b"ord_" * 15_000,
        b"ord_" + b"A" * 60_000,
        b"\x00" * 60_000,
        " ".join(f"ord_{number}" for number in range(8_000)).encode()[: 64 * 1024],
        json.dumps({"order": {"order": ["ord_" + "\u0000"]}}).encode(),
        b"sha256=" + b"a" * 60_000,
    ],
    ids=lambda body: repr(body[:12]),
)
async def test_junk_is_read_quickly_and_stops_nobody(
    here: World, ann: Any, web: aiohttp.ClientSession, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await watch(here, ann, "ord_A")
    path = await new_address(ann)
    assert await call(web, path, body, X_Junk="a" * 6_000) == 204
    began = time.perf_counter()
    await here.app.services.webhooks.step()
    assert time.perf_counter() - began < 1
    assert not [record for record in caplog.records if record.exc_info]
    here.skip(5)
    before = checks(here)
    await call(web, path, b"ord_A")
    await work(here)
    assert checks(here) == before + 1


async def test_a_body_that_unfolds_is_not_unfolded(here: World, ann: Any, web: aiohttp.ClientSession) -> None:
    await watch(here, ann, "ord_A")
    path, before = await new_address(ann), checks(here)
    bomb = gzip.compress(b"ord_A " * 5_000_000)
    assert len(bomb) < server.MOST_BYTES
    assert await call(web, path, bomb, Content_Encoding="gzip") == 204
    await work(here)
    assert checks(here) == before


async def test_a_body_that_is_too_long_or_never_ends_is_dropped(
    here: World, ann: Any, web: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_READ_WITHIN", 0.05)
    done = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes]:
        yield b"ord_A"
        await done.wait()

    async def huge() -> AsyncGenerator[bytes]:
        for _ in range(100):
            yield b"x" * 1_000

    assert await call(web, ADDRESS, huge()) == 413
    assert await call(web, ADDRESS, endless()) == 408
    done.set()
    assert not here.app.services.webhooks._arrived


async def test_a_forged_button_reaches_the_pressers_own_address_alone(here: World, ann: Any) -> None:
    from bot.cards.layout import Tone, card

    await new_address(ann)
    before = rows(here)
    channel = here.env.create_guild().create_text_channel("orders")
    eve = here.env.guild.add_member(here.env.create_user("eve"))
    for step in ("off", "secret", "forget", "make", "register", "show"):
        copy = card(Tone.PLAIN, ["a forged copy"], buttons=[actions.WEBHOOK.button(step, label="press")])
        shown_to_all = await here.app.client.get_partial_messageable(channel.id).send(view=copy.view)
        await eve.click(shown_to_all, custom_id=f"np:webhook:{step}")
    assert rows(here) == before


async def test_an_address_is_in_no_log(
    here: World, ann: Any, web: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    path = await new_address(ann)
    await call(web, path, b"ord_A", X_Signature="x")
    await call(web, path, b"x" * (server.MOST_BYTES + 1))
    await work(here)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("bot", "cogs", "aiohttp"))]
    assert path.removeprefix("/hooks/") not in "".join(ours)


@pytest.mark.parametrize(
    "call",
    [
        b"Content-Length: 100\r\n\r\nord_A",
        b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nord_A",
        b"Bad\x00Header: 1\r\n\r\n",
        b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n",
    ],
    ids=["hung up", "bad chunk", "bad header", "long header"],
)
@pytest.mark.parametrize("version", ["1.1", "9.9"])
async def test_calls_that_break_off_or_are_no_http_leave_nothing_in_the_log(
    here: World, caplog: pytest.LogCaptureFixture, call: bytes, version: str
) -> None:
    """There is no end to what strangers can send, and a secret address may be in it."""
    caplog.set_level("DEBUG")
    async with server.serving("127.0.0.1", 0, here.app.services.health, here.app.services.webhooks) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST {ADDRESS} HTTP/{version}\r\nHost: x\r\n".encode() + call)
        writer.write_eof()
        await reader.read()
        writer.close()
    assert "answering on" in caplog.text
    assert ADDRESS not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]
