"""Orders go to the key that is named, or to the default; one that the panel rejects stops nothing but itself."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from bot.panel import Answer
from tests.cogs.several_keys.shop import DONE, LONG, RUNNING, SHOP, calls, names
from tests.world import FINE, KEY, World, buttons_of, choose, messages, shown

pytestmark = pytest.mark.usefixtures("env")


async def test_orders_go_to_the_key_named_and_to_no_other(here: World, ann: Any) -> None:
    here.order("ord_M")
    here.order("ord_S", key=SHOP)
    first = await ann.slash("cancel", orders="ord_M")
    second = await ann.slash("cancel", orders="ord_S", key="shop")
    await here.settle()
    assert set(calls(here, "cancel")) == {(KEY, ("ord_M",)), (SHOP, ("ord_S",))}
    assert "key `main`" in shown(first)
    assert "key `Shop`" in shown(second)
    assert "1 cancelled" in shown(first)
    assert "1 cancelled" in shown(second)


async def test_an_order_under_two_keys_is_sent_under_the_second_only_where_the_first_does_not_find_it(
    here: World, ann: Any
) -> None:
    here.order("ord_X", RUNNING, upstream=LONG, key=SHOP)
    here.order("ord_Y", RUNNING, upstream=LONG)
    for key in ("main", "Shop"):
        await ann.slash("cancel", orders="ord_X ord_Y", key=key)
        await here.settle()
    assert calls(here, "cancel") == [(KEY, ("ord_X", "ord_Y")), (SHOP, ("ord_X",))]
    text = shown(await ann.slash("queued"))
    assert text.startswith("### 2 waiting · oldest")
    assert re.search(r"1 of \d left\n-# .* · key `main`\n`ord_Y`", text)
    assert re.search(r"1 of \d left\n-# .* · key `Shop`\n`ord_X`", text)


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
    assert "-# Nothing sent yet · key `Shop`" in shown(question)
    assert "30 pending" in shown(question)
    await ann.slash("key default", name="Shop")
    await ann.slash("key default", name="main")
    await here.restart()
    await ann.click(question.response, label="Cancel 30 orders")
    await here.settle()
    assert {key for key, _ in calls(here, "cancel") + calls(here, "status")} == {SHOP}
    assert "30 cancelled" in shown(question)


async def test_a_direct_message_goes_to_the_default_and_says_so(here: World, ann: Any) -> None:
    here.order("ord_M")
    await ann.send_dm("cancel ord_M")
    await here.settle()
    assert "key `main`" in messages(ann)[-1]
    assert calls(here, "cancel") == [(KEY, ("ord_M",))]


async def test_balances_of_all_keys_or_of_one(here: World, ann: Any) -> None:
    text = shown(await ann.slash("balance"))
    assert "`main` · **47.32 USD**\n`Shop` · **47.32 USD**\n" in text
    here.panel.revoke_key(SHOP)
    text = shown(await ann.slash("balance"))
    assert "`main` · **47.32 USD**\n`Shop` · NotPanel doesn't accept this key" in text
    assert "### **47.32 USD** · `main`\n" in shown(await ann.slash("balance", key="main"))
    assert "doesn't accept this key" not in shown(await ann.slash("balance", key="main"))


async def test_balances_of_several_keys_are_asked_for_side_by_side(here: World, ann: Any) -> None:
    both = asyncio.Barrier(2)

    async def meet(answer: Answer) -> Answer:
        async with asyncio.timeout(5):
            await both.wait()
        return answer

    here.wire.faults = [meet, meet]
    assert "Shop" in shown(await ann.slash("balance"))


async def test_status_looks_under_the_other_keys_for_what_is_not_found(here: World, ann: Any) -> None:
    here.order("ord_M", RUNNING)
    here.order("ord_S", key=SHOP)
    text = shown(await ann.slash("status", orders="ord_M ord_S ord_absent"))
    assert text.startswith("### 1 pending · 1 in progress · 1 not found\n-# 3 orders · key `main` · updated <t:")
    assert re.search(r"`ord_S` · .*key `Shop`$", text)
    assert re.search(r"`ord_M` · [^k]*\n", text)
    assert "another of your keys" not in text
    assert calls(here, "status") == [(KEY, ("ord_M", "ord_S", "ord_absent")), (SHOP, ("ord_S", "ord_absent"))]


async def test_status_under_a_key_that_is_named_keeps_to_it_and_hints_at_the_others(here: World, ann: Any) -> None:
    here.order("ord_S", key=SHOP)
    text = shown(await ann.slash("status", orders="ord_S", key="main"))
    assert "It may be under another of your keys: use `/status` with `key` `Shop`." in text
    assert calls(here, "status") == [(KEY, ("ord_S",))]
    text = shown(await ann.slash("status", orders="ord_S", key="Shop"))
    assert text.startswith("### 1 pending\n-# 1 order · key `Shop` ·")
    assert "another of your keys" not in text


@pytest.mark.parametrize("fault", [Answer(403, '{"error": "Account suspended"}'), httpx.ConnectError("refused")])
async def test_what_another_key_cannot_be_asked_is_hinted_at(here: World, ann: Any, fault: Answer | Exception) -> None:
    here.order("ord_M", RUNNING)
    here.order("ord_S", key=SHOP)
    here.wire.faults = [FINE, fault]
    text = shown(await ann.slash("status", orders="ord_M ord_S"))
    assert text.startswith("### 1 in progress · 1 not found\n")
    assert "use `/status` with `key` `Shop`" in text


async def test_refills_are_asked_for_under_the_key_of_the_order(here: World, ann: Any) -> None:
    here.order("ord_S", DONE, key=SHOP)
    text = shown(await ann.slash("refill", orders="ord_S", key="Shop"))
    assert "-# 1 order · key `Shop` ·" in text
    assert calls(here, "refill") == [(SHOP, ("ord_S",))]


async def test_refill_these_keeps_to_the_cards_key_whatever_the_default_is(here: World, ann: Any) -> None:
    here.order("ord_S", "Partial", key=SHOP)
    result = await ann.slash("cancel", orders="ord_S", key="Shop")
    await here.settle()
    question = await choose(ann, result.response, "Refill the 1 partly delivered · Shop")
    assert "-# Nothing sent yet · key `Shop`" in shown(question)
    await here.restart()
    await ann.click(question.response, label="Refill 1 order")
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


async def test_a_rejected_key_is_named_and_the_other_goes_on(here: World, ann: Any) -> None:
    here.order("ord_S", RUNNING, key=SHOP)
    here.order("ord_M", RUNNING)
    result = await ann.slash("cancel", orders="ord_S", key="Shop")
    await here.settle()
    here.panel.revoke_key(SHOP)
    await here.wait(120)
    (notice,) = [message for message in messages(ann) if "⏸ Paused" in message]
    assert "⏸ Paused: NotPanel rejects your key `Shop`" in notice
    assert "Connect Shop again" in notice
    assert "Connect again" in buttons_of(result)
    assert "Your key `Shop`: NotPanel rejects" in shown(await ann.slash("cancel", orders="ord_S", key="Shop"))
    working = await ann.slash("cancel", orders="ord_M")
    await here.wait(60)
    assert "rejects your key" not in shown(working)
    text = shown(await ann.slash("key show"))
    assert text.startswith("### ⏸ Paused: NotPanel rejects your key `Shop`\n")
    assert "It isn't in use right now." in text

    here.panel.add_key(SHOP)
    await here.restart()
    form = await ann.click(result.response, label="Connect again")
    assert "1 open order will be tried" in shown(await ann.submit_modal(form, {"key": SHOP}))
    assert here.sql("SELECT name, state FROM accounts ORDER BY id") == [("main", "active"), ("Shop", "active")]


async def test_the_check_of_a_new_key_counts_against_that_key(here: World, ann: Any) -> None:
    assert [here.app.services.accounts._gateway._budget.used(account) for account in (1, 2)] == [1, 1]
    await here.connect(ann, SHOP, "Shop")
    assert [here.app.services.accounts._gateway._budget.used(account) for account in (1, 2)] == [1, 2]


async def test_a_key_that_was_not_taken_under_a_new_name_frees_no_calls_of_another(here: World, ann: Any) -> None:
    budget = here.app.services.accounts._gateway._budget
    assert "Not connected" in await here.connect(ann, "np-mistyped-key", "Third")
    for _ in range(20):
        budget.spend(1)
    used = budget.used(1)
    await here.connect(ann)
    assert budget.used(1) == used + 1


async def test_each_key_has_its_own_limit(here: World, ann: Any) -> None:
    budget = here.app.services.accounts._gateway._budget
    while budget.blocked_until(1) is None:
        budget.spend(1)
    assert "rate limit is used up" in shown(await ann.slash("status", orders="ord_A"))
    assert "rate limit" not in shown(await ann.slash("status", orders="ord_A", key="Shop"))
