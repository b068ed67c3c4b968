"""Hours that pass badly: Discord or the panel away for long, and a clock that jumps."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from tests.delivery.test_follow_up import queue
from tests.world import KEY, World, messages, shown

RUNNING = OrderStatus.IN_PROGRESS
HOUR = 3600

pytestmark = pytest.mark.usefixtures("env")


def sends(here: World) -> list[Any]:
    """Return every message sent with a nonce, which is what notices are."""
    return [r for r in here.env.http_requests if r.method == "POST" and "enforce_nonce" in (r.json or {})]


async def test_discord_away_for_hours_gets_all_of_it_in_order_and_without_a_burst(here: World) -> None:
    people = [here.env.create_user(f"user{n}") for n in range(30)]
    for n, person in enumerate(people):
        key = f"{KEY}-{n}"
        here.panel.add_key(key)
        here.skip(62 if n % 15 == 14 else 0)  # only so many new people a minute
        await here.connect(person, key)
        for hour in range(3):
            here.order(f"ord_{n}x{hour}", RUNNING, key=key, upstream=Upstream(timedelta(hours=hour, minutes=5)))
        await person.slash("cancel", orders=f"ord_{n}x0 ord_{n}x1 ord_{n}x2")
    await here.settle()
    here.env.inject_error("*", "/*", status=503, times=None)
    here.env.http_requests.clear()
    await here.wait(4 * HOUR, step=60)
    tries = Counter(request.json["nonce"] for request in sends(here)) if sends(here) else Counter(dict[str, int]())
    assert len(here.env.http_requests) < 4 * 60 * 5  # while it is away, a few tries a minute for all users together
    assert max(tries.values(), default=0) < 60

    here.env.backend.faults.clear()
    moments: list[int] = []
    for _ in range(600):
        before = sum(len(messages(person)) for person in people)
        await here.wait(1)
        moments.append(sum(len(messages(person)) for person in people) - before)
    assert max(moments) <= 5  # messages a second
    for n, person in enumerate(people):
        told = "".join(messages(person))
        assert all(told.count(f"`ord_{n}x{hour}`") == 1 for hour in range(3))
        assert told.index(f"ord_{n}x0") < told.index(f"ord_{n}x1") < told.index(f"ord_{n}x2")


async def test_the_panel_away_for_hours_loses_nothing_and_half_a_minute_once_it_is_back(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING)
    await ann.slash("cancel", orders="ord_B")
    await here.settle()
    here.wire.down = True
    calls = here.wire.refused
    await ann.slash("cancel", orders="ord_A")
    await here.wait(5 * HOUR, step=20)
    assert here.wire.refused - calls < 5 * 60 * 4  # a status check and a cancel wait
    here.wire.down = False
    await here.wait(30, step=5)
    assert here.panel.cancel_requests["ord_A"] == 1
    await here.wait(600)
    told = "".join(messages(ann))
    assert "`ord_A`" in told
    assert "`ord_B`" in told
    assert set(here.panel.cancel_requests.values()) == {1}


@pytest.mark.parametrize("jump", [-30 * 24 * HOUR, -HOUR, -90, 90, HOUR, 3 * 24 * HOUR])
async def test_a_clock_that_jumps_delays_and_loses_nothing(here: World, ann: Any, jump: int) -> None:
    card = await queue(here, ann, "ord_A")
    here.order("ord_B")
    here.clock.now += timedelta(seconds=jump)
    later = await ann.slash("cancel", orders="ord_B")
    await here.wait(30)
    assert "1 cancelled" in shown(later) + "".join(messages(ann))
    here.panel.orders["ord_A"].status = "canceled"
    await here.wait(120)
    assert "ord_A" in messages(ann)[-1]
    assert "Cancelled: `ord_A`" in messages(ann)[-1]
    assert "Queued" not in shown(card) or jump > HOUR / 4  # a card of long ago cannot be edited any more
    assert set(here.panel.cancel_requests.values()) == {1}


async def test_a_clock_set_back_does_not_open_the_panels_limits(here: World, ann: Any) -> None:
    budget = here.app.scheduler._budget
    while budget.blocked_until(ann.id) is None:
        budget.spend(ann.id)
    here.clock.now -= timedelta(hours=1)
    await here.app.scheduler.start_due()
    closed = budget.blocked_until(ann.id)
    assert closed is not None
    assert closed - here.clock() <= timedelta(seconds=62)


async def test_a_restart_after_the_clock_was_set_back_goes_on_at_once(here: World, ann: Any) -> None:
    await queue(here, ann, "ord_A")
    here.clock.now -= timedelta(days=30)
    await here.restart()
    here.panel.orders["ord_A"].status = "canceled"
    await here.wait(30)
    assert "Cancelled: `ord_A`" in messages(ann)[-1]
