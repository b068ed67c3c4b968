"""The real process, unmodified discord.py, real sockets: the story, an unclean world, and its ends."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.panel import Upstream
from tests.wire.objects import ANN, BOB, SERVER_CHANNEL
from tests.wire.stage import KEY, Stage, audit, stage
from tests.wire.stand_in import Fault

SOON = Upstream(timedelta(seconds=1))


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A bot that is ready, and a user who has connected their key."""
    async with stage(tmp_path) as made:
        await made.bot.start()
        await made.connect()
        yield made


async def test_the_story_over_the_wire(here: Stage) -> None:
    here.panel.add_order(KEY, "ord_A")
    here.panel.add_order(KEY, "ord_B", status="in_progress", upstream=SOON)
    card = await here.cancel("ord_A", "ord_B", "ord_absent")
    await here.discord.until(lambda: "1 cancelled · 1 waiting · 1 not possible" in card.text)
    await here.discord.until(here.messages_of_notices)
    await here.discord.until(lambda: "2 cancelled" in card.text)
    (notice,) = here.messages_of_notices()
    assert "ord_B" in notice.text
    assert await here.bot.terminate() == 0
    assert KEY not in here.bot.log
    assert audit(here).faults == []


async def test_refusals_in_words_of_many_bytes_are_shown(here: Stage) -> None:
    """Discord answers 500 to more than some 10,170 bytes, though they be fewer than 4,000 characters."""
    here.panel._cancel_one = lambda _key, order: {"error": f"{order} " + "🎉" * 190}  # type: ignore[method-assign]
    card = await here.cancel(*(f"ord_{number}" for number in range(60)))
    await here.discord.until(lambda: "60 not possible" in card.text)
    assert "`ord_0`" in card.text


async def test_a_long_list_in_a_file_is_sent_once_it_is_confirmed(tmp_path: Path) -> None:
    async with stage(tmp_path) as here:
        here.bot.settings = {**here.bot.settings, "CONFIRM_ABOVE": "1"}
        await here.bot.start()
        await here.connect()
        for order in ("ord_A", "ord_B"):
            here.panel.add_order(KEY, order)
        question = await here.discord.slash("cancel", file=b"ord_A\nord_B\n")
        await here.discord.until(lambda: "Cancel 2 orders?" in question.text)
        await here.discord.until(lambda: "2 pending" in question.text)
        assert [call.action for call in here.panel.calls] == ["balance", "status"]
        card = await here.discord.press(question, "np:confirm:*")
        await here.discord.until(lambda: "2 cancelled" in card.text)


async def test_an_answer_in_a_server_is_seen_by_one_person(here: Stage) -> None:
    here.panel.add_order(KEY, "ord_A")
    card = await here.discord.slash("cancel", orders="ord_A", where=SERVER_CHANNEL)
    await here.discord.until(lambda: "1 cancelled" in card.text)
    assert card.message in here.discord.seen_by(ANN, SERVER_CHANNEL)
    assert here.discord.seen_by(BOB, SERVER_CHANNEL) == []
    assert here.discord.seen_by(BOB) == []


