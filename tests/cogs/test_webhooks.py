"""/webhook: an address of one's own, registered by hand or by the bot, and the look that a call to it leads to."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.cards import actions
from bot.cards.language import use_language
from bot.cards.layout import Tone, card
from bot.cards.webhooks import address_made, registered_card, registration_question, turned_off, webhook_card
from bot.domain.errors import RegistrationUnderWay
from bot.domain.languages import Language
from bot.domain.order_status import OrderStatus
from bot.ledger import Webhook
from bot.ops.http.server import application
from bot.ops.metrics import label_counts, value
from bot.panel import Answer
from bot.services.webhooks import Registered
from tests.cogs.test_forget import forget
from tests.cogs.test_queued import LONG
from tests.examples import parts_of
from tests.webhooks import OPEN, URL, Web, checks, new_address, path_in, register, rows, watch, work
from tests.workers.test_long_lists import begin, names, one_call
from tests.world import START, World, buttons_of, messages, shown

pytestmark = [pytest.mark.usefixtures("env"), pytest.mark.settings(**OPEN)]


@pytest.fixture
async def web(here: World) -> AsyncGenerator[Web]:
    """Somebody who calls the bot's addresses."""
    async with TestClient(TestServer(application(here.app.services.health, here.app.services.webhooks))) as client:
        yield client


async def test_a_call_has_its_order_looked_at_now_and_the_panel_is_believed_alone(
    here: World, ann: Any, web: Web
) -> None:
    await watch(here, ann, "ord_A", "ord_B")
    path = await new_address(ann)
    before = checks(here)
    response = await web.post(path, json={"event": "order.refunded", "order": "ord_A", "status": "refunded"})
    assert (response.status, await response.text()) == (204, "")
    await work(here)
    assert checks(here) == before + 1
    assert messages(ann) == []  # the panel says that it is still running

    here.panel.orders["ord_A"].status = "canceled"
    here.skip(5)
    await web.post(path, data=b"anything with ord_A in it")
    await work(here)
    assert checks(here) == before + 2
    await here.wait(10)
    (told,) = messages(ann)
    assert "ord_A" in told
    assert "1 cancelled" in told
    assert f"Last call <t:{int(here.clock.now.timestamp()) - 10}:R>" in shown(await ann.slash("webhook"))


@pytest.mark.parametrize(
    "body", [b'{"order": 123}', b'{"data": {"order_id":"123"}}', b'{"orders": ["ord_Z"], "order":"123"}']
)
async def test_a_number_counts_under_the_name_of_an_order_alone(here: World, ann: Any, web: Web, body: bytes) -> None:
    await watch(here, ann, "123")
    path = await new_address(ann)
    before = checks(here)
    for other in (b'{"balance": 123, "note": "order 123"}', b"123", b"[123, 456]"):
        await web.post(path, data=other)
        await work(here)
        assert checks(here) == before
        here.skip(5)
    await web.post(path, data=body)
    await work(here)
    assert checks(here) == before + 1


async def test_only_the_orders_named_become_due(here: World, ann: Any, web: Web) -> None:
    await watch(here, ann, "ord_A", "ord_B")
    path = await new_address(ann)
    await web.post(path, data=b"ord_A")
    await here.app.services.webhooks.step()
    due = dict(here.sql("SELECT order_id, due_at FROM cancellations"))
    assert due["ord_A"] == int(here.clock.now.timestamp() * 1000) < due["ord_B"]


async def test_one_address_serves_all_keys_of_its_user(here: World, ann: Any, web: Web) -> None:
    here.panel.add_key("np-another-key-000")
    await here.connect(ann, "np-another-key-000", name="shop")
    here.order("ord_B", OrderStatus.IN_PROGRESS, key="np-another-key-000", upstream=LONG)
    await ann.slash("cancel", orders="ord_B", key="shop")
    await watch(here, ann, "ord_A")
    path, before = await new_address(ann), checks(here)
    await web.post(path, data=b"ord_A ord_B")
    await work(here)
    assert checks(here) == before + 2


async def test_a_list_that_is_being_sent_goes_first(here: World, ann: Any, web: Web) -> None:
    await begin(here, ann, names(1_000))
    path = await new_address(ann)
    await one_call(here)
    await web.post(path, data=" ".join(names(1_000)[:100]).encode())
    await work(here)
    assert value(here.app.services.metrics.webhook_orders) == 0


