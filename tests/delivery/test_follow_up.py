"""What happens after the command: cards kept up to date, notices, refused messages, restarts, long waits."""

from datetime import timedelta
from typing import Any

import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.domain.states import TRANSITIONS, State
from tests.world import KEY, START, World, messages, shown, text_of

RUNNING = OrderStatus.IN_PROGRESS
DAY = 24 * 3600

pytestmark = pytest.mark.usefixtures("env")


async def queue(here: World, user: Any, *orders: str) -> Any:
    """Have orders queued at the provider, which refunds them a minute later; return the card."""
    for order in orders:
        here.order(order, RUNNING)
    card = await user.slash("cancel", orders=" ".join(orders))
    await here.settle()
    return card


async def test_what_ends_within_one_window_is_one_message(here: World, ann: Any) -> None:
    await queue(here, ann, *(f"ord_{n}" for n in range(20)))
    await here.wait(100)
    (notice,) = messages(ann)
    assert "All 20 orders are settled" in notice


@pytest.mark.settings(confirm_above=100_000)
async def test_a_long_list_is_told_by_its_card_and_at_its_end_by_one_message(here: World) -> None:
    here.panel.key_limit = 10
    here.panel.add_key("np-key-of-bob-000")
    bob = here.env.create_user("bob")
    await here.connect(bob, "np-key-of-bob-000")
    orders = [here.order(f"ord_{n}", key="np-key-of-bob-000") for n in range(1_200)]
    card = await bob.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
    while "1,200 cancelled" not in shown(card):
        assert messages(bob) == []
        await here.wait(1)
    assert here.clock.now - START > timedelta(minutes=2)
    await here.wait(60)
    (notice,) = messages(bob)
    assert "cancelled" in notice


async def test_a_notice_carries_the_nonce_it_was_given_in_the_ledger(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=500, times=3)
    await here.wait(200)
    (notice,) = messages(ann)
    sent = [r.json for r in here.env.http_requests if r.method == "POST" and "enforce_nonce" in (r.json or {})]
    assert "ord_A" in notice
    assert len({request["nonce"] for request in sent}) == 1
    assert len(sent) > 1


