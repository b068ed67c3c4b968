"""Connecting, showing, choosing and removing keys."""

import logging
from typing import Any

import pytest

from bot.cards.answers import user_problem
from bot.cards.balances import balances_card
from bot.cards.connecting import connected
from bot.cards.keys import (
    default_chosen,
    keys_card,
    removal_question,
    removed,
    which_to_remove,
    which_to_try,
)
from bot.cards.language import use_language
from bot.domain.accounts import AccountState
from bot.domain.errors import TooManyKeys
from bot.domain.languages import Language
from bot.domain.panel_answers import Balance
from bot.ledger import ListKind
from bot.panel import Unavailable
from bot.services.keys import Connected, KeyView, Removed
from bot.services.panel_calls import BalanceView
from tests.cogs.several_keys.shop import RUNNING, SHOP, calls, labels, names
from tests.examples import keeps_discords_limits
from tests.examples import key as example_key
from tests.world import KEY, START, World, buttons_of, shown

pytestmark = pytest.mark.usefixtures("env")


async def test_a_single_key_needs_no_name_and_shows_none(here: World, env: Any) -> None:
    bob = env.create_user("bob")
    here.order("ord_A")
    assert "main" not in await here.connect(bob)
    assert "main" not in shown(await bob.slash("key show"))
    result = await bob.slash("cancel", orders="ord_A ord_gone")
    await here.settle()
    assert "main" not in shown(result)
    assert labels(result) == []


async def test_the_first_key_is_the_default_and_others_say_so(here: World, ann: Any) -> None:
    text = shown(await ann.slash("key show"))
    assert text.count("🔑") == 2
    assert "🔑 `main` · **default**: commands without a key use it\nEnds in `…cdef`" in text
    assert "🔑 `Shop`\nEnds in `…3210`" in text
    told = await here.connect(ann, SHOP, "Shop")
    assert "Saved as `Shop`. Your default is still `main`; pick `Shop` with the `key` option." in told


async def test_the_form_says_what_the_key_will_be_called(here: World, ann: Any) -> None:
    form = await ann.slash("key set", name="  Client   A ")
    assert "Key “Client A”" in str(form.modal)
    here.panel.add_key("np-client-a-key")
    assert "Saved as `Client A`" in shown(await ann.submit_modal(form, {"key": "np-client-a-key"}))


async def test_a_name_is_the_same_in_capitals_and_replaces_its_key(here: World, ann: Any) -> None:
    here.panel.add_key("np-shop-new-key-777")
    assert "`…-777` works" in await here.connect(ann, "np-shop-new-key-777", "SHOP")
    text = shown(await ann.slash("key show"))
    assert text.count("🔑") == 2
    assert "🔑 `SHOP`\nEnds in `…-777`" in text


async def test_a_key_without_a_name_replaces_the_default_and_no_other(here: World, ann: Any) -> None:
    await ann.slash("key default", name="shop")
    here.panel.add_key("np-new-default-555")
    assert "Saved as `Shop`, your default key." in await here.connect(ann, "np-new-default-555")
    text = shown(await ann.slash("key show"))
    assert "🔑 `Shop` · **default**: commands without a key use it\nEnds in `…-555`" in text
    assert "🔑 `main`\nEnds in `…cdef`" in text


async def test_the_same_key_is_not_stored_twice(here: World, ann: Any) -> None:
    before = len(here.panel.calls)
    text = await here.connect(ann, SHOP, "other")
    assert "That key is already stored as `Shop`" in text
    assert shown(await ann.slash("key show")).count("🔑") == 2
    assert len(here.panel.calls) == before


@pytest.mark.parametrize(
    "name", ["   ", *(f"a{one}b" for one in "\u202e\u3164\u2800\u115f\u034f\u061c\u00ad\u200b\U000e0041")]
)
async def test_what_cannot_be_a_name_is_not_taken(here: World, ann: Any, name: str) -> None:
    assert "has 1 to 32 visible characters" in shown(await ann.slash("key set", name=name))


