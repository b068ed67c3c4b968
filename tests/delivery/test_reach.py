"""What is promised of updates holds: a DM only where DMs arrive and are wanted; a refused DM is said once."""

from datetime import timedelta
from typing import Any

import pytest

from bot.cards.promises import when_all_sent, when_settled
from bot.domain.accounts import AccountState
from bot.domain.order_status import OrderStatus
from bot.ledger import NoticeKind, NotifyVia, Preferences, Reach
from tests.delivery.test_follow_up import queue
from tests.delivery.test_living_messages import cancel
from tests.world import World, messages, shown, text_of

pytestmark = pytest.mark.usefixtures("env")

CANNOT_DM = "I can't DM you"


async def reach(here: World, user: Any) -> Reach:
    """Return how a user would hear of something now."""
    return await here.app.ledger.read.reach(user.id)


async def prefer(here: World, user: Any, via: NotifyVia) -> None:
    """Have a user choose where they are notified."""
    await here.app.services.records.prefer(user.id, lambda _: Preferences(via))


def refuse(here: World, status: int, code: int, times: int | None = 1) -> None:
    """Have Discord refuse messages."""
    here.env.inject_error("POST", "/channels/*/messages", status=status, code=code, times=times)


async def had_a_dm(here: World, user: Any) -> None:
    """Have a DM about an order arrive."""
    await queue(here, user, "ord_before")
    await here.wait(90)
    assert await reach(here, user) is Reach.DM


async def ask_for_a_key(here: World, user: Any, state: AccountState, kind: NoticeKind) -> None:
    """Have a user's key paused, of which they are to hear."""
    async with here.app.ledger.write() as tx:
        account = await tx.account_of(user.id)
        assert account
        await tx.pause(account, state)
        await tx.notify(account, kind)


async def test_nobody_is_promised_a_dm_who_does_not_want_or_get_one(here: World, ann: Any) -> None:
    assert await reach(here, ann) is Reach.UNPROVEN_DM
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


async def test_a_dm_is_promised_only_once_one_has_arrived(here: World, ann: Any) -> None:
    assert "I'll try to DM you when it's settled." in shown(await queue(here, ann, "ord_A"))
    await here.wait(90)
    assert len(messages(ann)) == 1
    assert "I'll DM you when it's settled." in shown(await queue(here, ann, "ord_B"))


async def test_a_dm_that_failed_in_passing_and_was_overtaken_has_not_arrived(here: World, ann: Any) -> None:
    await ask_for_a_key(here, ann, AccountState.REJECTED, NoticeKind.REJECTED)
    refuse(here, 502, 0, times=None)
    await here.wait(60)
    await here.connect(ann)
    await here.wait(600, step=5)
    assert here.sql("SELECT state, message_id, attempts > 0 FROM notices") == [("delivered", None, True)]
    assert await reach(here, ann) is Reach.UNPROVEN_DM


async def test_a_dm_that_was_refused_and_then_overtaken_stays_refused(here: World, ann: Any) -> None:
    await had_a_dm(here, ann)
    await ask_for_a_key(here, ann, AccountState.REJECTED, NoticeKind.REJECTED)
    here.skip(60)
    (notice,) = await here.app.ledger.read.notices_due(here.clock.now)
    async with here.app.ledger.write() as tx:
        await tx.begin_sending(notice.id, timedelta(minutes=1))
        await tx.postpone_notice(notice.id, timedelta(minutes=1), "CLOSED")  # the ping about it failed in passing
    assert await reach(here, ann) is Reach.COMMAND
    await here.connect(ann)
    await here.wait(120)
    assert here.sql("SELECT state, message_id FROM notices WHERE id = ?", notice.id) == [("delivered", None)]
    assert await reach(here, ann) is Reach.COMMAND


async def test_a_refused_reply_is_a_refused_dm(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (1200, "canceled")})
    await here.wait(600, step=5)
    assert await reach(here, ann) is Reach.DM
    refuse(here, 403, 50007)
    await here.wait(800, step=5)
    assert len(messages(ann)) == 1
    assert await reach(here, ann) is Reach.COMMAND


async def test_a_refused_dm_is_known_though_others_were_not_wanted(here: World, ann: Any) -> None:
    await had_a_dm(here, ann)
    refuse(here, 403, 50007)
    await queue(here, ann, "ord_A")
    await here.wait(90)
    await prefer(here, ann, NotifyVia.OFF)
    await ask_for_a_key(here, ann, AccountState.SUSPENDED, NoticeKind.SUSPENDED)
    await here.wait(60)
    assert here.sql("SELECT COUNT(*) FROM notices WHERE state = 'kept'") == [(2,)]
    await ann.slash("help")
    await prefer(here, ann, NotifyVia.DM)
    assert await reach(here, ann) is Reach.COMMAND


async def test_a_channel_is_promised_only_where_the_user_asked_in_one(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    person = here.env.create_user("mia")
    member = here.env.guild.add_member(person)
    await here.connect_in(channel, member)
    assert await reach(here, member) is Reach.DM
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
        promised = {reach: promise(reach) for reach in Reach}
        assert {reach for reach in Reach if "DM" in promised[reach]} == {Reach.DM, Reach.UNPROVEN_DM}
        assert {reach for reach in Reach if "try" in promised[reach]} == {Reach.UNPROVEN_DM, Reach.CHANNEL}
        assert len(set(promised.values())) == len(Reach)
