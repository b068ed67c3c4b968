"""What Discord's errors mean for a delivery: few end it, all others are tried again, and none blocks the next."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.cards.language import use_language
from bot.cards.notices import brief_notice_card
from bot.delivery.refusals import Refusal, classify
from bot.domain.languages import Language
from bot.domain.order_status import OrderStatus
from bot.domain.states import State
from bot.ledger import Notice, NoticeState, Report
from tests.delivery.test_follow_up import queue
from tests.examples import KEYS, NOW, PAUSED, grouped, keeps_discords_limits, order, text_of
from tests.world import World, messages, shown
from tests.world import text_of as text_of_parts

pytestmark = pytest.mark.usefixtures("env")

PASSING = {
    "no code": (403, 0),
    "bad gateway": (502, 0),
    "unauthorized": (401, 0),
    "blocked by the network in between": (403, 40333),
    "application not available": (503, 110001),
    "overloaded": (503, 130000),
    "form body": (400, 50035),
    "interaction unknown": (404, 10062),
    "someone else's token": (401, 50027),
    "not found": (404, 0),
    "nobody knows": (403, 987654),
}
ENDING = {"closed": (403, 50007), "no common server": (403, 50278), "user gone": (404, 10013), "channel": (404, 10003)}
DM = {"opening the DM": "/users/@me/channels", "the message": "/channels/*/messages"}


@pytest.mark.parametrize("path", DM.values(), ids=DM)
@pytest.mark.parametrize("error", PASSING)
async def test_what_says_nothing_about_the_user_only_delays(here: World, ann: Any, error: str, path: str) -> None:
    status, code = PASSING[error]
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", path, status=status, code=code, times=None)
    await here.wait(420, step=5)
    assert here.sql("SELECT state FROM notices") == [("sending",)]
    here.env.backend.faults.clear()
    await here.wait(400, step=5)
    (notice,) = messages(ann)
    assert "`ord_A`" in notice


@pytest.mark.parametrize("path", DM.values(), ids=DM)
@pytest.mark.parametrize("error", ENDING)
async def test_what_speaks_about_the_user_keeps_the_notice_at_once(
    here: World, ann: Any, error: str, path: str
) -> None:
    status, code = ENDING[error]
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", path, status=status, code=code, times=1)
    await here.wait(90)
    assert here.sql("SELECT state, attempts FROM notices") == [("kept", 1)]


@pytest.mark.parametrize("error", PASSING)
async def test_a_card_is_edited_once_discord_takes_it_again(here: World, ann: Any, error: str) -> None:
    status, code = PASSING[error] if PASSING[error][1] != 50027 else (403, 0)  # that one is about the card's token
    here.order("ord_A")
    here.env.inject_error("PATCH", "/webhooks/*", status=status, code=code, times=None)
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(60)
    here.env.backend.faults.clear()
    await here.wait(120, step=5)
    assert "1 cancelled" in shown(card)
    assert messages(ann) == []


async def test_a_hint_that_fails_for_a_while_is_left_later(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann = here.env.guild.add_member(here.env.create_user("ann"))
    here.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    await here.connect_in(channel, ann)
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.slash(channel, "cancel", orders="ord_A")
    await here.settle()
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=40333, times=3)
    await here.wait(200)
    (ping,) = channel.history()
    assert ann.mention in text_of_parts([part.to_dict() for part in ping.components])


def only(here: World, fails: Callable[[Notice], bool]) -> None:
    """Have Discord fail at the messages of some notices, whatever is in them."""
    send = here.app.services.notification_sender._send

    async def fail(notice: Notice) -> Any:
        if fails(notice):
            raise TimeoutError
        return await send(notice)

    here.app.services.notification_sender._send = fail  # type: ignore[method-assign]


async def test_a_message_that_always_fails_does_not_block_its_users_next(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    only(here, lambda notice: notice.id == 1)
    await here.wait(100)
    await queue(here, ann, "ord_B", "ord_C")
    await here.wait(900, step=5)
    (second,) = messages(ann)
    assert "All 2 orders are settled" in second
    assert "ord_A" not in second
    assert here.sql("SELECT state FROM notices ORDER BY id") == [("kept",), ("delivered",)]
    result = await ann.slash("queued")
    (news,) = result.followups
    text = text_of_parts(news.components)
    assert "-# 1 order" in text
    assert "1 cancelled" in text
    assert "Show all 1" in text
    assert "ord_A" not in text
    assert (await ann.slash("queued")).followups == []


async def test_it_is_kept_as_soon_as_those_of_others_are_seen_to_get_through(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    only(here, lambda notice: notice.user_id == ann.id)
    bob = here.env.create_user("bob")
    here.panel.add_key("np-key-of-bob-000")
    await here.connect(bob, "np-key-of-bob-000")
    for number in range(16):
        here.order(f"ord_{number}", OrderStatus.IN_PROGRESS, key="np-key-of-bob-000")
        await bob.slash("cancel", orders=f"ord_{number}")
        await here.wait(90, step=5)
    assert here.sql("SELECT state FROM notices WHERE user_id = ?", ann.id) == [("kept",)]


async def test_while_discord_fails_for_everybody_nothing_is_kept_and_the_order_stays(here: World, ann: Any) -> None:
    bob = here.env.create_user("bob")
    here.panel.add_key("np-key-of-bob-000")
    await here.connect(bob, "np-key-of-bob-000")
    here.env.inject_error("POST", "/channels/*/messages", status=500, times=None)
    await queue(here, ann, "ord_A")
    here.order("ord_X", OrderStatus.IN_PROGRESS, key="np-key-of-bob-000")
    await bob.slash("cancel", orders="ord_X")
    await here.wait(100)
    await queue(here, ann, "ord_B", "ord_C")
    await here.wait(3_600, step=20)
    assert {state for (state,) in here.sql("SELECT state FROM notices")} <= {"gathering", "sending"}
    here.env.backend.faults.clear()
    await here.wait(900, step=5)
    first, second = messages(ann)
    assert "ord_A" in first
    assert "All 2 orders are settled" in second
    assert "ord_X" in messages(bob)[-1]


async def test_kept_news_that_discord_does_not_take_are_shown_in_short(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await here.wait(90)
    here.env.inject_error("POST", "/webhooks/*", status=400, code=50035, times=1)
    (news,) = (await ann.slash("queued")).followups
    assert "1 cancelled" in text_of_parts(news.components)
    assert "`ord_A`" not in text_of_parts(news.components)
    assert here.sql("SELECT state FROM notices") == [("delivered",)]


@pytest.mark.parametrize("language", Language)
def test_the_short_form_has_counts_and_nothing_from_outside(language: Language) -> None:
    orders = [order(n, state, words="🎉" * 190) for n, state in enumerate([*State] * 20)]
    notice = Notice(3, 7, "0123456789", NoticeState.UNDELIVERED, 9, NOW, NOW, Refusal.STUCK.name)
    with use_language(language):
        shown = brief_notice_card(Report(PAUSED, grouped(orders), grouped(orders), KEYS), notice)
    keeps_discords_limits(shown)
    assert "20 " in text_of(shown)
    assert "ord_" not in text_of(shown)
    assert "🎉" not in text_of(shown)
    assert "WWW" not in text_of(shown)


@pytest.mark.parametrize("body", ["<html>502</html>", "", {"message": "?"}, {"code": 0, "message": "?"}])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_answer_without_a_known_code_is_passing_whatever_its_status(status: int, body: Any) -> None:
    answer: Any = SimpleNamespace(status=status, reason="?")
    assert classify(discord.HTTPException(answer, body)) is Refusal.PASSING
    assert classify(discord.NotFound(answer, body)) is Refusal.PASSING


@pytest.mark.parametrize(
    "error", [TimeoutError(), OSError(), aiohttp.ClientError(), discord.RateLimited(9), KeyError()]
)
def test_what_is_no_answer_is_passing(error: Exception) -> None:
    assert classify(error) is Refusal.PASSING