async def test_an_address_is_shown_once_and_only_a_hash_of_it_is_kept(here: World, ann: Any, web: Web) -> None:
    path = await new_address(ann)
    assert path.removeprefix("/hooks/") not in shown(await ann.slash("webhook"))
    assert len(path) > 40
    token = path.removeprefix("/hooks/")
    assert token not in repr(rows(here))
    for file in here.folder.iterdir():
        assert token.encode() not in file.read_bytes()


async def test_a_new_address_ends_the_old_one(here: World, ann: Any, web: Web) -> None:
    await watch(here, ann, "ord_A")
    old, new = await new_address(ann), await new_address(ann)
    before = checks(here)
    await web.post(old, data=b"ord_A")
    await work(here)
    assert checks(here) == before
    await web.post(new, data=b"ord_A")
    await work(here)
    assert checks(here) == before + 1


async def test_the_bot_registers_an_address_after_asking(here: World, ann: Any, web: Web) -> None:
    card = await register(ann)
    assert "NotPanel answered without an error" in shown(card)
    ((address, secret),) = next(iter(here.panel.webhooks.values())).items()
    assert address == URL + path_in(shown(card))
    assert secret not in here.payloads()
    for file in here.folder.iterdir():
        assert secret.encode() not in file.read_bytes()

    await watch(here, ann, "ord_A")
    before = checks(here)
    await web.post(address.removeprefix(URL), data=b'{"order":"ord_A"}', headers={"X-Signature": "sha256=" + "a" * 64})
    await work(here)
    assert checks(here) == before + 1


@pytest.mark.parametrize("step", ["secret", "forget"])
async def test_a_button_of_an_old_card_shows_the_card_as_it_is_now(here: World, ann: Any, step: str) -> None:
    await new_address(ann)
    before = rows(here)
    old = card(Tone.PLAIN, ["a card of an earlier release"], buttons=[actions.WEBHOOK.button(step, label="press")])
    channel = here.env.create_guild().create_text_channel("orders")
    member = here.env.guild.add_member(ann)
    message = await here.app.client.get_partial_messageable(channel.id).send(view=old.view)
    pressed = await member.click(message, custom_id=f"np:webhook:{step}")
    assert "No call so far" in shown(pressed) + repr([part.components for part in pressed.followups])
    assert rows(here) == before


@pytest.mark.parametrize(
    ("answer", "said", "stored"),
    [
        (Answer(200, '{"webhook": "wh_1"}'), "Probably registered", True),
        (Answer(200, '{"data": {"signing_secret": "whsec_0123456789"}}'), "Probably registered", True),
        (Answer(502, "Bad gateway"), "may or may not be registered", True),
        (Answer(200, "<html>"), "may or may not be registered", True),
        (
            Answer(400, '{"error": "Unknown action: webhook.add"}'),
            "refused: `Unknown action: webhook.add`",
            False,
        ),
        (Answer(429, "{}"), "rate limit is used up", False),
        (Answer(403, '{"error": "Invalid API key"}'), "doesn't accept this key", False),
    ],
)
async def test_what_the_panel_says_is_told_and_no_more(
    here: World, ann: Any, answer: Answer, said: str, stored: bool
) -> None:
    here.wire.faults = [answer]
    card = await ann.slash("webhook")
    await ann.click(card.response, label="Register one for me")
    pressed = await ann.click(card.response, label="Register")
    assert said in shown(card) + repr([part.components for part in pressed.followups])
    assert bool(rows(here)) is stored
    assert "whsec_" not in here.payloads()
    if stored:
        assert path_in(shown(card))


async def test_a_registration_that_failed_leaves_the_address_as_it_was(here: World, ann: Any) -> None:
    await new_address(ann)
    before = rows(here)
    here.wire.faults = [Answer(400, '{"error": "Webhook limit reached for this key"}')]
    await register(ann)
    assert rows(here) == before


async def test_pressed_twice_it_asks_the_panel_once(here: World, ann: Any) -> None:
    async def meanwhile(answer: Answer) -> Answer:
        with pytest.raises(RegistrationUnderWay):
            await here.app.services.webhooks.register(ann.id)
        return answer

    here.wire.faults = [meanwhile]
    await register(ann)
    assert [call.action for call in here.panel.calls].count("webhook.add") == 1


