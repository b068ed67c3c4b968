"""Several keys of one user: each takes what names it, the default the rest; nothing ever goes to another by itself."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest

from bot.accounts import BalanceView, Connected, KeyView, Removed
from bot.demo.panel import Upstream
from bot.language import Language, speaking
from bot.panel import Answer, Balance, OrderStatus, Unavailable
from bot.problems import TooManyKeys
from bot.store import AccountState, ListKind, Past
from bot.ui import buttons
from bot.ui.answers import user_problem
from bot.ui.keys import (
    balances_card,
    connected,
    default_chosen,
    keys_card,
    removal_question,
    removed,
    which_to_remove,
    which_to_try,
)
from bot.ui.layout import Tone, card
from tests.examples import key as example_key
from tests.test_cards import keeps_discords_limits
from tests.world import KEY, START, World, buttons_of, messages, shown, whole_list

SHOP = "np-shop-key-9876543210"
"""Another key of Ann's; its orders are known under it alone."""
LONG = Upstream(timedelta(days=2))
RUNNING, DONE = OrderStatus.IN_PROGRESS, OrderStatus.COMPLETED

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
async def ann(here: World, env: Any) -> Any:
    """A user with two keys: "main", the default, and "Shop"."""
    with env.time_context():
        user = env.create_user("ann")
        here.panel.add_key(SHOP)
        await here.connect(user)
        await here.connect(user, SHOP, "Shop")
    return user


def calls(here: World, action: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the key and the orders of every call of a kind that reached the panel."""
    return [(call.key, call.orders) for call in here.panel.calls if call.action == action]


def labels(result: Any) -> list[str]:
    """Return the labels of an answer's buttons that try another key."""
    return [label for label in buttons_of(result) if label.startswith("Try ")]


# Connecting, showing, choosing, removing.


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
    assert "🔑 `main` · **default**: takes what names no key\nEnds in `…cdef`" in text
    assert "🔑 `Shop`\nEnds in `…3210`" in text
    told = await here.connect(ann, SHOP, "Shop")
    assert "It is called `Shop`: choose it with the option `key` of a command" in told
    assert "What names no key goes to `main`, your default" in told


async def test_the_form_says_what_the_key_will_be_called(here: World, ann: Any) -> None:
    form = await ann.slash("key set", name="  Client   A ")
    assert "Key “Client A”" in str(form.modal)
    here.panel.add_key("np-client-a-key")
    assert "called `Client A`" in shown(await ann.submit_modal(form, {"key": "np-client-a-key"}))


async def test_a_name_is_the_same_in_capitals_and_replaces_its_key(here: World, ann: Any) -> None:
    here.panel.add_key("np-shop-new-key-777")
    assert "`…-777` works" in await here.connect(ann, "np-shop-new-key-777", "SHOP")
    text = shown(await ann.slash("key show"))
    assert text.count("🔑") == 2
    assert "🔑 `SHOP`\nEnds in `…-777`" in text


async def test_a_key_without_a_name_replaces_the_default_and_no_other(here: World, ann: Any) -> None:
    await ann.slash("key default", name="shop")
    here.panel.add_key("np-new-default-555")
    assert "It is called `Shop`, and is your default" in await here.connect(ann, "np-new-default-555")
    text = shown(await ann.slash("key show"))
    assert "🔑 `Shop` · **default**: takes what names no key\nEnds in `…-555`" in text
    assert "🔑 `main`\nEnds in `…cdef`" in text


async def test_the_same_key_is_not_stored_twice(here: World, ann: Any) -> None:
    before = len(here.panel.calls)
    text = await here.connect(ann, SHOP, "other")
    assert "That key is stored already, under the name `Shop`" in text
    assert shown(await ann.slash("key show")).count("🔑") == 2
    assert len(here.panel.calls) == before


@pytest.mark.parametrize("name", ["   ", "a\u202eb"])
async def test_what_cannot_be_a_name_is_not_taken(here: World, ann: Any, name: str) -> None:
    assert "has 1 to 32 characters, all of them visible" in shown(await ann.slash("key set", name=name))


async def test_at_most_ten_keys_are_stored(here: World, ann: Any) -> None:
    for number in range(9):
        here.panel.add_key(f"np-one-of-many-{number}")
        text = await here.connect(ann, f"np-one-of-many-{number}", f"many {number}")
    assert "I keep at most 10 keys of yours" in text
    assert here.sql("SELECT COUNT(*) FROM accounts") == [(10,)]
    assert "works" in await here.connect(ann, "np-one-of-many-8", "many 7")  # in place of one of them
    assert shown(await ann.slash("key show")).count("🔑") == 10


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
    assert "what names no key goes to `Shop`" in shown(await ann.slash("key default", name="shop"))
    result = await ann.slash("cancel", orders="ord_S")
    await here.settle()
    assert calls(here, "cancel") == [(SHOP, ("ord_S",))]
    assert "Under your key `Shop`." in shown(result)


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
    assert "Which key shall I forget?" in shown(question)
    assert buttons_of(question) == ["Remove main", "Remove Shop"]
    await here.restart()
    await ann.click(question.response, label="Remove main")
    assert "Key `main` removed" in shown(question)
    assert "What names no key goes to `Shop`" in shown(question)
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


async def names(user: Any, command: str, option: str, text: str, **filled: str) -> list[str]:
    """Return what is offered while an option is being typed."""
    return [choice["value"] for choice in await user.autocomplete(command, option, text, **filled)]


@pytest.mark.parametrize("language", Language)
async def test_every_card_about_keys_keeps_discords_limits(language: Language) -> None:
    """With as many keys as there can be, all of them in trouble or none, under the longest names."""
    for states in ([AccountState.REJECTED, AccountState.SUSPENDED] * 5, [AccountState.ACTIVE] * 10):
        keys = tuple(example_key(number, state) for number, state in enumerate(states))
        views = [KeyView(key, "cdef", 100_000) for key in keys]
        balance = Balance(balance="1000000.00", currency="USD")
        with speaking(language):
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
                balances_card([BalanceView(key, Unavailable(reached=False), START) for key in keys], keys),
                user_problem(TooManyKeys([key.name for key in keys] * 2, 10, 25)),
            ):
                keeps_discords_limits(shown_card)


