"""Which interaction or message a line of the log belongs to, and which call of the panel's."""

import io
import json
import logging
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest

from bot.cards import actions
from bot.cards.layout import Tone, card
from bot.ledger import LedgerUnwritable
from bot.logs import JsonFormatter, TextFormatter
from bot.ops.request_context import begin_request
from bot.panel import Answer, InvalidKey, Panel
from tests.panel.fakes import KEY as PANEL_KEY
from tests.panel.fakes import panel_that
from tests.world import World

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that is logged as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def logged(lines: io.StringIO) -> list[dict[str, Any]]:
    """Return what the bot itself has logged."""
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in found if line["logger"].startswith("bot")]


def break_down(here: World) -> None:
    """Have every look into the ledger for an account end in a fault of the bot's own."""

    async def broken(*_: Any) -> Any:
        logging.getLogger("bot.deep.inside").warning("about to break")
        raise LedgerUnwritable

    for question in ("account", "account_of", "accounts_of"):
        setattr(here.app.ledger.read, question, broken)


@pytest.mark.parametrize("way", ["command", "form", "button"])
async def test_every_line_of_an_interaction_carries_its_id(here: World, ann: Any, lines: io.StringIO, way: str) -> None:
    shown = await ann.slash("help" if way == "button" else "cancel")
    break_down(here)
    if way == "command":
        await ann.slash("balance")
    elif way == "form":
        await ann.submit_modal(shown, {"orders": "ord_A"})
    else:
        await ann.click(
            await here.app.client.get_partial_messageable(ann.dm_channel.id).send(view=look_button()), label="Check now"
        )
    found = logged(lines)
    assert {"about to break", f"interaction {found[-1]['request']} failed"} <= {line["message"] for line in found}
    assert len({line["request"] for line in found}) == 1


def look_button() -> Any:
    """Return a card with a button that looks into the ledger."""
    return card(Tone.PLAIN, ["a card"], buttons=[actions.CHECK_NOW.button()]).view


async def test_every_line_of_a_message_carries_its_id(here: World, ann: Any, lines: io.StringIO) -> None:
    break_down(here)
    message = await ann.send_dm("balance")
    assert {line.get("request") for line in logged(lines)} == {str(message.id)}


async def test_what_the_bot_does_by_itself_carries_none(here: World, ann: Any, lines: io.StringIO) -> None:
    here.order("ord_A")
    await ann.slash("cancel", orders="ord_A")
    here.wire.down = True
    await here.one_call()
    found = [line for line in logged(lines) if "trying again" in line["message"]]
    assert found
    assert not [line for line in found if "request" in line]


def test_people_read_it_at_the_end_of_the_line() -> None:
    record = logging.LogRecord("bot", logging.INFO, "", 1, "said", None, None)
    line = TextFormatter("%(message)s")
    assert line.format(record) == "said"
    answering = copy_context()
    answering.run(begin_request, 4711)
    assert answering.run(line.format, record) == "said [4711]"


async def test_the_panels_own_id_of_a_call_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refused = panel_that(Answer(403, '{"error": "Invalid API key"}', {"X-Request-Id": "req_7f-1"}))
    await refuse(refused)
    assert "the panel answered 403 to its request req_7f-1" in caplog.messages


@pytest.mark.parametrize("given", ["two\twords", "x" * 65, f"req-{PANEL_KEY.get_secret_value()}", ""])
async def test_what_is_no_id_or_holds_the_key_is_not(caplog: pytest.LogCaptureFixture, given: str) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    await refuse(panel_that(Answer(403, '{"error": "Invalid API key"}', {"X-Request-Id": given})))
    assert not [message for message in caplog.messages if "its request" in message]


async def refuse(panel: Panel) -> None:
    """Make a call that is refused."""
    with pytest.raises(InvalidKey):
        await panel.balance(PANEL_KEY)
