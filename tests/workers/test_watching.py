"""The plan over all accounts: whoever has nothing open takes no looks from the others."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.domain.polling import WatchIntervals
from bot.panel import Answer
from bot.workers.poll_planner import PollPlanner
from tests.world import World

AGES = [timedelta(hours=1)]


def test_accounts_that_are_gone_no_longer_share_the_budget() -> None:
    plan = PollPlanner(WatchIntervals(timedelta(seconds=1), timedelta(hours=1)), 0.1, Random(1))
    for account in range(100):
        plan.pause(account, AGES, 1)
    crowded = plan.pause(0, AGES, 1)
    plan.keep({0})
    plan.plan()
    assert plan.pause(0, AGES, 1) < crowded / 10


@pytest.mark.usefixtures("env")
async def test_an_account_whose_key_was_removed_leaves_the_plan_within_a_minute(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS, upstream=Upstream(timedelta(days=1)))
    await ann.slash("cancel", orders="ord_A")
    await here.wait(30)
    assert here.app.scheduler._plan._groups == 1
    question = await ann.slash("key remove")
    await ann.click(question.response, label="Remove anyway")
    await here.wait(70)
    assert here.app.scheduler._plan._groups == 0


@pytest.mark.usefixtures("env")
async def test_status_words_invented_without_end_are_logged_a_hundred_times(
    here: World, ann: Any, caplog: pytest.LogCaptureFixture
) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS, upstream=Upstream(timedelta(days=1)))
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    for number in range(120):
        here.wire.spoilt["status", "ord_A"] = Answer(200, f'{{"ord_A": {{"status": "Invented {number}"}}}}')
        await here.wait(1_000, 1_000)
    told = [record for record in caplog.records if "a status word this release does not know" in record.message]
    assert len(told) == 100
