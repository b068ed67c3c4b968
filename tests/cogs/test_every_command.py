"""What all commands do alike: acknowledged before any work, shown to their user alone, also as plain text in a DM."""

import re
from typing import Any

import pytest

from bot.cards import actions
from bot.cards.errors import INTERNAL, user_error
from bot.domain.errors import UserError
from bot.domain.order_status import OrderStatus
from bot.ledger import queries
from bot.ops.metrics import value
from bot.panel import Answer
from tests.world import START, World, buttons_of, fill_in, messages, open_orders, shown, text_of, whole_list

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


@pytest.mark.parametrize(
    "command",
    [
        "cancel",
        "form",
        "confirm",
        "status",
        "refill",
        "balance",
        "queued",
        "history",
        "key show",
        "key remove",
        "settings",
        "webhook",
        "forget-me",
        "help",
        "dm",
    ],
)
async def test_the_acknowledgement_goes_out_before_any_work(
    here: World, ann: Any, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.order("ord_A", RUNNING)
    here.panel.latency = 2
    form, settings = await ann.slash("cancel"), await ann.slash("settings")
    question = await ann.slash("cancel", orders=" ".join(f"ord_{n}" for n in range(26)))
    before = len(here.env.http_requests)
    sent_when_asked: list[int] = []
    run = queries._run

    def watched(*arguments: Any, **more: Any) -> Any:
        sent_when_asked.append(len(here.env.http_requests) - before)
        return run(*arguments, **more)

    monkeypatch.setattr(queries, "_run", watched)
    calls = len(here.panel.calls)
    match command:
        case "form":
            await ann.submit_modal(form, {"orders": "ord_A"})
        case "settings":
            await fill_in(ann, settings, way="off")
        case "confirm":
            await ann.click(question.response, label="Cancel 26 orders")
        case "dm":
            await ann.send_dm("cancel ord_A")
        case "cancel" | "status" | "refill":
            await ann.slash(command, orders="ord_A")
        case _:
            await ann.slash(command)
    first = here.env.http_requests[before]
    assert first.path.endswith("/messages" if command == "dm" else "/callback")
    assert sent_when_asked
    assert all(sent_when_asked)  # whenever the ledger was asked, something had been sent
    if command not in ("status", "refill", "balance"):
        assert len(here.panel.calls) == calls  # a slow panel keeps no command waiting


@pytest.mark.parametrize("command", ["cancel", "refill"])
async def test_where_the_acknowledgement_fails_nothing_is_sent(here: World, ann: Any, command: str) -> None:
    here.order("ord_A")
    here.order("ord_B", OrderStatus.COMPLETED)
    for status, code in ((404, 10062), (400, 40060), (500, 0)):
        here.env.inject_error("POST", "/interactions/*", status=status, code=code)
        await ann.slash(command, orders="ord_A ord_B")
        await here.settle()
    assert {call.action for call in here.panel.calls} == {"balance"}  # the key was checked
    account = await here.app.ledger.read.account_of(ann.id)
    assert account
    assert await open_orders(here.app.ledger.read, account.id) == []


async def test_plain_text_in_a_dm_does_the_same(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING)
    await ann.send_dm("cancel\nord_A, ord_B")
    await here.settle()
    assert "1 cancelled · 1 waiting" in messages(ann)[-1]
    await ann.send_dm("queued")
    assert "1 of 2 left" in messages(ann)[-1]
    assert "`ord_B`" in messages(ann)[-1]
    await ann.send_dm("status ord_A")
    assert "1 canceled" in messages(ann)[-1]
    await ann.send_dm("help")
    assert "/key set" in messages(ann)[-1]
    await ann.send_dm("what is this")
    assert "I didn't get that" in messages(ann)[-1]


async def test_a_key_sent_as_a_message_is_warned_about_and_not_repeated(here: World, ann: Any) -> None:
    for before in ("", "key ", "key set ", "connect ", "here is my new api key: "):
        await ann.send_dm(f"{before}np-somebodys-key-0123456789")
        assert "If that was your API key" in messages(ann)[-1]
    assert "somebodys" not in here.payloads()


async def test_a_command_about_keys_sent_as_a_message_alarms_nobody(here: World, ann: Any) -> None:
    await ann.send_dm("key show")
    assert "Your NotPanel key" in messages(ann)[-1]
    for text in ("key remove", "key default main"):
        await ann.send_dm(text)
        assert messages(ann)[-1].startswith("Use ")


async def test_without_a_key_the_connect_button_opens_the_form(here: World) -> None:
    bob = here.env.create_user("bob")
    result = await bob.slash("cancel", orders="ord_A")
    assert "Connect your NotPanel key first" in shown(result)
    assert buttons_of(result) == ["Paste my key", "Open NotPanel"]
    form = await bob.click(result.response, label="Paste my key")
    assert form.modal
    assert form.modal["title"] == "Connect your NotPanel key"
    assert here.panel.calls == []


async def test_in_a_server_only_the_user_sees_the_card(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann = here.env.guild.add_member(here.env.create_user("ann"))
    await here.connect_in(channel, ann)
    here.order("ord_A")
    result = await ann.slash(channel, "cancel", orders="ord_A")
    await here.settle()
    assert result.ephemeral
    assert "1 cancelled" in shown(result)
    assert channel.history() == []


async def test_times_in_answers_are_those_of_the_clock(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert f"<t:{int(START.timestamp())}:R>" in shown(await ann.slash("queued"))


async def test_what_is_open_and_what_the_panel_says_fit_on_a_card_however_many(here: World, ann: Any) -> None:
    orders = " ".join(here.order(f"ord_{n:026}", RUNNING) for n in range(180))
    question = await ann.slash("cancel", orders=orders)
    await ann.click(question.response, label="Cancel 180 orders")
    await here.settle()
    queued, status = await ann.slash("queued"), await ann.slash("status", orders=orders)
    for result in (queued, status):
        assert re.search(r"\+ \d+ more|more, in the file|Show all 180", shown(result))
        assert len(shown(result)) <= 4_000
    (file,) = status.response.attachments
    assert (await file.read()).count(b"ord_") == 180
    assert (await whole_list(ann, queued)).count("ord_") == 180


@pytest.mark.parametrize("command", ["cancel", "key set"])
async def test_where_a_form_cannot_be_opened_nothing_more_is_tried(
    here: World, ann: Any, command: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Discord has given up on the interaction, so there is nobody to be told: that is no fault of ours either."""
    before = value(here.app.services.metrics.not_acknowledged)
    here.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    result = await ann.slash(command)
    assert result.response is None
    assert result.modal is None
    assert value(here.app.services.metrics.not_acknowledged) == before + 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_news_that_cannot_be_shown_do_not_spoil_an_answer(here: World, ann: Any) -> None:
    """The refill has been asked for by then: nobody may be told that nothing was sent."""
    await keep_news(here, ann)
    here.order("ord_B", OrderStatus.COMPLETED)

    def torn(answer: Answer) -> Answer:
        here.sql("ALTER TABLE notices RENAME TO elsewhere")
        return answer

    here.wire.faults = [torn]
    result = await ann.slash("refill", orders="ord_B")
    assert "1 accepted" in shown(result)
    assert result.followups == []
    here.sql("ALTER TABLE elsewhere RENAME TO notices")
    (news,) = (await ann.slash("queued")).followups
    assert "ord_A" in text_of(news.components)


async def test_news_that_cannot_be_read_are_not_said_to_be_none(here: World, ann: Any) -> None:
    await keep_news(here, ann)
    message = await here.post(ann.dm_channel, actions.UPDATES.button(ann.id))
    here.below.damage("notices")
    pressed = await ann.click(message, label="Show me")
    here.below.mend("notices")
    assert "I can't read or save anything right now" in shown(pressed)
    assert "seen everything" not in shown(pressed)
    assert "ord_A" in shown(await ann.click(message, label="Show me"))


async def keep_news(here: World, user: Any) -> None:
    """Let an order end of which its user could not be told."""
    here.env.inject_error("POST", f"/channels/{user.dm_channel.id}/messages", status=403, code=50007)
    here.order("ord_A", RUNNING)
    await user.slash("cancel", orders="ord_A")
    await here.wait(100)
    assert messages(user) == []
    assert here.sql("SELECT COUNT(*) FROM notices WHERE state = 'kept'") == [(1,)]


def test_whatever_a_user_can_put_right_is_told_in_a_sentence_of_its_own() -> None:
    plain = [kind for kind in UserError.__subclasses__() if kind.__init__ is UserError.__init__]
    assert plain
    sentences = {user_error(kind()) for kind in plain}
    assert len(sentences) == len(plain)
    assert INTERNAL not in sentences


@pytest.mark.postgresql
async def test_of_a_ledger_that_is_out_of_reach_nobody_says_what_was_not_done(here: World, ann: Any) -> None:
    here.app.ledger._engine._pool.terminate()  # what the network does
    text = shown(await ann.slash("queued"))
    assert "I can't read or save anything right now" in text
    assert "nothing was sent" not in text


@pytest.mark.settings(http_port=8080, public_url="https://bot.example")
async def test_a_webhook_that_was_registered_but_not_noted_is_not_said_to_be_unsent(here: World, ann: Any) -> None:
    card = await ann.slash("webhook")
    await ann.click(card.response, label="Register one for me")

    def torn(answer: Answer) -> Answer:
        here.sql("ALTER TABLE webhooks RENAME TO elsewhere")
        return answer

    here.sql("SELECT 1")  # connects, which a fault cannot wait for
    here.wire.faults = [torn]
    pressed = await ann.click(card.response, label="Register")
    here.sql("ALTER TABLE elsewhere RENAME TO webhooks")
    assert here.panel.webhooks
    (answer,) = pressed.followups
    assert "Before you repeat anything" in text_of(answer.components)
    assert "nothing was sent" not in text_of(answer.components)
