"""/status of more orders than one call takes."""

from typing import Any

import pytest

from bot.panel import Answer
from tests.world import World, shown

pytestmark = pytest.mark.usefixtures("env")


async def test_what_was_answered_is_shown_although_a_later_call_failed(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{number:03}") for number in range(150)]
    here.wire.faults = [lambda answer: answer, Answer(503, "")]
    result = await ann.slash("status", orders=" ".join(orders))
    assert "50 orders were not asked about. NotPanel can't be reached right now." in shown(result)
    text = shown(result)
    assert text.startswith("### 100 pending · 50 not asked about\n-# 150 orders · updated <t:")
    assert "`ord_000`" in text
    assert "The file has every order." in text
    (file,) = result.response.attachments
    assert file.filename == "status-2026-01-01-150-orders.csv"
    lines = (await file.read()).decode("utf-8-sig").splitlines()[1:]
    assert [line.split(",")[1] for line in lines[:100]] == ["pending"] * 100
    assert [line.split(",")[-1] for line in lines[100:]] == ["not asked"] * 50


async def test_a_key_removed_between_two_calls_is_not_used_again(here: World, ann: Any) -> None:
    async def removed_meanwhile(answer: Answer) -> Answer:
        await here.app.services.accounts.remove(ann.id)
        return answer

    here.wire.faults = [removed_meanwhile]
    result = await ann.slash("status", orders=" ".join(f"ord_{number}" for number in range(250)))
    assert "150 orders were not asked about. The key was removed." in shown(result)
    assert "`ord_0`" in shown(result)  # what was answered is told
    assert [call.action for call in here.panel.calls] == ["balance", "status"]


async def test_the_first_line_counts_by_the_panels_words_and_what_went_wrong_stands_first(
    here: World, ann: Any
) -> None:
    ids = {
        "completed": "ord_01HG9X7KJP4N2Q8RSTVWXY0001",
        "in_progress": "ord_2",
        "Fail": "ord_3",
        "Odd [x](y)": "ord_4",
    }
    for word, order in ids.items():
        here.order(order, word, remains=0 if word == "completed" else 120)
    text = shown(await ann.slash("status", orders=" ".join([*ids.values(), "ord_absent"])))
    first, second, *lines = text.splitlines()
    assert first == "### 1 completed · 1 in progress · 1 fail · 1 `Odd [x](y)` · 1 not found"
    assert second.startswith("-# 5 orders · updated <t:")
    assert lines == [
        "⛔ **Not found** (1)",
        "`ord_absent`",
        "-# “Order not found”",
        "❔ **`Odd [x](y)`** (1)",
        "`ord_4` · 0.50 USD · 120 not delivered",
        "❌ ***fail*** (1)",
        "`ord_3` · 0.50 USD · 120 not delivered",
        "⏳ ***in progress*** (1)",
        "`ord_2` · 0.50 USD · 120 not delivered",
        "📦 ***completed*** (1)",
        "`ord_01HG9X7KJP4N2Q8RSTVWXY0001`",
        "-# 0.50 USD",
    ]


async def test_of_more_than_ten_orders_the_first_of_each_group_are_named_and_the_file_has_all(
    here: World, ann: Any
) -> None:
    orders = [here.order(f"ord_{n:02}", word) for n, word in enumerate(["pending", "completed"] * 15)]
    result = await ann.slash("status", orders=" ".join(orders))
    text = shown(result)
    assert text.startswith("### 15 completed · 15 pending\n")
    assert text.count("`ord_") == 8
    assert text.count("+ 11 more") == 2
    (file,) = result.response.attachments
    assert [line.split(",")[0] for line in (await file.read()).decode("utf-8-sig").splitlines()[1:]] == orders
    few = await ann.slash("status", orders=" ".join(orders[:10]))
    assert shown(few).count("`ord_") == 10
    assert not few.response.attachments
