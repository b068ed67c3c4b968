"""/history: how orders ended, by outcome and days, for their user alone."""

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from bot.cards import actions
from bot.cards import layout as ui
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ledger import ListKind
from bot.ledger.sqlite.engine import SQLITE_QUERIES
from tests.workers.test_long_lists import begin, names
from tests.world import World, buttons_of, messages, shown, whole_list

RUNNING = OrderStatus.IN_PROGRESS
DAY = 24 * 3600

pytestmark = pytest.mark.usefixtures("env")


async def have_a_day(here: World, user: Any, prefix: str) -> None:
    """Have one order end in each of four ways, and one that goes on."""
    here.order(f"ord_{prefix}pending")
    here.order(f"ord_{prefix}done", OrderStatus.COMPLETED)
    here.order(f"ord_{prefix}late", RUNNING, upstream=Upstream(ends_as="completed"))
    here.order(f"ord_{prefix}half", RUNNING, upstream=Upstream(ends_as="partial"), remains=650)
    here.order(f"ord_{prefix}open", RUNNING, upstream=Upstream(timedelta(days=400)))
    ends = ("pending", "done", "late", "half", "open")
    await user.slash("cancel", orders=" ".join(f"ord_{prefix}{end}" for end in ends))
    await here.wait(90)


async def test_it_counts_every_outcome_and_of_a_few_shows_each_order(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    text = shown(await ann.slash("history"))
    assert text.startswith("### 1 cancelled · 1 partly delivered · 2 delivered\n")
    assert "-# 4 orders · last 30 days" in text
    assert re.search(r"\*\*<t:\d+:t>\*\* · 5 orders\n-# 1 cancelled · 1 partly delivered · 2 delivered\n", text)
    named = re.findall(r"^[📦🌓✅] [A-Z].+$|^`\w+`", text, re.MULTILINE)
    assert sorted(named[1:3]) == ["`ord_Adone`", "`ord_Alate`"]
    assert named[0] == "📦 Delivered, not cancelled"
    assert named[3:] == ["🌓 Partly delivered", "`ord_Ahalf`", "✅ Cancelled", "`ord_Apending`"]
    assert "ord_Aopen" not in text
    assert "1 order hasn't ended: `/queued`" in text


async def test_the_newest_stand_first(here: World, ann: Any) -> None:
    for order in ("ord_old", "ord_middle", "ord_new"):
        here.order(order)
        await ann.slash("cancel", orders=order)
        await here.wait(60)
    text = shown(await ann.slash("history"))
    assert text.index("ord_new") < text.index("ord_middle") < text.index("ord_old")
    assert text.count("1 order\n-# 1 cancelled") == 3


async def test_many_requests_are_a_line_each_and_the_orders_are_behind_a_button(here: World, ann: Any) -> None:
    for number in range(10):
        here.order(f"ord_{number}", charge="0.50")
        await ann.slash("cancel", orders=f"ord_{number}")
        await here.wait(60, step=5)
    card = await ann.slash("history")
    text = shown(card)
    assert text.startswith("### 10 cancelled\n")
    assert text.count("1 order\n-# 1 cancelled") == 7
    assert "-# + 3 more requests" in text
    assert "`ord_" not in text
    assert buttons_of(card) == ["Show all 10"]


async def test_what_came_back_is_summed_as_far_as_it_is_proven(here: World, ann: Any) -> None:
    for number, charge in enumerate(("0.50", "1.25", "0.10")):
        here.order(f"ord_{number}", RUNNING, upstream=Upstream(), charge=charge)
    here.order("ord_late", RUNNING, upstream=Upstream(ends_as="completed"), charge="9")
    await ann.slash("cancel", orders="ord_0 ord_1 ord_2 ord_late")
    await here.wait(300)
    text = shown(await ann.slash("history"))
    assert text.startswith("### 3 cancelled · 1 delivered\n**1.85 USD** refunded on 3 orders\n")
    assert "refunded" not in shown(await ann.slash("history", outcome="completed"))


async def test_an_order_that_was_asked_for_twice_is_said_to_count_twice(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(ends_as="completed"))
    await ann.slash("cancel", orders="ord_A")
    await here.wait(300)
    assert "asked for again" not in shown(await ann.slash("history"))
    await ann.slash("cancel", orders="ord_A")
    await here.wait(60)
    text = shown(await ann.slash("history"))
    assert text.startswith("### ")
    assert "2 orders · last 30 days" in text
    assert "-# 1 order was asked for again and counts each time." in text


async def test_what_is_only_watched_no_longer_is_not_said_to_have_ended(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(timedelta(days=2)))
    await ann.slash("cancel", orders="ord_A")
    await here.wait(60)
    await here.app.services.records.stop_watching(ann.id)
    text = shown(await ann.slash("history"))
    assert text.startswith("### 1 no longer watched\n")
    assert "ended" not in text


async def test_one_outcome_and_some_days(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    here.skip(10 * DAY)
    await have_a_day(here, ann, "B")
    week = shown(await ann.slash("history", days=7))
    assert "ord_Bdone" in week
    assert "ord_A" not in week
    cancelled = shown(await ann.slash("history", outcome="cancelled"))
    assert cancelled.startswith("### 2 cancelled\n")
    assert "2 orders · last 30 days · only cancelled" in cancelled
    assert "ord_Adone" not in cancelled
    assert "ord_Apending" in cancelled
    assert "`ord_Bhalf`" in shown(await ann.slash("history", outcome="partial", days=1))


async def test_where_there_is_nothing_it_says_so_kindly(here: World, ann: Any) -> None:
    assert "None of your cancel requests ended in the last 30 days." in shown(await ann.slash("history"))
    assert "None · only failed · last day" in shown(await ann.slash("history", outcome="failed", days=1))


async def test_it_stays_after_the_key_was_removed(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    removal = await ann.slash("key remove")
    await ann.click(removal.response, label="Remove anyway")
    text = shown(await ann.slash("history"))
    assert "1 no longer watched" in text
    assert "`ord_Apending`" in text


async def test_the_whole_list_keeps_its_filter_over_a_restart(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    here.skip(9 * DAY)
    await begin(here, ann, names(700))
    await here.settle()
    card = await ann.slash("history", outcome="cancelled", days=7)
    assert shown(card).startswith("### 700 cancelled\n")
    assert len(shown(card)) <= 4_000
    await here.restart()
    lines = (await whole_list(ann, card)).splitlines()[1:]
    assert sorted(line.split(",")[0] for line in lines) == names(700)
    everything = (await whole_list(ann, await ann.slash("history"))).splitlines()[1:]
    assert len(everything) == len(set(everything)) == 704
    ends = [line.split(",")[-1] for line in everything]
    assert ends == sorted(ends, reverse=True)


async def test_nobody_sees_the_history_of_another(here: World, ann: Any) -> None:
    await begin(here, ann, names(300))
    await here.settle()
    channel = here.env.create_guild().create_text_channel("orders")
    eve = here.env.guild.add_member(here.env.create_user("eve"))
    forged = ui.card(ui.Tone.PLAIN, ["a forged copy"], buttons=[actions.LIST.button(ListKind.HISTORY, 10**18)])
    shown_to_all = await here.app.client.get_partial_messageable(channel.id).send(view=forged.view)
    pressed = await eve.click(shown_to_all, custom_id=f"np:list:history:{10**18}")
    (file,) = pressed.response.attachments
    assert "ord_" not in (await file.read()).decode("utf-8-sig")
    assert "Connect your NotPanel key first" in shown(await eve.slash(channel, "history"))


async def test_in_a_dm_plain_text_does_the_same(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    for text, answer in (
        ("history", "4 orders · last 30 days"),
        ("History cancelled 90", "1 order · last 90 days · only cancelled"),
        ("history refunded 90", "1 order · last 90 days · only cancelled"),
        ("history partly delivered", "1 order · last 30 days · only partly delivered"),
        ("history 9999", "4 orders · last 365 days"),
    ):
        await ann.send_dm(text)
        assert answer in messages(ann)[-1]


async def test_a_card_with_room_for_all_has_no_button(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    assert buttons_of(await ann.slash("history")) == []


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "query", ["tally_of_history", "history_by_request", "money_of_history", "count_ended_again", "page_of_history"]
)
async def test_it_searches_the_index_and_nobody_elses_orders(here: World, query: str) -> None:
    values = {"account_id": 1, "since": 0, "outcome": None, "state": "cancelled", "after": 7, "most": 9}
    with closing(sqlite3.connect(here.folder / "ledger.sqlite3")) as ledger, ledger:
        found = ledger.execute(f"EXPLAIN QUERY PLAN {getattr(SQLITE_QUERIES, query).sql}", values)
        plan = [step for *_, step in found]
    assert not [step for step in plan if step.startswith("SCAN") and step != "SCAN e"]  # what was found of each request
    assert [step for step in plan if "cancellations_history (account_id=? AND ended_at>" in step]
    assert query != "page_of_history" or not [step for step in plan if "TEMP B-TREE" in step]
