"""One API key under two Discord users, as in a team: one cancel call, one count of calls, and both are told truly."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from bot.demo.panel import OrderStatus, Upstream
from tests.world import KEY, Fault, Late, World, lost, messages, shown

RUNNING = OrderStatus.IN_PROGRESS
UNHEARD = lost(httpx.ReadTimeout("no answer"))

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
async def bob(here: World, ann: Any) -> Any:
    """Return a user who has connected Ann's key as well."""
    user = here.env.create_user("bob")
    here.skip(0.001)  # no two calls are made at the same moment
    await here.connect(user, KEY)
    return user


async def both_cancel(here: World, ann: Any, bob: Any, order: str) -> tuple[Any, Any]:
    """Let one user cancel an order, and another while that is under way; return their cards."""
    first = await ann.slash("cancel", orders=order)
    await here.settle()
    second = await bob.slash("cancel", orders=order)
    await here.settle()
    return first, second


@pytest.mark.parametrize("ends_as", ["canceled", "completed"])
async def test_an_order_in_flight_is_cancelled_once_and_both_hear_how_it_ends(
    here: World, ann: Any, bob: Any, ends_as: str
) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(after=timedelta(hours=5), ends_as=ends_as))
    cards = await both_cancel(here, ann, bob, "ord_A")
    assert here.panel.cancel_requests["ord_A"] == 1
    assert ["Waiting at the provider" in shown(card) for card in cards] == [True, True]
    await here.wait(24 * 3600, step=120)
    assert here.panel.cancel_requests["ord_A"] == 1
    for user in (ann, bob):
        told = "".join(messages(user))
        assert ("✅ Cancelled" in told) == (ends_as == "canceled")
        assert ("delivered" in told.lower()) == (ends_as == "completed")


@pytest.mark.parametrize("fault", [UNHEARD, Late(5, httpx.ReadTimeout("no answer"))], ids=["acted", "late"])
async def test_while_nobody_knows_what_became_of_the_call_neither_is_told_more(
    here: World, ann: Any, bob: Any, fault: Fault
) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(after=timedelta(hours=5)))
    here.wire.faults = [fault]
    cards = [await user.slash("cancel", orders="ord_A") for user in (ann, bob)]
    await here.app.scheduler.step()
    await here.deliver()
    assert "cancelled" not in "".join(shown(card) for card in cards)
    await here.wait(24 * 3600, step=60)
    assert [(state,) for state in ("cancelled",) * 2] == here.sql("SELECT state FROM cancellations")
    assert here.panel.cancel_requests["ord_A"] <= 2  # one, and one more after two minutes by whoever asked first


async def test_what_another_may_have_sent_is_looked_at_first_by_whoever_asked_before_them(
    here: World, ann: Any, bob: Any
) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(after=timedelta(minutes=1)))
    here.wire.faults = [httpx.ConnectError("refused"), UNHEARD]  # Ann's call never left; Bob's arrived
    for user in (ann, bob):
        await user.slash("cancel", orders="ord_A")
        await here.app.scheduler.step()
    assert sorted(state for (state,) in here.sql("SELECT state FROM cancellations")) == ["requested", "unknown"]
    await here.wait(24 * 3600, step=5)
    assert [(state,) for state in ("cancelled",) * 2] == here.sql("SELECT state FROM cancellations")
    assert here.panel.cancel_requests["ord_A"] == 1


@pytest.mark.parametrize("removed", ["ann", "bob"])
async def test_whoever_stays_is_told_when_the_other_has_gone(here: World, ann: Any, bob: Any, removed: str) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(after=timedelta(hours=5)))
    await both_cancel(here, ann, bob, "ord_A")
    gone, stays = (ann, bob) if removed == "ann" else (bob, ann)
    (user_id,) = {id for (id,) in here.sql("SELECT user_id FROM accounts") if id == gone.id}
    await here.app.services.accounts.remove(user_id)
    await here.wait(24 * 3600, step=120)
    assert "Cancelled: `ord_A`" in "".join(messages(stays))
    assert here.panel.cancel_requests["ord_A"] == 1


