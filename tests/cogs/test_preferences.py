"""/settings: where news go, when, how loudly and in which language; nothing is lost or shown to others by it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

import cogs.preferences
from bot.cards import actions
from bot.cards.language import OWN_NAMES, _, use_language
from bot.cards.preferences import preferences_card
from bot.demo.panel import Upstream
from bot.domain.languages import Language
from bot.domain.order_status import OrderStatus
from bot.ledger import NotifyVia, NotifyWhen, Preferences
from tests.examples import keeps_discords_limits
from tests.world import HELLO, KEY, World, fill_in, filled_in, messages, shown, text_of

RUNNING = OrderStatus.IN_PROGRESS
HOUR = 3600
SILENT = 1 << 12  # Discord's flag SUPPRESS_NOTIFICATIONS

pytestmark = pytest.mark.usefixtures("env")


async def prefer(user: Any, **choices: Any) -> Any:
    """Choose things by /settings, and leave the rest of its form as it is; return the card."""
    form = await user.slash("settings")
    return await fill_in(user, form, **choices)


async def queue(here: World, user: Any, orders: dict[str, timedelta]) -> Any:
    """Have orders queued at the provider, which refunds each after some time; return the card."""
    for order, life in orders.items():
        here.order(order, RUNNING, upstream=Upstream(life))
    card = await user.slash("cancel", orders=" ".join(orders))
    await here.settle()
    return card


@pytest.fixture
async def member(here: World, env: Any) -> Any:
    """A user with a key in a server's channel: `room` is that channel, `person` the same user in a DM."""
    with env.time_context():
        channel = here.env.create_guild().create_text_channel("orders")
        person = here.env.create_user("mia")
        user = here.env.guild.add_member(person)
        await here.connect_in(channel, user)
    user.room, user.person = channel, person
    return user


async def prefer_in(member: Any, field: str, value: Any) -> Any:
    """Choose one thing by /settings in the member's channel."""
    form = await member.slash(member.room, "settings")
    card = await fill_in(member, form, **{field: value})
    assert card.ephemeral
    return card


async def queue_in(here: World, member: Any, order: str) -> None:
    """Have an order queued by a command in the member's channel."""
    here.order(order, RUNNING)
    await member.slash(member.room, "cancel", orders=order)
    await here.settle()


def texts(channel: Any) -> list[str]:
    """Return the texts of all lasting messages in a channel, oldest first."""
    return [text_of([part.to_dict() for part in message.components]) for message in channel.history()]


async def test_the_form_and_the_card_show_what_is_chosen_also_after_a_restart(here: World, ann: Any) -> None:
    form = await ann.slash("settings")
    assert filled_in(form.modal) == {"way": "direct", "timing": "request", "language": "auto", "sound": True}
    card = await fill_in(ann, form, way="off", timing="finished", language="tr", sound=False)
    with use_language(Language.TURKISH):
        assert _("Saved") in shown(card)
    await here.restart()
    again = await ann.slash("settings")
    assert filled_in(again.modal) == {"way": "off", "timing": "finished", "language": "tr", "sound": False}
    text = shown(await fill_in(ann, again, language="auto"))
    for line in ("Send updates to:** Nowhere", "When:** Only when a request is finished", "Language:** As in Discord"):
        assert line in text
    assert "sound:** off" in text


async def test_change_opens_the_form_again_and_its_answer_takes_the_cards_place(here: World, ann: Any) -> None:
    await ann.send_dm("settings")
    card = ann.dm_channel.last_message
    form = await ann.click(card, label="Change")
    changed = await fill_in(ann, form, way="off")
    assert len(messages(ann)) == 1
    assert "### Saved" in messages(ann)[0]
    assert "Nowhere" in messages(ann)[0]
    assert changed.response.message.id == card.id


async def test_a_stranger_without_a_key_may_choose(here: World) -> None:
    eve = here.env.create_user("eve")
    await prefer(eve, way="off")
    assert filled_in((await eve.slash("settings")).modal)["way"] == "off"


