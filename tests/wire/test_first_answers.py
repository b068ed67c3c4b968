"""First answers that arrive unheard, over the wire: nobody is left waiting, nothing is done, nobody's card is lost."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.panel import Upstream
from tests.wire.objects import ANN
from tests.wire.stage import KEY, Stage, stage
from tests.wire.stand_in import Fault, Sent

NOTHING = "Nothing was done this time"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A bot that asks before it cancels two orders, and a user who has connected their key."""
    async with stage(tmp_path) as made:
        made.bot.settings = {**made.bot.settings, "CONFIRM_ABOVE": "1"}
        await made.bot.start()
        await made.connect()
        for order in ("ord_A", "ord_B", "ord_C"):
            made.panel.add_order(KEY, order)
        made.panel.add_order(KEY, "ord_D", status="in_progress", upstream=Upstream(timedelta(hours=1)))
        yield made


def unheard(how: str, times: int) -> Fault:
    """Return the fault of answers that take effect before they are lost."""
    return Fault(
        "POST", "/interactions/*", 502, times=times, reset=how == "reset", hang=how == "hang", after_effect=True
    )


@pytest.mark.parametrize("how", ["502, then 40060", "reset", "hang"])
async def test_a_first_answer_that_arrived_unheard_is_taken_back(here: Stage, how: str) -> None:
    question = await here.discord.slash("cancel", orders="ord_A ord_B")
    await here.discord.until(lambda: "Cancel 2 orders?" in question.text and "pending" in question.text)
    asked = question.text
    form = await here.discord.slash("cancel")
    card = await here.discord.slash("cancel", orders="ord_D")
    await here.discord.until(lambda: "np:ids" in str(card.message and card.message.body))
    here.discord.faults = [unheard(how, 5)]
    *answers, pressed = await asyncio.gather(
        here.discord.slash("cancel", orders="ord_C"),
        here.discord.menu("Cancel orders in this message", "ord_C"),
        here.discord.submit(form, "ord_C"),
        here.discord.press(card, "np:more:*", "np:ids:request:2:queued"),
        here.discord.press(question, "np:confirm:*"),
    )
    await here.discord.until(lambda: all(NOTHING in answer.text for answer in answers))
    assert pressed.message is question.message
    await here.discord.until(lambda: len(said(here, NOTHING)) == 5)
    assert question.text == asked  # the card is as it was, and its button can be pressed again
    assert here.ledger("SELECT state, waiting FROM requests ORDER BY id") == [("asking", 2), ("going", 0)]
    assert [call.orders for call in here.panel.calls if call.action == "cancel"] == [("ord_D",)]
    confirmed = await here.discord.press(question, "np:confirm:*")
    await here.discord.until(lambda: "2 cancelled" in confirmed.text)


async def test_an_interaction_that_another_process_has_answered_is_left_to_it(here: Stage) -> None:
    """Two run with one token while one is being replaced: whoever comes second hears 40060 at its first try."""
    edited = here.discord.methods["PATCH"]
    here.discord.faults = [Fault("POST", "/interactions/*", 400, 40060, after_effect=True)]
    answer = await here.discord.slash("cancel", orders="ord_C")
    await here.logged("came to nothing")
    assert answer.text == ""
    assert here.discord.methods["PATCH"] == edited


async def test_a_form_that_opened_unheard_can_be_filled_in(here: Stage) -> None:
    here.discord.faults = [unheard("502, then 40060", 1)]
    form = await here.discord.slash("cancel")
    card = await here.discord.submit(form, "ord_C")
    await here.discord.until(lambda: "1 cancelled" in card.text)
    assert said(here, NOTHING) == []


@pytest.mark.parametrize("reset", [True, False])
async def test_a_message_that_was_acknowledged_unheard_is_answered_where_that_stands(here: Stage, reset: bool) -> None:
    before = len(here.discord.seen_by(ANN))
    here.discord.faults = [Fault("POST", "/channels/*/messages", 502, reset=reset, after_effect=True)]
    await here.discord.write("cancel ord_C")
    await here.discord.until(lambda: said(here, "1 cancelled"))
    assert len(here.discord.seen_by(ANN)) == before + 1


def said(here: Stage, text: str) -> list[Sent]:
    """Return what Ann can see that has a text in it."""
    return [sent for sent in here.discord.seen_by(ANN) if text in sent.text]
