"""What is promised of updates holds: a DM only where DMs arrive and are wanted; a refused DM is said once."""

from typing import Any

import pytest

from bot.cards.promises import when_all_sent, when_settled
from bot.domain.order_status import OrderStatus
from bot.ledger import NotifyVia, Preferences, Reach
from tests.delivery.test_follow_up import queue
from tests.world import World, messages, shown, text_of

pytestmark = pytest.mark.usefixtures("env")

CANNOT_DM = "I can't DM you"


async def reach(here: World, user: Any) -> Reach:
    """Return how a user would hear of something now."""
    return await here.app.ledger.read.reach(user.id)


async def prefer(here: World, user: Any, via: NotifyVia) -> None:
    """Have a user choose where they are notified."""
    await here.app.services.records.prefer(user.id, lambda _: Preferences(via))


async def test_nobody_is_promised_a_dm_who_does_not_want_or_get_one(here: World, ann: Any) -> None:
    assert await reach(here, ann) is Reach.DM
    await prefer(here, ann, NotifyVia.OFF)
    assert await reach(here, ann) is Reach.COMMAND
    await prefer(here, ann, NotifyVia.DM)
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await here.wait(90)
    assert await reach(here, ann) is Reach.COMMAND
    await queue(here, ann, "ord_B")
    await here.wait(90)
    assert "`ord_B`" in messages(ann)[-1]
    assert await reach(here, ann) is Reach.DM


async def test_a_channel_is_promised_only_where_the_user_asked_in_one(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    person = here.env.create_user("mia")
    member = here.env.guild.add_member(person)
    await here.connect_in(channel, member)
    await prefer(here, member, NotifyVia.CHANNEL)
    assert await reach(here, member) is Reach.DM
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await member.slash(channel, "cancel", orders="ord_A")
    assert await reach(here, member) is Reach.CHANNEL


async def test_a_dm_that_fails_for_a_while_and_arrives_is_no_refusal(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=502, times=1)
    await here.wait(200)
    assert len(messages(ann)) == 1
    assert await reach(here, ann) is Reach.DM


async def test_the_next_card_says_once_that_dms_are_refused(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await here.wait(90)
    first, second = await ann.slash("balance"), await ann.slash("balance")
    (told,) = first.followups
    assert CANNOT_DM in text_of(told.components)
    assert "ord_A" in text_of(told.components)
    assert not second.followups
    assert CANNOT_DM not in shown(second)


async def test_who_wants_no_dms_is_not_told_that_they_are_refused(here: World, ann: Any) -> None:
    await prefer(here, ann, NotifyVia.OFF)
    await queue(here, ann, "ord_A")
    await here.wait(90)
    (told,) = (await ann.slash("balance")).followups
    assert "ord_A" in text_of(told.components)
    assert CANNOT_DM not in text_of(told.components)


def test_each_way_has_a_promise_of_its_own() -> None:
    for promise in (when_settled, when_all_sent):
        assert ["DM" in promise(reach) for reach in Reach] == [True, False, False]
        assert len({promise(reach) for reach in Reach}) == len(Reach)
