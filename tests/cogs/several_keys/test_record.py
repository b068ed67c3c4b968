"""What is kept of all keys: history, lists, what is open, what is erased."""

import re
from typing import Any

import pytest

from bot.cards import actions
from bot.ledger import ListKind, Past
from tests.cogs.several_keys.shop import LONG, RUNNING, SHOP, calls
from tests.world import KEY, START, World, shown, whole_list

pytestmark = pytest.mark.usefixtures("env")


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
    assert shown(result).startswith("### 6 cancelled\n")
    assert shown(result).count("1 order\n-# 1 cancelled · key `main`") == 3
    assert shown(result).count("1 order\n-# 1 cancelled · key `Shop`") == 3
    older = (actions.BROWSE.button(ListKind.HISTORY, 30), actions.LIST.button(ListKind.HISTORY, 30))
    message = await here.post(ann.dm_channel, *older)  # as under a history that is too long for its card
    pressed = await ann.click(message, label="Whole list (CSV)")
    (file,) = [file for one in (pressed.response, *pressed.followups) for file in one.attachments]
    lines = (await file.read()).decode("utf-8-sig").splitlines()
    assert lines[0].endswith(",key")
    assert [line.split(",")[0] for line in lines[1:]] == ["ord_S2", "ord_M2", "ord_S1", "ord_M1", "ord_S0", "ord_M0"]
    assert [line.split(",")[-1] for line in lines[1:]] == ["Shop", "main"] * 3
    page = await ann.click(message, custom_id=older[0].custom_id)
    assert re.search(r"\*\*cancelled\*\*.* · key `Shop`\n`ord_S2`\n", shown(page))


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
    await ann.select(opened.response, ["np:ask-unwatch"], custom_id="np:more:open:0")
    assert "Stop watching 2 orders?" in shown(opened)
    await ann.click(opened.response, label="Stop watching all 2")
    assert "### 2 no longer watched" in shown(opened)
    assert "Nothing waiting" in shown(await ann.slash("queued"))


async def test_the_list_of_what_is_open_holds_every_key(here: World, ann: Any) -> None:
    for number in range(60):
        here.order(f"ord_{number:050}", RUNNING, upstream=LONG)
        here.order(f"ord_S{number:049}", RUNNING, upstream=LONG, key=SHOP)
    for prefix, width, key in (("ord_", 50, "main"), ("ord_S", 49, "Shop")):
        question = await ann.slash("cancel", orders=" ".join(f"{prefix}{n:0{width}}" for n in range(60)), key=key)
        await ann.click(question.response, label="Cancel 60 orders")
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