async def test_nothing_is_stored_for_who_was_erased_meanwhile(here: World, ann: Any) -> None:
    async def meanwhile(answer: Answer) -> Answer:
        await here.app.services.erasing.erase(ann.id)
        return answer

    here.wire.faults = [meanwhile]
    await register(ann)
    assert rows(here) == []


async def test_with_another_key_left_the_address_goes_on(here: World, ann: Any, web: Web) -> None:
    here.panel.add_key("np-another-key-000")
    await here.connect(ann, "np-another-key-000", name="shop")
    await watch(here, ann, "ord_A")
    path = await new_address(ann)
    await ann.slash("key remove", name="shop")
    before = checks(here)
    await web.post(path, data=b"ord_A")
    await work(here)
    assert checks(here) == before + 1


@pytest.mark.parametrize("way", ["turn off", "remove the key", "forget me"])
async def test_it_goes_with_the_key_with_its_user_and_by_itself(here: World, ann: Any, web: Web, way: str) -> None:
    await register(ann)
    address_hash = bytes(rows(here)[0][1])
    address = next(iter(next(iter(here.panel.webhooks.values()))))
    if way == "turn off":
        card = await ann.slash("webhook")
        await ann.click(card.response, label="Turn off")
        assert "no longer works and is erased here" in shown(card)
    elif way == "remove the key":
        await ann.slash("key remove")
    else:
        question = await forget(ann)
        assert "Everything about you is deleted" in shown(question)
    assert rows(here) == []
    for file in here.folder.iterdir():
        assert address_hash not in file.read_bytes()
    assert (await web.post(address.removeprefix(URL), data=b"ord_A")).status == 204
    await work(here)
    assert label_counts(here.app.services.metrics.webhook_calls) == {"unknown": 1}


async def test_without_a_key_there_is_no_address(here: World) -> None:
    bob = here.env.create_user("bob")
    card = await bob.slash("webhook")
    for label in ("Just give me an address", "Register one for me"):
        pressed = await bob.click((await bob.slash("webhook")).response, label=label)
        if label == "Register one for me":
            pressed = await bob.click(pressed.response or card.response, label="Register")
        assert "Connect your NotPanel key first" in repr([part.components for part in pressed.followups])
    assert rows(here) == []


@pytest.mark.settings(http_port=None, public_url=None)
async def test_where_nothing_is_open_it_says_so(here: World, ann: Any) -> None:
    card = await ann.slash("webhook")
    assert "isn't set up for webhooks" in shown(card)
    assert buttons_of(card) == []
    async with TestClient(TestServer(application(here.app.services.health, here.app.services.webhooks))) as web:
        assert (await web.post("/hooks/anything", data=b"ord_A")).status == 404


async def test_the_loop_reads_what_arrives(here: World, ann: Any, web: Web) -> None:
    await watch(here, ann, "ord_A")
    path = await new_address(ann)
    stop = asyncio.Event()
    loop = asyncio.create_task(here.app.services.webhooks.run(stop))
    await web.post(path, data=json.dumps({"order": "ord_A"}))
    async with asyncio.timeout(10):
        while not value(here.app.services.metrics.webhook_orders):
            await here.app.ledger.read.fact("a visit to the ledger's thread")
    stop.set()
    await loop


@pytest.mark.parametrize("language", Language)
def test_cards_keep_discords_limits_in_every_language(language: Language) -> None:
    address = f"{URL}/hooks/{'a' * 43}"
    webhook = Webhook(1, b"hash", START, START + timedelta(seconds=1))
    with use_language(language):
        cards = [
            webhook_card(None),
            webhook_card(webhook),
            registration_question(),
            address_made(address),
            turned_off(),
            *(registered_card(Registered(address, clear)) for clear in (True, False)),
        ]
    for each in cards:
        parts = parts_of(each)
        assert len(parts) <= 40
        assert sum(len(part.get("content", "")) for part in parts) <= 4_000
        assert all(len(part["label"]) <= 80 for part in parts if part.get("label"))
        assert all(len(part["components"]) <= 5 for part in parts if part.get("type") == 1)