# Orders go to the key that is named, or to the default.


async def test_orders_go_to_the_key_named_and_to_no_other(here: World, ann: Any) -> None:
    here.order("ord_M")
    here.order("ord_S", key=SHOP)
    first = await ann.slash("cancel", orders="ord_M")
    second = await ann.slash("cancel", orders="ord_S", key="shop")
    await here.settle()
    assert set(calls(here, "cancel")) == {(KEY, ("ord_M",)), (SHOP, ("ord_S",))}
    assert "Under your key `main`." in shown(first)
    assert "Under your key `Shop`." in shown(second)
    assert "**1** refunded" in shown(first)
    assert "**1** refunded" in shown(second)


async def test_an_order_under_two_keys_is_two_requests_that_join_nothing(here: World, ann: Any) -> None:
    here.order("ord_X", RUNNING, upstream=LONG, key=SHOP)
    here.order("ord_Y", RUNNING, upstream=LONG)
    for key in ("main", "Shop"):
        await ann.slash("cancel", orders="ord_X ord_Y", key=key)
        await here.settle()
    assert calls(here, "cancel") == [(KEY, ("ord_X", "ord_Y")), (SHOP, ("ord_X", "ord_Y"))]
    text = shown(await ann.slash("queued"))
    assert "Still open · 2 orders" in text
    assert "`ord_Y` · key `main`" in text
    assert "`ord_X` · key `Shop`" in text


async def test_the_paste_form_asks_for_the_key_and_suggests_the_default(here: World, ann: Any) -> None:
    here.order("ord_S", key=SHOP)
    form = await ann.slash("cancel")
    assert "'label': 'main', 'value': 'main', 'default': True" in str(form.modal)
    await ann.submit_modal(form, {"orders": "ord_S", "key": ["Shop"]})
    await here.settle()
    assert calls(here, "cancel") == [(SHOP, ("ord_S",))]


async def test_the_paste_form_opened_for_a_key_goes_to_that_key(here: World, ann: Any) -> None:
    form = await ann.slash("cancel", key="SHOP")
    assert "'label': 'Shop', 'value': 'Shop', 'default': True" in str(form.modal)