async def test_at_most_ten_keys_are_stored(here: World, ann: Any) -> None:
    for number in range(9):
        here.panel.add_key(f"np-one-of-many-{number}")
        text = await here.connect(ann, f"np-one-of-many-{number}", f"many {number}")
    assert "You can have 10 keys" in text
    assert here.sql("SELECT COUNT(*) FROM accounts") == [(10,)]
    assert "works" in await here.connect(ann, "np-one-of-many-8", "many 7")  # in place of one of them
    assert shown(await ann.slash("key show")).count("🔑") == 10


@pytest.mark.parametrize("name", ["sh\u043ep", "\u0405H\u041eP", "sh\u03bf\u0440"])
async def test_a_name_that_looks_like_another_is_not_taken(here: World, ann: Any, name: str) -> None:
    before = len(here.panel.calls)
    assert "That name looks just like `Shop`" in await here.connect(ann, "np-another-key-0123456789", name)
    assert len(here.panel.calls) == before
    assert here.sql("SELECT COUNT(*) FROM accounts") == [(2,)]


async def test_names_are_bounded_too_since_orders_stay_on_record(here: World, ann: Any) -> None:
    here.panel.add_key("np-comes-and-goes-1")
    for number in range(24):
        here.skip(10)  # nobody is refused for haste
        text = await here.connect(ann, "np-comes-and-goes-1", f"n{number}")
        await ann.slash("key remove", name=f"n{number}")
    assert "25 names with those of removed keys" in text
    assert here.sql("SELECT COUNT(*) FROM accounts") == [(25,)]
    assert "works" in await here.connect(ann, "np-comes-and-goes-1", "n0")


async def test_the_default_can_be_chosen(here: World, ann: Any) -> None:
    here.order("ord_S", key=SHOP)
    assert "Commands without a key now use `Shop`" in shown(await ann.slash("key default", name="shop"))
    result = await ann.slash("cancel", orders="ord_S")
    await here.settle()
    assert calls(here, "cancel") == [(SHOP, ("ord_S",))]
    assert "-# 1 order · key `Shop`" in shown(result)


async def test_a_name_that_is_none_is_told_with_those_that_are(here: World, ann: Any) -> None:
    for command in ("key default", "key remove"):
        assert "no key called `shp`. Yours: `main`, `Shop`" in shown(await ann.slash(command, name="shp"))
    for command in ("cancel", "status", "refill"):
        text = shown(await ann.slash(command, orders="ord_A", key="shp"))
        assert "no key called `shp`. Yours: `main`, `Shop`" in text
    assert "no key called" in shown(await ann.slash("balance", key="shp"))
    assert "no key called" in shown(await ann.slash("cancel", key="shp"))
    assert calls(here, "cancel") == calls(here, "status") == []


async def test_removing_asks_which_and_another_becomes_the_default(here: World, ann: Any) -> None:
    question = await ann.slash("key remove")
    assert "Which key do I remove?" in shown(question)
    assert buttons_of(question) == ["Remove main", "Remove Shop", "Keep all"]
    await here.restart()
    await ann.click(question.response, label="Remove main")
    assert "Key `main` removed" in shown(question)
    assert "Commands without a key now use `Shop`" in shown(question)
    assert "Ends in `…3210`" in shown(await ann.slash("key show"))
    assert here.sql("SELECT name, state, is_default FROM accounts ORDER BY id") == [
        ("main", "removed", 0),
        ("Shop", "active", 1),
    ]


