"""One living message for each request: edited in silence, answered for bad news and for the end, ever more rarely."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from discord.http import HTTPClient

from bot.delivery.calls import HELD
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from tests.benchmarks.messages import ORDERS, measure
from tests.invariants import breaches
from tests.world import World, messages

RUNNING = OrderStatus.IN_PROGRESS
MINUTE = 60
NO_LONGER = "No longer updating: see `/queued`."

pytestmark = pytest.mark.usefixtures("env")


async def cancel(here: World, user: Any, ends: dict[str, tuple[float, str]]) -> Any:
    """Have orders queued at the provider, each of which ends after so many seconds, in such a way."""
    for order, (seconds, status) in ends.items():
        here.order(order, RUNNING, upstream=Upstream(timedelta(seconds=seconds), ends_as=status))
    card = await user.slash("cancel", orders=" ".join(ends))
    await here.settle()
    return card


async def test_what_ends_later_is_edited_into_the_one_message(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (300, "canceled"), "ord_C": (7200, "canceled")})
    await here.wait(100)
    (first,) = messages(ann)
    assert "ord_A" in first
    assert "ord_B" not in first
    await here.wait(300)
    (edited,) = messages(ann)
    assert "ord_A" in edited
    assert "ord_B" in edited
    assert here.sql("SELECT COUNT(*) FROM cancellations WHERE notified_at IS NOT NULL") == [(2,)]


async def test_the_end_is_answered_at_once_and_nothing_else_where_all_went_well(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (1200, "canceled")})
    await here.wait(1300, step=5)
    living, end = messages(ann)
    assert "ord_B" in living
    assert living.startswith("### 2 cancelled\n-# All 2 orders are settled")
    assert end.startswith("### All 2 orders are settled\n2 cancelled")  # the phone shows what is new
    assert "ord_" not in end
    await here.wait(86_400, step=600)
    assert len(messages(ann)) == 2


async def test_where_the_first_message_holds_the_end_no_reply_follows(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (60, "completed"), "ord_B": (62, "canceled")})
    await here.wait(86_400, step=600)
    assert len(messages(ann)) == 1


async def test_bad_news_is_edited_in_soon_and_pushed_within_a_quarter_of_an_hour(here: World, ann: Any) -> None:
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (600, "completed"), "ord_C": (36_000, "canceled")})
    await here.wait(720, step=5)
    (living,) = messages(ann)
    assert "ord_B" in living
    await here.wait(15 * MINUTE, step=5)
    _, reply = messages(ann)
    assert reply.startswith("### 1 delivered\n-# 1 cancelled · 1 waiting")
    assert "ord_" not in reply
    sent = [
        request.json["message_reference"]
        for request in here.env.http_requests
        if "message_reference" in (request.json or {})
    ]
    assert [reference["message_id"] for reference in sent] == [ann.dm_channel.history()[0].id]


async def test_where_discord_takes_no_more_edits_of_an_old_message_a_new_one_goes_on(here: World, ann: Any) -> None:
    ends = {"ord_A": (60, "canceled"), "ord_B": (8_000, "canceled"), "ord_C": (8_100, "completed")}
    await cancel(here, ann, {**ends, "ord_D": (36_000, "canceled")})
    await here.wait(7_200, step=30)
    (living,) = ann.dm_channel.history()
    here.env.inject_error("PATCH", f"/channels/*/messages/{living.id}", status=400, code=30046, times=None)
    await here.wait(3_600, step=30)
    first, second, *_ = messages(ann)
    assert {order for order in ends if f"`{order}`" in first} == {"ord_A"}
    assert {order for order in ends if f"`{order}`" in second} == {"ord_B", "ord_C"}
    here.env.backend.faults.clear()
    await here.wait(28_800, step=120)
    told = "".join(messages(ann))
    assert [told.count(f"`{order}`") for order in (*ends, "ord_D")] == [1] * 4
    assert len(messages(ann)) <= 4
    assert "All 4 orders are settled" in messages(ann)[-1]
    assert "A newer message goes on with this." in messages(ann)[0]
    assert breaches(here.sql) == {}


async def test_a_newer_message_is_named_once_it_is_sent(here: World, ann: Any) -> None:
    ends = {"ord_A": (60, "canceled"), "ord_B": (8_000, "canceled"), "ord_C": (8_100, "completed")}
    await cancel(here, ann, {**ends, "ord_D": (36_000, "canceled")})
    await here.wait(7_200, step=30)
    here.env.inject_error("POST", "/channels/*/messages", status=502, times=None)
    await here.wait(3_600, step=30)
    (alone,) = messages(ann)
    assert here.sql("SELECT COUNT(*) FROM notices WHERE state = 'sending' AND reply_to IS NULL") == [(1,)]
    assert "newer message" not in alone
    assert NO_LONGER not in alone
    here.env.backend.faults.clear()
    await here.wait(3_600, step=30)
    first, second = messages(ann)
    assert "A newer message goes on with this." in first
    assert "newer message" not in second


async def test_where_the_newer_message_is_refused_the_old_one_says_that_it_is_left(here: World, ann: Any) -> None:
    ends = {"ord_A": (60, "canceled"), "ord_B": (8_000, "canceled"), "ord_C": (8_100, "completed")}
    await cancel(here, ann, {**ends, "ord_D": (36_000, "canceled")})
    await here.wait(7_200, step=30)
    here.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=1)
    await here.wait(3_600, step=30)
    (alone,) = messages(ann)
    assert NO_LONGER in alone
    assert "newer message" not in alone


async def test_a_message_that_took_no_edits_says_so_once_a_newer_one_is_sent(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in ("bot.delivery.living_messages", "bot.ledger.notice_rows"):
        monkeypatch.setattr(f"{where}.MOST_EDIT_FAILURES", 3)
    ends = {"ord_A": (60, "canceled"), "ord_B": (600, "canceled"), "ord_C": (1_800, "canceled")}
    await cancel(here, ann, {**ends, "ord_D": (36_000, "canceled")})
    await here.wait(300, step=5)
    (living,) = ann.dm_channel.history()
    here.env.inject_error("PATCH", f"/channels/*/messages/{living.id}", status=400, code=50035, times=3)
    await here.wait(3_600, step=15)
    first, *newer = messages(ann)
    assert "A newer message goes on with this." in first
    assert {order for order in ends if f"`{order}`" in first} == {"ord_A"}
    assert {order for order in ends if f"`{order}`" in "".join(newer)} == {"ord_B", "ord_C"}
    assert breaches(here.sql) == {}


async def test_an_edit_that_may_arrive_late_is_waited_for(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {"ord_A": (60, "canceled"), "ord_B": (300, "canceled"), "ord_C": (310, "canceled")}
    await cancel(here, ann, {**ends, "ord_D": (72_000, "canceled")})
    await here.wait(200, step=5)
    send, edits = HTTPClient.edit_message, list[Callable[[], Awaitable[Any]]]()

    async def lose_first(http: HTTPClient, *which: Any, params: Any) -> Any:
        edits.append(lambda: send(http, *which, params=params))
        if len(edits) == 1:
            raise TimeoutError
        return await edits[-1]()

    monkeypatch.setattr(HTTPClient, "edit_message", lose_first)
    while not edits:
        await here.wait(5)
    await here.wait(50, step=5)
    assert len(edits) == 1  # a newer one would be undone by this:
    await edits[0]()
    await here.wait(900, step=5)
    assert all(f"`{order}`" in messages(ann)[0] for order in ends)


async def test_a_message_that_two_processes_were_editing_is_edited_once_more(here: World, ann: Any) -> None:
    """`one` has begun before the other, and hears of it last: whose edit Discord took last nobody knows."""
    await cancel(here, ann, {"ord_A": (60, "canceled"), "ord_B": (72_000, "canceled")})
    await here.wait(200, step=5)
    (notice_id,) = here.sql("SELECT id FROM notices WHERE message_id IS NOT NULL")[0]
    for failed in (False, True):
        here.sql("UPDATE notices SET edit_at = 0 WHERE id = ?", notice_id)
        begun: list[Any] = []
        for _ in ("one", "other"):
            notice = await here.app.ledger.read.notice(notice_id)
            assert notice
            async with here.app.ledger.write() as tx:
                begun.append(await tx.begin_edit(notice, HELD))
            here.skip(HELD.total_seconds() + 1)
        one, other = begun
        async with here.app.ledger.write() as tx:
            await tx.edited(other)
        assert here.sql("SELECT edit_at FROM notices WHERE id = ?", notice_id) == [(None,)]
        async with here.app.ledger.write() as tx:
            await (tx.edit_failed(one, HELD, may_have_acted=True) if failed else tx.edited(one))
        (due_at,) = here.sql("SELECT edit_at FROM notices WHERE id = ?", notice_id)[0]
        assert due_at is not None
        await here.wait(120, step=5)
        assert here.sql("SELECT edit_at FROM notices WHERE id = ?", notice_id) == [(None,)]


SPANS = {"an hour": (timedelta(hours=1), 5, 4), "a day": (timedelta(hours=24), 30, 12)}


@pytest.mark.sqlite
@pytest.mark.settings(confirm_above=ORDERS)
@pytest.mark.parametrize("bad_every", [0, 1, 10])
@pytest.mark.parametrize(("span", "step", "most"), SPANS.values(), ids=SPANS)
async def test_few_messages_each_in_time(
    here: World, ann: Any, span: timedelta, step: float, most: int, bad_every: int
) -> None:
    found = await measure(here, ann, span, bad_every, step)
    one_look = timedelta(seconds=step)
    assert found.messages <= most
    assert found.first <= timedelta(seconds=10) + one_look
    assert found.bad_shown <= timedelta(minutes=15)
    assert found.bad_pushed <= timedelta(minutes=15) + one_look
    assert found.end <= one_look
    assert (found.lost, found.doubled) == (0, 0)