async def test_a_question_says_under_which_key_and_keeps_to_it(here: World, ann: Any) -> None:
    asked = [here.order(f"ord_{number}", key=SHOP) for number in range(30)]
    question = await ann.slash("cancel", orders=" ".join(asked), key="Shop")
    await here.wait(2)
    assert "Under your key `Shop`." in shown(question)
    assert "**30** pending" in shown(question)
    await ann.slash("key default", name="Shop")
    await ann.slash("key default", name="main")
    await here.restart()
    await ann.click(question.response, label="Confirm: ask to cancel 30")
    await here.settle()
    assert {key for key, _ in calls(here, "cancel") + calls(here, "status")} == {SHOP}
    assert "**30** refunded" in shown(question)


async def test_a_direct_message_goes_to_the_default_and_says_so(here: World, ann: Any) -> None:
    here.order("ord_M")
    await ann.send_dm("cancel ord_M")
    await here.settle()
    assert "Under your key `main`." in messages(ann)[-1]
    assert calls(here, "cancel") == [(KEY, ("ord_M",))]


async def test_balances_of_all_keys_or_of_one(here: World, ann: Any) -> None:
    text = shown(await ann.slash("balance"))
    assert "· key `main`" in text
    assert "· key `Shop`" in text
    here.panel.revoke_key(SHOP)
    text = shown(await ann.slash("balance"))
    assert "**47.32 USD** · key `main`" in text
    assert "does not accept this key" in text
    assert "key `main`" in shown(await ann.slash("balance", key="main"))
    assert "does not accept this key" not in shown(await ann.slash("balance", key="main"))


async def test_balances_of_several_keys_are_asked_for_side_by_side(here: World, ann: Any) -> None:
    both = asyncio.Barrier(2)

    async def meet(answer: Answer) -> Answer:
        async with asyncio.timeout(5):
            await both.wait()
        return answer

    here.wire.faults = [meet, meet]
    assert "Shop" in shown(await ann.slash("balance"))


async def test_status_asks_under_one_key_and_hints_at_the_others(here: World, ann: Any) -> None:
    here.order("ord_S", key=SHOP)
    text = shown(await ann.slash("status", orders="ord_S"))
    assert "Under your key `main`. What was not found may be under another key of yours" in text
    assert "`/status` with `key` `Shop`" in text
    text = shown(await ann.slash("status", orders="ord_S", key="Shop"))
    assert "**`pending`**" in text
    assert "another key" not in text


async def test_refills_are_asked_for_under_the_key_of_the_order(here: World, ann: Any) -> None:
    here.order("ord_S", DONE, key=SHOP)
    text = shown(await ann.slash("refill", orders="ord_S", key="Shop"))
    assert "Under your key `Shop`." in text
    assert calls(here, "refill") == [(SHOP, ("ord_S",))]


async def test_refill_these_keeps_to_the_cards_key_whatever_the_default_is(here: World, ann: Any) -> None:
    here.order("ord_S", DONE, key=SHOP)
    result = await ann.slash("cancel", orders="ord_S", key="Shop")
    await here.settle()
    question = await ann.click(result.response, label="Refill these")
    assert "Under your key `Shop`." in shown(question)
    await here.restart()
    await ann.click(question.response, label="Confirm refill")
    assert calls(here, "refill") == [(SHOP, ("ord_S",))]


async def test_suggested_orders_are_those_of_the_key_that_will_be_used(here: World, ann: Any) -> None:
    here.order("ord_M", RUNNING)
    here.order("ord_S", RUNNING, key=SHOP)
    await ann.slash("cancel", orders="ord_M")
    await ann.slash("cancel", orders="ord_S", key="Shop")
    await here.settle()
    assert await names(ann, "status", "orders", "ord_") == ["ord_M"]
    assert await names(ann, "status", "orders", "ord_", key="SHOP") == ["ord_S"]
    assert await names(ann, "status", "orders", "ord_", key="none") == []
    await ann.slash("key default", name="Shop")
    assert await names(ann, "status", "orders", "ord_") == ["ord_S"]


# What is kept of all keys.