@pytest.mark.parametrize(("status", "code"), [(404, 10062), (400, 40060), (500, 0)])
async def test_an_acknowledgement_that_is_refused_cancels_nothing(here: Stage, status: int, code: int) -> None:
    here.panel.add_order(KEY, "ord_A")
    here.discord.faults = [Fault("POST", "/interactions/*", status, code, times=9)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await here.cancel("ord_A")
    assert [call.action for call in here.panel.calls] == ["balance"]
    assert here.ledger("SELECT * FROM requests") == []


async def test_an_acknowledgement_that_arrives_too_late_cancels_nothing(here: Stage) -> None:
    here.panel.add_order(KEY, "ord_A")
    here.discord.answer_within = 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await here.cancel("ord_A")
    assert here.ledger("SELECT * FROM requests") == []


@pytest.mark.parametrize("reset", [True, False])
async def test_a_message_whose_confirmation_is_lost_is_sent_once(here: Stage, reset: bool) -> None:
    here.discord.faults = [Fault("POST", "/channels/*/messages", 503, reset=reset, after_effect=True)]
    here.panel.add_order(KEY, "ord_A", status="in_progress", upstream=SOON)
    await here.cancel("ord_A")
    await here.ledger_says("SELECT state, attempts FROM notices", [("delivered", 2)])
    assert len(here.messages_of_notices()) == 1


async def test_too_many_requests_are_waited_for(here: Stage) -> None:
    here.discord.faults = [
        Fault("POST", "/channels/*/messages", 429, times=2),
        Fault("PATCH", "/webhooks/*", 429, times=2),
    ]
    here.panel.add_order(KEY, "ord_A", status="in_progress", upstream=SOON)
    card = await here.cancel("ord_A")
    await here.discord.until(lambda: "1 cancelled" in card.text)
    await here.all_notified()
    assert len(here.messages_of_notices()) == 1


async def test_a_dm_closed_half_way_keeps_the_news_for_the_next_command(here: Stage) -> None:
    here.panel.add_order(KEY, "ord_A", status="in_progress", upstream=SOON)
    await here.cancel("ord_A")
    here.discord.dm_refusal = 50007
    await here.ledger_says("SELECT state FROM notices", [("kept",)])
    await here.discord.slash("queued")
    await here.discord.until(lambda: any("Cancelled: `ord_A`" in sent.text for sent in here.discord.seen_by(ANN)))
    await here.all_notified()
    assert here.discord.seen_by(BOB) == []


async def test_discord_down_for_a_while_gets_its_backlog_once_and_in_order(here: Stage) -> None:
    for number in range(3):
        here.panel.add_order(
            KEY, f"ord_{number}", status="in_progress", upstream=Upstream(timedelta(seconds=number + 2))
        )
    await here.cancel("ord_0", "ord_1", "ord_2")
    await here.ledger_says("SELECT COUNT(*) FROM cancellations WHERE queued_at IS NOT NULL", [(3,)])
    here.discord.down = True
    await here.discord.drop()
    await here.ledger_says("SELECT COUNT(*) FROM cancellations WHERE ended_at IS NOT NULL", [(3,)])
    here.discord.down = False
    await here.all_notified()
    assert audit(here).faults == []


async def test_a_dropped_gateway_is_resumed_and_what_happened_meanwhile_arrives(here: Stage) -> None:
    here.panel.add_order(KEY, "ord_A")
    await here.discord.drop()
    card = await here.cancel("ord_A")  # while nobody listens
    await here.discord.until(lambda: "1 cancelled" in card.text)
    assert here.discord.resumes == 1


async def test_a_session_that_discord_has_forgotten_is_begun_anew(here: Stage) -> None:
    here.discord.forgets_sessions = True
    await here.discord.drop()
    await here.discord.until(lambda: here.discord.sessions == 2)
    here.panel.add_order(KEY, "ord_A")
    card = await here.cancel("ord_A")
    await here.discord.until(lambda: "1 cancelled" in card.text)
    assert here.discord.resumes == 0


@pytest.mark.parametrize("status", [403, 503])
async def test_a_discord_that_answers_with_an_error_ends_with_the_code_for_trying_again(
    here: Stage, status: int
) -> None:
    await here.bot.terminate()
    here.discord.faults = [Fault("GET", "/users/@me", status)] * 5
    await here.bot.launch()
    assert await here.bot.ended(60) == 1
    assert f"HTTP {status}" in here.bot.log
    assert "Traceback" not in here.bot.log


async def test_a_token_that_is_refused_ends_with_its_own_code(here: Stage) -> None:
    await here.bot.kill()
    here.discord.faults = [Fault("GET", "/users/@me", 401, times=9)]
    await here.bot.launch()
    assert await here.bot.ended() == 5
    assert "does not accept DISCORD_TOKEN" in here.bot.log


@pytest.mark.parametrize("code", [4004, 4014])
async def test_a_gateway_closed_for_good_ends_with_its_own_code(here: Stage, code: int) -> None:
    await here.discord.drop(code)
    assert await here.bot.ended() == 5
    assert f"(code {code})" in here.bot.log


async def test_a_call_under_way_is_written_down_before_the_end(here: Stage) -> None:
    here.panel.add_order(KEY, "ord_A", status="in_progress", upstream=Upstream(timedelta(hours=1)))
    here.panel.latency = 1
    await here.cancel("ord_A")
    await here.ledger_says("SELECT state FROM cancellations", [("sending",)])
    assert await here.bot.terminate() == 0
    assert here.ledger("SELECT state FROM cancellations") == [("accepted",)]


async def test_a_call_that_does_not_end_is_left_to_the_next_start(here: Stage) -> None:
    here.panel.add_order(KEY, "ord_A", status="in_progress", upstream=SOON)
    here.panel.latency = 25
    await here.cancel("ord_A")
    await here.ledger_says("SELECT state FROM cancellations", [("sending",)])
    assert await here.bot.terminate(seconds=10) == 0
    here.panel.latency = 0
    await here.bot.start()
    await here.all_notified()
    assert audit(here).faults == []
