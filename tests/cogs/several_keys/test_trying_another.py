"""What one key does not find is offered to another, never sent there by itself; nothing of it is another user's."""

from typing import Any

import pytest
from simcord.components import walk_components

from bot.cards import actions
from bot.ledger import ListKind
from tests.cogs.several_keys.shop import RUNNING, SHOP, calls, labels
from tests.world import KEY, World, choose, messages, offers_of, shown

pytestmark = pytest.mark.usefixtures("env")


async def lost(here: World, ann: Any) -> Any:
    """Let Ann ask under her default for an order of her other key, and for one of this."""
    here.order("ord_M")
    here.order("ord_S", RUNNING, key=SHOP)
    result = await ann.slash("cancel", orders="ord_M ord_S ord_nowhere")
    await here.settle()
    return result


def tries(result: Any) -> list[str]:
    """Return which other keys a card offers."""
    return [offer for offer in offers_of(result.response) if offer.startswith("Try")]


async def test_what_is_not_found_is_offered_to_the_other_key_and_asked_first(here: World, ann: Any) -> None:
    result = await lost(here, ann)
    assert tries(result) == ["Try Shop for the 2 not found"]
    await here.restart()
    question = await choose(ann, result.response, "Try Shop")
    await here.settle()
    assert "Cancel 2 orders?" in shown(question)
    assert "key `Shop`" in shown(question)
    assert "ord_M" not in shown(question)
    assert {key for key, _ in calls(here, "cancel")} == {KEY}
    await ann.click(question.response, custom_id="np:confirm:2")
    await here.settle()
    assert calls(here, "cancel")[-1] == (SHOP, ("ord_S", "ord_nowhere"))
    assert "1 waiting" in shown(question)
    assert "1 not possible" in shown(question)


async def test_pressed_twice_it_asks_twice_and_cancels_once(here: World, ann: Any) -> None:
    result = await lost(here, ann)
    questions = [await choose(ann, result.response, "Try Shop") for _ in range(2)]
    for question in questions:
        (button,) = [part for part in walk_components(question.response.components) if part.get("style") == 4]
        await ann.click(question.response, custom_id=button["custom_id"])
        await here.settle()
    assert sum("ord_S" in orders for key, orders in calls(here, "cancel") if key == SHOP) == 1


async def test_kept_it_sends_nothing(here: World, ann: Any) -> None:
    question = await choose(ann, (await lost(here, ann)).response, "Try Shop")
    await ann.click(question.response, label="Don't cancel")
    await here.settle()
    assert {key for key, _ in calls(here, "cancel")} == {KEY}


async def test_what_was_refused_for_another_reason_is_not_offered(here: World, ann: Any) -> None:
    here.order("ord_C", RUNNING, cancellable=False)
    result = await ann.slash("cancel", orders="ord_C")
    await here.settle()
    assert "1 not possible" in shown(result)
    assert tries(result) == []


async def test_a_key_that_is_not_in_use_is_not_offered(here: World, ann: Any) -> None:
    here.panel.revoke_key(SHOP)
    await ann.slash("balance", key="Shop")
    here.skip(60)
    await ann.slash("balance", key="Shop")
    assert tries(await lost(here, ann)) == []


async def test_of_many_keys_one_button_leads_to_the_choice(here: World, ann: Any) -> None:
    for number in range(3):
        here.panel.add_key(f"np-one-of-many-{number}")
        await here.connect(ann, f"np-one-of-many-{number}", f"many {number}")
    result = await lost(here, ann)
    assert tries(result) == ["Try another key for the not found"]
    choice = await choose(ann, result.response, "another key")
    assert labels(choice) == ["Try under Shop", *(f"Try under many {n}" for n in range(3))]
    question = await ann.click(choice.response, label="Try under Shop")
    assert "Cancel 2 orders?" in shown(question)


async def test_a_message_offers_the_other_key_too(here: World, ann: Any) -> None:
    here.env.inject_error("PATCH", "/webhooks/*", status=404, code=10008, times=None)  # so that no card can tell
    here.order("ord_S", key=SHOP)
    await ann.slash("cancel", orders="ord_S")
    await here.wait(15)
    assert "Not cancelled: `ord_S`\n-# key `main`" in messages(ann)[-1]
    question = await choose(ann, ann.dm_channel.last_message, "Try Shop")
    (request,) = here.sql("SELECT account_id, orders, state FROM requests ORDER BY id DESC LIMIT 1")
    assert question.acknowledged
    assert request == (2, 1, "asking")


async def test_nobody_elses_keys_can_be_named_seen_or_pressed(here: World, env: Any) -> None:
    channel = env.create_guild().create_text_channel("orders")
    ann, eve = (env.guild.add_member(env.create_user(name)) for name in ("ann", "eve"))
    for key in (SHOP, "np-eves-own-key-111", "np-eves-second-222"):
        here.panel.add_key(key)
    await here.connect_in(channel, ann)
    await here.connect_in(channel, ann, SHOP, "Shop")
    await here.connect_in(channel, eve, "np-eves-own-key-111")
    await here.connect_in(channel, eve, "np-eves-second-222", "hers")
    await ann.slash(channel, "cancel", orders="ord_secret")
    await eve.slash(channel, "cancel", orders="ord_evesOwn")
    await here.settle()
    before = here.sql("SELECT * FROM accounts"), here.sql("SELECT COUNT(*) FROM requests")
    for custom in (
        actions.ASK_REMOVE.button(2, name="…"),
        actions.REMOVE_KEY.button(2),
        actions.TRY_UNDER.button(ListKind.REQUEST, 1, 2, name="…"),  # Ann's list under Ann's key
        actions.TRY_UNDER.button(ListKind.REQUEST, 1, 4, name="hers"),  # Ann's list under Eve's key
        actions.TRY_UNDER.button(ListKind.REQUEST, 2, 2, name="…"),  # Eve's list under Ann's key
        actions.REFILL.button(ListKind.REQUEST, 2, 2),
        actions.CONFIRM_REFILL.button(ListKind.REQUEST, 2, 2, 0),
        actions.TRY_OTHERS.button(ListKind.REQUEST, 1),
    ):
        message = await here.post(channel, custom)
        pressed = await eve.click(message, custom_id=custom.custom_id)
        assert "Shop" not in shown(pressed)
        assert "ord_secret" not in shown(pressed)
    for command, option in (("key remove", "name"), ("key default", "name"), ("balance", "key")):
        assert "no key called `Shop`" in shown(await eve.slash(channel, command, **{option: "Shop"}))
    assert "Yours: `main`, `hers`" in shown(await eve.slash(channel, "cancel", orders="ord_A", key="Shop"))
    assert "Shop" not in shown(await eve.slash(channel, "key show"))
    assert (here.sql("SELECT * FROM accounts"), here.sql("SELECT COUNT(*) FROM requests")) == before
    assert {key for key, _ in calls(here, "cancel")} == {KEY, "np-eves-own-key-111"}