async def test_history_and_lists_hold_all_keys_and_name_them(here: World, ann: Any) -> None:
    for number in range(3):
        here.order(f"ord_M{number}")
        here.order(f"ord_S{number}", key=SHOP)
        await ann.slash("cancel", orders=f"ord_M{number}")
        await here.settle()
        await ann.slash("cancel", orders=f"ord_S{number}", key="Shop")
        await here.settle()
        here.skip(60)
    await ann.slash("key remove", name="Shop")
    result = await ann.slash("history")
    assert "6 orders ended" in shown(result)
    assert "`ord_M2` · key `main`" in shown(result)
    assert "`ord_S2` · key `Shop`" in shown(result)
    copy = card(Tone.PLAIN, ["a copy"], buttons=buttons_for_the_history())
    message = await here.app.client.get_partial_messageable(ann.dm_channel.id).send(view=copy.view)
    pressed = await ann.click(message, label="Whole list (CSV)")
    (file,) = [file for one in (pressed.response, *pressed.followups) for file in one.attachments]
    lines = (await file.read()).decode("utf-8-sig").splitlines()
    assert lines[0].endswith(",key")
    assert [line.split(",")[0] for line in lines[1:]] == ["ord_S2", "ord_M2", "ord_S1", "ord_M1", "ord_S0", "ord_M0"]
    assert [line.split(",")[-1] for line in lines[1:]] == ["Shop", "main"] * 3
    page = await ann.click(message, label="Page through")
    assert "`ord_S2` refunded · status `canceled` · key `Shop`" in shown(page)


def buttons_for_the_history() -> list[Any]:
    """Return the buttons under a history that is too long for its card."""
    return [buttons.browse(ListKind.HISTORY, 30), buttons.whole_list(ListKind.HISTORY, 30)]


async def test_a_history_of_several_keys_is_paged_without_a_gap(here: World, ann: Any) -> None:
    for number in range(7):
        here.order(f"ord_M{number}")
        here.order(f"ord_S{number}", key=SHOP)
    await ann.slash("cancel", orders=" ".join(f"ord_M{number}" for number in range(7)))
    await ann.slash("cancel", orders=" ".join(f"ord_S{number}" for number in range(7)), key="Shop")
    await here.settle()
    seen, after = list[str](), -1
    while page := await here.app.ledger.read.page_of_history([1, 2], Past(START, None), after, 3):
        seen += [line.order_id for line in page]
        after = page[-1].cursor
    assert sorted(seen) == sorted(f"ord_{key}{number}" for key in "MS" for number in range(7))


async def test_check_now_and_stop_watching_are_for_all_keys(here: World, ann: Any) -> None:
    here.order("ord_M", RUNNING, upstream=LONG)
    here.order("ord_S", RUNNING, upstream=LONG, key=SHOP)
    await ann.slash("cancel", orders="ord_M")
    await ann.slash("cancel", orders="ord_S", key="Shop")
    await here.settle()
    here.skip(61)
    before = len(calls(here, "status"))
    opened = await ann.slash("queued")
    await ann.click(opened.response, label="Check now")
    await here.settle()
    assert sorted(calls(here, "status")[before:]) == sorted([(KEY, ("ord_M",)), (SHOP, ("ord_S",))])
    await ann.click(opened.response, label="Stop watching")
    assert "Stop watching 2 open orders?" in shown(opened)
    await ann.click(opened.response, label="Stop watching")
    assert "**2** no longer watched" in shown(opened)
    assert "Nothing open" in shown(await ann.slash("queued"))


async def test_the_list_of_what_is_open_holds_every_key(here: World, ann: Any) -> None:
    for number in range(60):
        here.order(f"ord_{number:050}", RUNNING, upstream=LONG)
        here.order(f"ord_S{number:049}", RUNNING, upstream=LONG, key=SHOP)
    for prefix, width, key in (("ord_", 50, "main"), ("ord_S", 49, "Shop")):
        question = await ann.slash("cancel", orders=" ".join(f"{prefix}{n:0{width}}" for n in range(60)), key=key)
        await ann.click(question.response, label="Confirm: ask to cancel 60")
    await here.settle()
    text = await whole_list(ann, await ann.slash("queued"))
    assert len(text.splitlines()) == 121
    assert text.count(",main\r\n") == text.count(",Shop\r\n") == 60


