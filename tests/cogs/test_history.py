"""/history: how orders ended, by outcome and days, for their user alone."""

import re
import sqlite3
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


async def test_it_counts_every_outcome_and_shows_the_orders_with_their_time(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    text = shown(await ann.slash("history"))
    assert "-# in the last 30 days" in text
    assert "1 cancelled · 1 partly delivered · 2 delivered" in text
    assert re.search(r"`ord_Apending` <t:\d+:f>", text)
    assert "650 not delivered" in text
    assert "ord_Aopen" not in text
    assert "1 order is still open" in text


async def test_the_newest_stand_first(here: World, ann: Any) -> None:
    for order in ("ord_old", "ord_middle", "ord_new"):
        here.order(order)
        await ann.slash("cancel", orders=order)
        await here.wait(60)
    text = shown(await ann.slash("history"))
    assert text.index("ord_new") < text.index("ord_middle") < text.index("ord_old")


async def test_one_outcome_and_some_days(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    here.skip(10 * DAY)
    await have_a_day(here, ann, "B")
    week = shown(await ann.slash("history", days=7))
    assert "ord_Bdone" in week
    assert "ord_A" not in week
    cancelled = shown(await ann.slash("history", outcome="cancelled"))
    assert "-# *cancelled* · in the last 30 days" in cancelled
    assert "ord_Adone" not in cancelled
    assert "ord_Apending" in cancelled
    assert "`ord_Bhalf`" in shown(await ann.slash("history", outcome="partial", days=1))


async def test_where_there_is_nothing_it_says_so_kindly(here: World, ann: Any) -> None:
    assert "Nothing ended · in the last 30 days" in shown(await ann.slash("history"))
    stranger = here.env.create_user("stranger")
    assert "Nothing ended · *failed* · in the last day" in shown(
        await stranger.slash("history", outcome="failed", days=1)
    )


async def test_it_stays_after_the_key_was_removed(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    removal = await ann.slash("key remove")
    await ann.click(removal.response, label="Remove anyway")
    text = shown(await ann.slash("history"))
    assert "1 cancelled · 1 partly delivered · 2 delivered · 1 no longer watched" in text
    assert "1 no longer watched" in text
    assert "`ord_Apending`" in text


async def test_the_whole_list_keeps_its_filter_over_a_restart(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    here.skip(9 * DAY)
    await begin(here, ann, names(700))
    await here.settle()
    card = await ann.slash("history", outcome="cancelled", days=7)
    assert "### 700 cancelled" in shown(card)
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
    assert "Nothing ended" in shown(await eve.slash(channel, "history"))


async def test_in_a_dm_plain_text_does_the_same(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    for text, answer in (
        ("history", "-# in the last 30 days"),
        ("History cancelled 90", "-# *cancelled* · in the last 90 days"),
        ("history refunded 90", "-# *cancelled* · in the last 90 days"),
        ("history partly delivered", "-# *partly delivered* · in the last 30 days"),
        ("history 9999", "-# in the last 365 days"),
    ):
        await ann.send_dm(text)
        assert answer in messages(ann)[-1]


async def test_a_card_with_room_for_all_has_no_button(here: World, ann: Any) -> None:
    await have_a_day(here, ann, "A")
    assert buttons_of(await ann.slash("history")) == []


@pytest.mark.sqlite
@pytest.mark.parametrize("query", ["tally_of_history", "first_of_history", "page_of_history"])
async def test_it_searches_the_index_and_nobody_elses_orders(here: World, query: str) -> None:
    values = {"account_id": 1, "since": 0, "outcome": None, "state": "cancelled", "after": 7, "most": 9}
    with sqlite3.connect(here.folder / "ledger.sqlite3") as ledger:
        found = ledger.execute(f"EXPLAIN QUERY PLAN {getattr(SQLITE_QUERIES, query).sql}", values)
        plan = [step for *_, step in found]
    assert not [step for step in plan if step.startswith("SCAN")]
    assert [step for step in plan if "cancellations_history (account_id=? AND ended_at>" in step]
    assert query == "tally_of_history" or not [step for step in plan if "TEMP B-TREE" in step]