async def test_removing_a_key_with_open_orders_asks_and_touches_no_other_key(here: World, ann: Any) -> None:
    here.order("ord_M", RUNNING)
    here.order("ord_S", RUNNING, key=SHOP)
    await ann.slash("cancel", orders="ord_M")
    card_of_shop = await ann.slash("cancel", orders="ord_S", key="Shop")
    await here.settle()
    question = await ann.slash("key remove")
    await ann.click(question.response, label="Remove Shop")
    assert "although 1 order is open" in shown(question)
    assert "The key `Shop`, which ends in `…3210`" in shown(question)
    await ann.click(question.response, label="Remove anyway")
    await here.settle()
    assert "No longer watched" in shown(card_of_shop)
    text = shown(await ann.slash("queued"))
    assert "ord_M" in text
    assert "ord_S" not in text


async def test_a_new_key_under_an_old_name_wakes_the_account_but_takes_no_default_back(here: World, ann: Any) -> None:
    await ann.slash("key remove", name="main")
    await here.connect(ann, KEY, "Main")
    assert here.sql("SELECT name, state, is_default FROM accounts ORDER BY id") == [
        ("Main", "active", 0),
        ("Shop", "active", 1),
    ]


async def test_a_removed_key_leaves_nothing_and_the_other_stays(here: World, ann: Any) -> None:
    ((sealed,),) = here.sql("SELECT key_sealed FROM accounts WHERE name = 'Shop'")
    await ann.slash("key remove", name="Shop")
    for file in here.folder.iterdir():
        assert sealed not in file.read_bytes()
    assert "`…cdef`" in shown(await ann.slash("key show"))


async def test_a_sealed_key_cannot_be_moved_to_another_account_of_the_same_user(here: World, ann: Any) -> None:
    here.sql("UPDATE accounts SET key_sealed = (SELECT key_sealed FROM accounts WHERE id = 2) WHERE id = 1")
    here.order("ord_S", key=SHOP)
    await ann.slash("cancel", orders="ord_S")
    await here.wait(30)
    assert calls(here, "cancel") == []


async def test_no_key_is_anywhere_in_clear(here: World, ann: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await here.connect(ann, SHOP, "other")
    for command in ("key show", "balance", "queued"):
        await ann.slash(command)
    assert SHOP not in here.payloads()
    ours = [record for record in caplog.records if not record.name.startswith(("simcord", "discord"))]
    assert not any(SHOP in record.getMessage() or SHOP in str(record.exc_text) for record in ours)
    for file in here.folder.iterdir():
        assert SHOP.encode() not in file.read_bytes()


async def test_keys_are_suggested_by_their_names(here: World, ann: Any) -> None:
    for command, option in (("cancel", "key"), ("status", "key"), ("refill", "key"), ("balance", "key")):
        assert await names(ann, command, option, "") == ["main", "Shop"]
    for command in ("key set", "key remove", "key default"):
        assert await names(ann, command, "name", "SH") == ["Shop"]
    eve = here.env.create_user("eve")
    assert await names(eve, "cancel", "key", "") == []


@pytest.mark.parametrize("language", Language)
async def test_every_card_about_keys_keeps_discords_limits(language: Language) -> None:
    """With as many keys as there can be, all of them in trouble or none, under the longest names."""
    for states in ([AccountState.REJECTED, AccountState.SUSPENDED] * 5, [AccountState.ACTIVE] * 10):
        keys = tuple(example_key(number, state) for number, state in enumerate(states))
        views = [KeyView(key, "cdef", 100_000) for key in keys]
        balance = Balance(balance="1000000.00", currency="USD")
        with use_language(language):
            for shown_card in (
                keys_card(views),
                keys_card(views[:1]),
                which_to_remove(keys),
                which_to_try(ListKind.REQUEST, 2**62, keys),
                removal_question(views[0]),
                removed(Removed(keys[0], 100_000, keys, wholly=False)),
                connected(Connected(keys[0], keys, "cdef", balance, 100_000)),
                connected(Connected(keys[1], keys, "cdef", balance, 100_000)),
                default_chosen(keys[0]),
                balances_card([BalanceView(key, Unavailable(may_have_acted=False), START) for key in keys], keys),
                user_problem(TooManyKeys([key.name for key in keys] * 2, 10, 25)),
            ):
                keeps_discords_limits(shown_card)