async def test_what_is_erased_is_everything_of_every_key(here: World, ann: Any) -> None:
    here.order("ord_S", RUNNING, key=SHOP)
    await ann.slash("cancel", orders="ord_S", key="Shop")
    await here.settle()
    here.panel.revoke_key(SHOP)
    await here.wait(60)
    question = await ann.slash("forget-me")
    assert "your 2 API keys" in shown(question)
    assert "1 order is still open" in shown(question)
    await ann.click(question.response, label="Erase everything")
    for table in ("accounts", "requests", "cancellations", "notices", "notice_items"):
        assert here.sql(f"SELECT COUNT(*) FROM {table}") == [(0,)]


# A key that the panel no longer takes stops nothing but itself.


async def test_a_rejected_key_is_named_and_the_other_goes_on(here: World, ann: Any) -> None:
    here.order("ord_S", RUNNING, key=SHOP)
    here.order("ord_M", RUNNING)
    result = await ann.slash("cancel", orders="ord_S", key="Shop")
    await here.settle()
    here.panel.revoke_key(SHOP)
    await here.wait(60)
    (notice,) = [message for message in messages(ann) if "need your key again" in message]
    assert "`Shop`: NotPanel no longer accepts your API key" in notice
    assert "Connect Shop again" in notice
    assert "Connect again" in buttons_of(result)
    assert "Your key `Shop`: NotPanel no longer accepts" in shown(await ann.slash("cancel", orders="ord_S", key="Shop"))
    working = await ann.slash("cancel", orders="ord_M")
    await here.wait(60)
    assert "no longer accepts" not in shown(working)
    text = shown(await ann.slash("key show"))
    assert "It is not in use at the moment." in text
    assert "`Shop`: NotPanel no longer accepts your API key" in text

    here.panel.add_key(SHOP)
    await here.restart()
    form = await ann.click(result.response, label="Connect again")
    assert "1 open order of yours will be tried" in shown(await ann.submit_modal(form, {"key": SHOP}))
    assert here.sql("SELECT name, state FROM accounts ORDER BY id") == [("main", "active"), ("Shop", "active")]


async def test_the_check_of_a_new_key_counts_against_that_key(here: World, ann: Any) -> None:
    assert [here.app.accounts._budget.used(account) for account in (1, 2)] == [1, 1]
    await here.connect(ann, SHOP, "Shop")
    assert [here.app.accounts._budget.used(account) for account in (1, 2)] == [1, 2]


async def test_a_key_that_was_not_taken_under_a_new_name_frees_no_calls_of_another(here: World, ann: Any) -> None:
    budget = here.app.accounts._budget
    assert "Not connected" in await here.connect(ann, "np-mistyped-key", "Third")
    for _ in range(20):
        budget.spend(1)
    used = budget.used(1)
    await here.connect(ann)
    assert budget.used(1) == used + 1


async def test_each_key_has_its_own_limit(here: World, ann: Any) -> None:
    budget = here.app.accounts._budget
    while budget.closed(1) is None:
        budget.spend(1)
    assert "rate limit is used up" in shown(await ann.slash("status", orders="ord_A"))
    assert "rate limit" not in shown(await ann.slash("status", orders="ord_A", key="Shop"))


# Not found under one key: offered, never done.


async def lost(here: World, ann: Any) -> Any:
    """Let Ann ask under her default for an order of her other key, and for one of this."""
    here.order("ord_M")
    here.order("ord_S", RUNNING, key=SHOP)
    result = await ann.slash("cancel", orders="ord_M ord_S ord_nowhere")
    await here.settle()
    return result


async def test_what_is_not_found_is_offered_to_the_other_key_and_asked_first(here: World, ann: Any) -> None:
    result = await lost(here, ann)
    assert labels(result) == ["Try under Shop"]
    await here.restart()
    question = await ann.click(result.response, label="Try under Shop")
    await here.settle()
    assert "Cancel 2 orders?" in shown(question)
    assert "Under your key `Shop`." in shown(question)
    assert "ord_M" not in shown(question)
    assert {key for key, _ in calls(here, "cancel")} == {KEY}
    await ann.click(question.response, label="Confirm: ask to cancel 2")
    await here.settle()
    assert calls(here, "cancel")[-1] == (SHOP, ("ord_S", "ord_nowhere"))
    assert "**1** queued" in shown(question)
    assert "**1** refused" in shown(question)