@pytest.mark.settings(panel_key_limit=25)
async def test_their_calls_are_counted_together(here: World, ann: Any, bob: Any) -> None:
    here.panel.key_limit = 25
    for user in (ann, bob):
        for _ in range(18):
            await user.slash("status", orders="ord_A")
    assert here.wire.statuses[429] == 0
    assert len(here.panel.calls) == 25


async def test_a_team_whose_one_key_is_revoked_is_no_broken_panel(here: World, ann: Any, bob: Any) -> None:
    cem = here.env.create_user("cem")
    await here.connect(cem, KEY)
    for number, user in enumerate((ann, bob, cem)):
        here.order(f"ord_{number}", RUNNING)
        await user.slash("cancel", orders=f"ord_{number}")
    await here.settle()
    here.panel.revoke_key(KEY)
    await here.wait(3600, step=30)
    assert {state for (state,) in here.sql("SELECT state FROM accounts")} == {"rejected"}


async def test_another_key_is_nobody_elses(here: World, ann: Any) -> None:
    bob = here.env.create_user("bob")
    here.panel.add_key(f"{KEY}-bob")
    await here.connect(bob, f"{KEY}-bob")
    fingerprints = [one for (one,) in here.sql("SELECT key_fingerprint FROM accounts")]
    assert len(set(fingerprints)) == len(fingerprints) == 2
    assert not any(KEY.encode() in bytes(one) for one in fingerprints)


async def test_the_same_key_entered_once_more_is_the_same_key(here: World, ann: Any, bob: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(after=timedelta(hours=5)))
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    await here.connect(ann, KEY)
    await bob.slash("cancel", orders="ord_A")
    await here.settle()
    assert here.panel.cancel_requests["ord_A"] == 1


async def test_a_cancel_does_not_wait_for_one_whose_key_is_out_of_use(here: World, ann: Any, bob: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(after=timedelta(hours=5)))
    here.wire.faults = [Late(10**9, httpx.ReadTimeout("no answer"))]
    await ann.slash("cancel", orders="ord_A")
    await here.app.scheduler.step()
    here.panel.revoke_key(KEY)
    await here.wait(300, step=5)
    here.panel.add_key(KEY)
    await here.connect(bob, KEY)  # Ann does not
    await bob.slash("cancel", orders="ord_A")
    await here.wait(24 * 3600, step=60)
    assert here.panel.cancel_requests["ord_A"] == 1
    assert "Cancelled: `ord_A`" in "".join(messages(bob))


async def test_one_more_try_does_not_wait_for_one_that_has_none_left(here: World, ann: Any, bob: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(after=timedelta(hours=50)))
    here.wire.broken = "cancel"
    for user in (ann, bob):
        await user.slash("cancel", orders="ord_A")
        await here.wait(24 * 3600, step=60)
    here.wire.broken = None
    assert here.sql("SELECT state, ambiguous_attempts FROM cancellations") == [("unknown", 5)] * 2
    await bob.slash("cancel", orders="ord_A")
    await here.wait(3600, step=20)
    assert here.panel.cancel_requests["ord_A"] == 1


@pytest.mark.settings(confirm_above=0)
async def test_seen_pending_beside_the_call_of_another_proves_no_refund(here: World, ann: Any, bob: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(after=timedelta(minutes=2), refunds=Decimal(0)))
    first = await ann.slash("cancel", orders="ord_A")
    await ann.click(first.response, label="Cancel 1 order")
    await here.settle()
    here.panel.orders["ord_A"].status = "Pending"  # as it waits for its provider
    second = await bob.slash("cancel", orders="ord_A")
    await here.wait(5)
    assert "1 pending" in shown(second)
    here.skip(150)  # it is cancelled, and nobody has looked
    await bob.click(second.response, label="Cancel 1 order")
    await here.wait(240)
    assert here.sql("SELECT state, refund FROM cancellations") == [("cancelled", None)] * 2