async def test_a_message_that_arrived_unheard_is_not_sent_again_after_the_nonce_window(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    send = here.app.services.notification_sender._send

    async def unheard(notice: Any) -> Any:
        await send(notice)
        raise TimeoutError

    here.app.services.notification_sender._send = unheard  # type: ignore[method-assign]  # what the network does between Discord and us
    while not messages(ann):
        await here.wait(1)
    here.app.services.notification_sender._send = send  # type: ignore[method-assign]
    here.skip(600)
    await here.settle()
    assert len(messages(ann)) == 1
    assert here.sql("SELECT state FROM notices") == [("delivered",)]


async def test_a_restart_in_the_middle_loses_nothing(here: World, ann: Any) -> None:
    card = await queue(here, ann, "ord_A", "ord_B")
    here.order("ord_C")
    late = await ann.slash("cancel", orders="ord_C")  # not sent yet
    await here.restart()
    await here.wait(90)
    assert "2 cancelled" in shown(card)  # the card of before is edited by the token that was stored sealed
    assert "1 cancelled" in shown(late)
    assert "All 2 orders are settled" in messages(ann)[-1]
    assert set(here.panel.cancel_requests.values()) == {1}


async def test_a_process_that_died_while_sending_asks_before_it_sends_again(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.order("ord_B")
    await ann.slash("cancel", orders="ord_A ord_B")
    account = await here.app.ledger.read.account_of(ann.id)
    assert account
    async with here.app.ledger.write() as tx:
        await tx.start_orders(account.id, 100)
        await tx.claim_for_sending(account.id, 100)
    here.panel._cancel_one(here.panel.calls[0].key, "ord_B")  # the call had arrived for one of them
    await here.restart()
    await here.settle()
    assert [call.action for call in here.panel.calls][1:] == ["status"]
    await here.wait(130)
    assert here.cancel_calls() == [("ord_A",)]
    assert "status status cancel" in " ".join(call.action for call in here.panel.calls if "ord_A" in call.orders)


async def test_buttons_work_after_a_restart(here: World, ann: Any) -> None:
    orders = " ".join(here.order(f"ord_{n}") for n in range(30))
    question = await ann.slash("cancel", orders=orders)
    await here.restart()
    await ann.click(question.response, label="Cancel 30 orders")
    await here.settle()
    assert "30 cancelled" in shown(question)


async def test_a_refused_message_is_kept_hinted_at_and_shown_to_the_user_alone(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann = here.env.guild.add_member(here.env.create_user("ann"))
    bob = here.env.guild.add_member(here.env.create_user("bob"))
    here.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    await here.connect_in(channel, ann)
    here.order("ord_A", RUNNING)
    await ann.slash(channel, "cancel", orders="ord_A")
    await here.settle()
    await here.wait(90)

    (ping,) = channel.history()
    public = text_of([part.to_dict() for part in ping.components])
    assert ann.mention in public
    assert "ord_A" not in public
    assert "refund" not in public
    assert "somebody else" in shown(await bob.click(ping, label="Show me"))

    pressed = await ann.click(ping, label="Show me")
    assert pressed.ephemeral
    assert "`ord_A`" in shown(pressed)
    again = await ann.click(ping, label="Show me")
    assert "You've seen everything" in shown(again)


async def test_a_hint_has_a_nonce_of_its_own(here: World) -> None:
    """Discord takes two messages with one nonce for the same, in whatever channels: the second would be lost."""
    channel = here.env.create_guild().create_text_channel("orders")
    ann = here.env.guild.add_member(here.env.create_user("ann"))
    await here.connect_in(channel, ann)
    here.order("ord_A", RUNNING)
    await ann.slash(channel, "cancel", orders="ord_A")
    await here.settle()
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await here.wait(90)
    sent = [r.json["nonce"] for r in here.env.http_requests if "enforce_nonce" in (r.json or {})]
    assert len(channel.history()) == 1
    assert len(sent) == len(set(sent)) == 3  # a hello, the message, the ping
    assert all(len(nonce) <= 25 for nonce in sent)


async def test_a_refused_message_is_shown_at_the_next_command(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await here.wait(90)
    assert messages(ann) == []
    result = await ann.slash("queued")
    assert "Nothing waiting" in shown(result)
    (news,) = result.followups
    assert "Cancelled: `ord_A`" in text_of(news.components)
    assert (await ann.slash("queued")).followups == []


async def test_discord_refusing_new_dms_pauses_all_of_them(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=40003, times=1)
    await here.wait(120)
    sent = len(here.env.http_requests)
    await here.wait(300)
    assert len(here.env.http_requests) == sent
    await here.wait(300)
    assert "Cancelled: `ord_A`" in messages(ann)[-1]


async def test_a_pause_of_dms_is_a_pause_for_the_machine_too(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=40003, times=1)
    await here.wait(75)
    await queue(here, ann, "ord_B")
    await here.wait(75)  # its notice is due now, too
    assert await here.deliver() > here.clock()


async def test_news_come_in_the_order_in_which_they_happened(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=500, times=6)
    await here.wait(100)
    await queue(here, ann, "ord_B", "ord_C")
    await here.wait(100)
    await here.wait(1200, step=5)
    first, second = messages(ann)
    assert "ord_A" in first
    assert "All 2 orders are settled" in second


async def test_a_key_that_has_been_replaced_is_not_asked_for_again(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    here.panel.revoke_key(KEY)
    await here.wait(60)
    here.panel.add_key(KEY)
    connected = await ann.submit_modal(await ann.slash("key set"), {"key": KEY})
    assert "Connected" in shown(connected)
    assert connected.followups == []


async def test_many_refused_messages_are_hinted_at_once(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann = here.env.guild.add_member(here.env.create_user("ann"))
    here.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    await here.connect_in(channel, ann)
    for minutes, order in enumerate(("ord_A", "ord_B", "ord_C"), 1):
        here.order(order, RUNNING, upstream=Upstream(timedelta(minutes=minutes)))
    await ann.slash(channel, "cancel", orders="ord_A ord_B ord_C")
    await here.wait(300)
    (ping,) = channel.history()
    pressed = await ann.click(ping, label="Show me")
    everything = shown(pressed) + "".join(text_of(news.components) for news in pressed.followups)
    assert all(f"`{order}`" in everything for order in ("ord_A", "ord_B", "ord_C"))


async def test_an_outcome_after_the_card_has_gone_becomes_a_notice(here: World, ann: Any) -> None:
    here.order("ord_A")
    await ann.slash("cancel", orders="ord_A")
    here.env.inject_error("PATCH", "/webhooks/*", status=404, code=10008, times=None)
    await here.wait(15)
    assert "Cancelled: `ord_A`" in messages(ann)[-1]


async def test_a_card_outlived_by_its_order_is_followed_by_a_notice(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream())
    card = await queue(here, ann, "ord_A")
    here.skip(20 * 60)
    await here.wait(15)
    assert "Waiting at the provider" in shown(card)  # its token has run out
    assert "Cancelled: `ord_A`" in messages(ann)[-1]


async def test_a_dead_card_token_is_not_kept(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.skip(16 * 60)
    await here.settle()
    assert here.sql("SELECT token_sealed FROM requests") == [(None,)]


async def test_after_72_hours_the_user_is_told_once_and_after_30_days_it_ends(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(timedelta(days=90)))
    await ann.slash("cancel", orders="ord_A")
    await here.wait(2.9 * DAY, step=3600)
    assert messages(ann) == []
    await here.wait(2 * DAY, step=3600)
    (overdue,) = messages(ann)
    assert "Still open at the provider after 72 hours" in overdue
    await here.wait(26 * DAY, step=3600)
    assert "No longer watched" in messages(ann)[-1]
    assert len(messages(ann)) == 2
    assert "Nothing waiting" in shown(await ann.slash("queued"))


async def test_one_users_orders_are_never_anothers(here: World, ann: Any) -> None:
    other_key = "np-other-key-9876543210"
    here.panel.add_key(other_key)
    bob = here.env.create_user("bob")
    await here.connect(bob, other_key)
    await queue(here, ann, "ord_A")
    here.order("ord_B", RUNNING, key=other_key)
    await bob.slash("cancel", orders="ord_B ord_A")
    await here.wait(90)
    assert "ord_B" not in "".join(messages(ann))
    assert "`ord_B`" in messages(bob)[-1]
    assert "`ord_A`" not in messages(bob)[-1]
    assert here.panel.cancel_requests["ord_A"] == 1


async def test_the_history_holds_only_legal_steps_and_everything_ended_was_told(here: World, ann: Any) -> None:
    await queue(here, ann, *(f"ord_{n}" for n in range(5)))
    here.order("ord_done", OrderStatus.COMPLETED)
    await ann.slash("cancel", orders="ord_done ord_1 ord_absent")
    await here.wait(120)
    steps = here.sql("SELECT from_state, to_state FROM transitions")
    untold = here.sql("SELECT * FROM cancellations WHERE notified_at IS NULL")
    assert steps
    for begin, end in steps:
        assert end == "requested" if begin is None else State(end) in TRANSITIONS[State(begin)]
    assert untold == []