async def test_pressed_twice_it_asks_twice_and_cancels_once(here: World, ann: Any) -> None:
    result = await lost(here, ann)
    questions = [await ann.click(result.response, label="Try under Shop") for _ in range(2)]
    for question in questions:
        await ann.click(question.response, label="Confirm: ask to cancel 2")
        await here.settle()
    assert sum("ord_S" in orders for key, orders in calls(here, "cancel") if key == SHOP) == 1


async def test_kept_it_sends_nothing(here: World, ann: Any) -> None:
    question = await ann.click((await lost(here, ann)).response, label="Try under Shop")
    await ann.click(question.response, label="Keep the orders")
    await here.settle()
    assert {key for key, _ in calls(here, "cancel")} == {KEY}


async def test_what_was_refused_for_another_reason_is_not_offered(here: World, ann: Any) -> None:
    here.order("ord_C", RUNNING, cancellable=False)
    result = await ann.slash("cancel", orders="ord_C")
    await here.settle()
    assert "refused" in shown(result)
    assert labels(result) == []


async def test_a_key_that_is_not_in_use_is_not_offered(here: World, ann: Any) -> None:
    here.panel.revoke_key(SHOP)
    await ann.slash("balance", key="Shop")
    assert labels(await lost(here, ann)) == []


async def test_of_many_keys_one_button_leads_to_the_choice(here: World, ann: Any) -> None:
    for number in range(3):
        here.panel.add_key(f"np-one-of-many-{number}")
        await here.connect(ann, f"np-one-of-many-{number}", f"many {number}")
    result = await lost(here, ann)
    assert labels(result) == ["Try my other keys"]
    choice = await ann.click(result.response, label="Try my other keys")
    assert labels(choice) == ["Try under Shop", *(f"Try under many {n}" for n in range(3))]
    question = await ann.click(choice.response, label="Try under Shop")
    assert "Cancel 2 orders?" in shown(question)


async def test_a_message_offers_the_other_key_too(here: World, ann: Any) -> None:
    here.env.inject_error("PATCH", "/webhooks/*", status=404, code=10008, times=None)  # so that no card can tell
    here.order("ord_S", key=SHOP)
    await ann.slash("cancel", orders="ord_S")
    await here.wait(15)
    assert "`ord_S` · key `main`" in messages(ann)[-1]
    question = await ann.click(ann.dm_channel.last_message, label="Try under Shop")
    (request,) = here.sql("SELECT account_id, orders, state FROM requests ORDER BY id DESC LIMIT 1")
    assert question.acknowledged
    assert request == (2, 1, "asking")


# Nothing of it is anybody else's.


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
        buttons.ask_remove(2, "…"),
        buttons.remove_key(2),
        buttons.try_under(ListKind.REQUEST, 1, 2, "…"),  # Ann's list under Ann's key
        buttons.try_under(ListKind.REQUEST, 1, 4, "hers"),  # Ann's list under Eve's key
        buttons.try_under(ListKind.REQUEST, 2, 2, "…"),  # Eve's list under Ann's key
        buttons.refill(ListKind.REQUEST, 2, 2),
        buttons.confirm_refill(ListKind.REQUEST, 2, 2, 0),
        buttons.try_others(ListKind.REQUEST, 1),
    ):
        view = card(Tone.PLAIN, ["a forged copy"], buttons=[custom]).view
        message = await here.app.client.get_partial_messageable(channel.id).send(view=view)
        pressed = await eve.click(message, custom_id=custom.custom_id)
        assert "Shop" not in shown(pressed)
        assert "ord_secret" not in shown(pressed)
    for command, option in (("key remove", "name"), ("key default", "name"), ("balance", "key")):
        assert "no key called `Shop`" in shown(await eve.slash(channel, command, **{option: "Shop"}))
    assert "Yours: `main`, `hers`" in shown(await eve.slash(channel, "cancel", orders="ord_A", key="Shop"))
    assert "Shop" not in shown(await eve.slash(channel, "key show"))
    assert (here.sql("SELECT * FROM accounts"), here.sql("SELECT COUNT(*) FROM requests")) == before
    assert {key for key, _ in calls(here, "cancel")} == {KEY, "np-eves-own-key-111"}