async def test_where_the_choice_cannot_be_read_no_form_shows_another(here: World, ann: Any) -> None:
    """Sent off, it would overwrite what is stored."""
    await prefer(ann, way="off")
    here.below.damage("preferences")
    result = await ann.slash("settings")
    here.below.mend("preferences")
    assert result.modal is None
    assert "I can't read or save anything right now" in shown(result)


async def test_where_the_ledger_is_slow_the_card_is_shown_in_time(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, before = here.app.services.records, len(here.env.http_requests)
    read = records.preferences

    async def late(user_id: int) -> Preferences:
        while len(here.env.http_requests) == before:  # noqa: ASYNC110 nothing tells of a request
            await asyncio.sleep(0)
        return await read(user_id)

    monkeypatch.setattr(cogs.preferences, "_AT_ONCE", 0)
    monkeypatch.setattr(records, "preferences", late)
    result = await ann.slash("settings")
    assert result.modal is None
    assert "Send updates to:** My DMs" in shown(result)


async def test_cards_of_0_1_0_go_on_working(here: World, ann: Any, member: Any) -> None:
    menus = {
        actions.WAY: dict.fromkeys(NotifyVia, "way"),
        actions.TIMING: dict.fromkeys(NotifyWhen, "timing"),
        actions.LANGUAGE: OWN_NAMES,
    }
    for action, value in ((actions.WAY, "off"), (actions.TIMING, "each"), (actions.LANGUAGE, "en")):
        old = await here.post(ann.dm_channel, action.menu(options=menus[action]))
        assert "### Saved" in shown(await ann.select(old, [value], custom_id=action.custom_id()))
    old = await here.post(member.room, actions.SILENT.button("on", label="Make messages silent"))
    await member.click(old, custom_id="np:silent:on")  # whoever presses changes what is their own
    preferences = here.app.services.records.preferences
    assert await preferences(ann.id) == Preferences(NotifyVia.OFF, NotifyWhen.EACH, Language.ENGLISH)
    assert await preferences(member.id) == Preferences(silent=True)


async def test_off_sends_nothing_and_shows_all_in_one_at_the_next_command(here: World, ann: Any) -> None:
    await prefer(ann, way="off")
    lives = {f"ord_{n}": timedelta(minutes=n) for n in range(1, 5)}
    await queue(here, ann, lives)
    await here.wait(400)
    assert messages(ann) == []
    await here.restart()
    result = await ann.slash("queued")
    (news,) = result.followups
    assert "All 4 orders are settled" in text_of(news.components)
    assert news.ephemeral
    assert (await ann.slash("queued")).followups == []
    assert here.sql("SELECT * FROM cancellations WHERE notified_at IS NULL") == []


async def test_off_keeps_that_a_key_is_needed_again(here: World, ann: Any) -> None:
    await prefer(ann, way="off")
    await queue(here, ann, {"ord_A": timedelta(days=1)})
    here.panel.revoke_key(KEY)
    await here.wait(120)
    assert messages(ann) == []
    (news,) = (await ann.slash("queued")).followups
    assert "⏸ Paused: NotPanel rejects your key" in text_of(news.components)


async def test_news_kept_while_others_are_being_shown_are_not_lost(here: World, ann: Any) -> None:
    """Two commands at a time, with news that come between reading and showing: shown twice at worst."""
    await prefer(ann, way="off")
    await queue(here, ann, {"ord_A": timedelta(minutes=1), "ord_B": timedelta(minutes=2)})
    await here.wait(90)
    (being_shown,) = await here.app.services.notification_sender.undelivered_for(ann.id)
    await here.wait(90)
    (together,) = await here.app.services.notification_sender.undelivered_for(ann.id)
    await here.app.services.notification_sender.seen(being_shown)
    await here.wait(15)  # what was not among them becomes the next notice
    (still,) = (await ann.slash("queued")).followups
    assert {"ord_A", "ord_B"} == {row.order_id for group in together.report.ended.values() for row in group.first}
    assert "ord_B" in text_of(still.components)


async def test_in_the_channel_there_is_a_hint_that_says_nothing(here: World, member: Any) -> None:
    await prefer_in(member, "way", "channel")
    await queue_in(here, member, "ord_A")
    await queue_in(here, member, "ord_B")
    await here.wait(100)
    assert messages(member.person) == [HELLO]
    (ping,) = texts(member.room)
    assert f"<@{member.id}> You have an update. Only you can see it:" in ping
    assert "ord_" not in ping
    assert "may not write" not in ping
    bob = here.env.guild.add_member(here.env.create_user("bob"))
    (message,) = member.room.history()
    assert "somebody else" in shown(await bob.click(message, label="Show me"))
    pressed = await member.click(message, label="Show me")
    assert pressed.ephemeral
    assert "`ord_A`" in shown(pressed)


async def test_there_is_one_hint_until_it_has_been_looked_at(here: World, member: Any) -> None:
    await prefer_in(member, "way", "channel")
    for order in ("ord_A", "ord_B"):
        here.order(order, RUNNING, upstream=Upstream(timedelta(minutes=1 if order == "ord_A" else 3)))
    await member.slash(member.room, "cancel", orders="ord_A ord_B")
    await here.wait(400)
    (message,) = member.room.history()
    both = shown(await member.click(message, label="Show me"))
    assert "ord_A" in both
    assert "ord_B" in both
    await queue_in(here, member, "ord_C")
    await here.wait(100)
    assert len(texts(member.room)) == 2


async def test_where_the_last_request_was_in_a_dm_news_come_there(here: World, member: Any) -> None:
    await prefer_in(member, "way", "channel")
    await queue_in(here, member, "ord_A")
    here.order("ord_B", RUNNING)
    await member.person.send_dm("cancel ord_B")
    await here.wait(120)
    assert texts(member.room) == []
    assert "ord_A" in "".join(messages(member.person))


@pytest.mark.parametrize("code", [50001, 50013])
async def test_where_the_bot_may_not_write_in_the_channel_news_come_by_dm(here: World, member: Any, code: int) -> None:
    await prefer_in(member, "way", "channel")
    await queue_in(here, member, "ord_A")
    here.env.inject_error("POST", f"/channels/{member.room.id}/messages", status=403, code=code, times=None)
    await here.wait(100)
    assert "ord_A" in messages(member.person)[-1]


async def test_a_hint_that_discord_failed_at_is_tried_again(here: World, member: Any) -> None:
    await prefer_in(member, "way", "channel")
    await queue_in(here, member, "ord_A")
    here.env.inject_error("POST", f"/channels/{member.room.id}/messages", status=500, times=6)
    await here.wait(300)
    assert len(texts(member.room)) == 1
    assert messages(member.person) == [HELLO]


async def test_only_when_finished_there_is_one_message_at_the_end_of_each_request(here: World, ann: Any) -> None:
    await prefer(ann, timing="finished")
    await queue(here, ann, {"ord_A": timedelta(minutes=1), "ord_B": timedelta(hours=5)})
    await queue(here, ann, {"ord_C": timedelta(minutes=30), "ord_D": timedelta(hours=1)})
    await here.wait(0.9 * HOUR, step=60)
    assert messages(ann) == []
    await here.restart()
    await here.wait(1.5 * HOUR, step=60)
    (second,) = messages(ann)  # a request is finished, not all of them
    assert "-# 2 orders" in second
    assert "ord_C" in second
    await here.wait(5 * HOUR, step=60)
    assert len(messages(ann)) == 2
    assert "-# 2 orders" in messages(ann)[-1]
    assert "ord_A" in messages(ann)[-1]


async def test_an_order_that_another_request_has_joined_is_told_with_either(here: World, ann: Any) -> None:
    await prefer(ann, timing="finished")
    lives = {"ord_A": timedelta(minutes=10), "ord_B": timedelta(hours=9)}
    await queue(here, ann, lives)
    await queue(here, ann, {"ord_C": timedelta(minutes=1)})
    here.order("ord_D", RUNNING, upstream=Upstream(timedelta(minutes=1)))
    await ann.slash("cancel", orders="ord_A ord_D")
    await here.wait(300, step=5)
    (first,) = messages(ann)
    assert "ord_C" in first
    assert "ord_D" not in first  # its request waits for what it has joined
    await here.wait(HOUR, step=60)
    assert "-# 2 orders" in messages(ann)[-1]
    assert "ord_A" in messages(ann)[-1]
    assert "ord_D" in messages(ann)[-1]
    await here.wait(12 * HOUR, step=60)
    assert "Cancelled: `ord_B`" in messages(ann)[-1]


async def test_after_72_hours_nothing_is_waited_for_any_longer(here: World, ann: Any) -> None:
    await prefer(ann, timing="finished")
    await queue(here, ann, {"ord_A": timedelta(minutes=1), "ord_B": timedelta(days=90), "ord_C": timedelta(days=4)})
    await here.wait(71 * HOUR, step=HOUR)
    assert messages(ann) == []
    await here.wait(3 * HOUR, step=HOUR)
    (told,) = messages(ann)
    assert "Still open at the provider after 72 hours" in told
    assert "ord_A" in told
    await here.wait(30 * HOUR, step=HOUR)
    assert "ord_C" in messages(ann)[-1]
    assert len(messages(ann)) == 2


async def test_that_a_key_is_needed_is_told_at_once(here: World, ann: Any) -> None:
    await prefer(ann, timing="finished")
    await queue(here, ann, {"ord_A": timedelta(minutes=1), "ord_B": timedelta(days=1)})
    await here.wait(120)
    here.panel.revoke_key(KEY)
    await here.wait(120)
    (pause,) = messages(ann)
    assert "⏸ Paused: NotPanel rejects your key" in pause
    assert "ord_A" not in pause


async def test_what_was_gathered_goes_out_when_each_is_to_be_told_again(here: World, ann: Any) -> None:
    await prefer(ann, timing="finished")
    await queue(here, ann, {"ord_A": timedelta(minutes=1), "ord_B": timedelta(hours=5)})
    await here.wait(HOUR, step=60)
    assert messages(ann) == []
    await prefer(ann, timing="each")
    await here.wait(15)
    (told,) = messages(ann)
    assert "Cancelled: `ord_A`" in told


async def test_switching_while_a_message_is_gathering_loses_nothing(here: World, ann: Any) -> None:
    await queue(here, ann, {"ord_A": timedelta(minutes=1), "ord_B": timedelta(hours=5)})
    while not here.sql("SELECT 1 FROM notices WHERE state = 'gathering'"):
        await here.wait(1)
    await prefer(ann, timing="finished")
    await here.wait(15)
    assert "ord_A" in messages(ann)[-1]


async def test_silent_goes_for_messages_and_hints(here: World, member: Any) -> None:
    await prefer_in(member, "sound", value=False)
    await queue_in(here, member, "ord_A")
    await here.wait(100)
    await prefer_in(member, "way", "channel")
    await queue_in(here, member, "ord_B")
    await here.wait(100)
    sent = [
        request.json
        for request in here.env.http_requests
        if request.method == "POST" and request.path.endswith("/messages") and request.json
    ]
    assert HELLO in str(sent.pop(0))  # it came before the choice
    assert len(sent) == 2
    assert all(message["flags"] & SILENT for message in sent)


async def test_forget_me_names_and_erases_them(here: World, ann: Any) -> None:
    eve = here.env.create_user("eve")
    for user in (ann, eve):
        await prefer(user, way="off", language="ru")
        await prefer(user, language="en")
        question = await user.slash("forget-me")
        assert "your settings" in shown(question)
        await user.click(question.response, label="Erase everything")
    assert here.sql("SELECT * FROM preferences") == []
    assert "Nothing is stored" in shown(await eve.slash("forget-me"))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("way", NotifyVia)
async def test_the_card_keeps_discords_limits_in_every_language(language: Language, way: NotifyVia) -> None:
    with use_language(language):
        keeps_discords_limits(preferences_card(Preferences(way, NotifyWhen.FINISHED, language, silent=True)))
