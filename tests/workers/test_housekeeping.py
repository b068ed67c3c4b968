"""The ledger does not grow without end: what is old goes, a little at a time, and nothing else."""

from typing import Any

import pytest

from bot.domain.order_status import OrderStatus
from bot.ledger import pruner
from bot.workers import housekeeping
from tests.cogs.test_forget import BOBS_KEY, rows
from tests.world import KEY, World, messages, shown

DAY = 86_400
RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture(autouse=True)
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have little be deleted at once, and nobody wait."""
    monkeypatch.setattr(pruner, "PIECE", 2)
    monkeypatch.setattr(housekeeping, "_BETWEEN_PIECES", 0)


async def cancelled(here: World, user: Any, *orders: str) -> None:
    """Have orders cancelled, all told."""
    for order in orders:
        here.order(order)
    await user.slash("cancel", orders=" ".join(orders))
    await here.settle()


async def told_by_message(here: World, user: Any, order: str) -> None:
    """Have an order cancelled later, so that a message tells of it."""
    here.order(order, RUNNING)
    await user.slash("cancel", orders=order)
    await here.wait(90, step=5)
    assert order in messages(user)[-1]


def orders(here: World) -> list[str]:
    """Return the orders that are on record."""
    return sorted(order for (order,) in here.sql("SELECT order_id FROM cancellations"))


async def test_what_ended_long_ago_goes_with_all_that_hangs_on_it(here: World, ann: Any) -> None:
    await cancelled(here, ann, *(f"ord_A{number}" for number in range(5)))
    await told_by_message(here, ann, "ord_B")
    here.skip(399 * DAY)
    await here.app.housekeeping.step()
    assert len(orders(here)) == 6
    await cancelled(here, ann, "ord_C")
    here.skip(2 * DAY)
    await here.app.housekeeping.step()
    assert orders(here) == ["ord_C"]
    left = rows(here)
    assert {name: left[name] for name in ("requests", "request_orders", "notices", "notice_items")} == {
        "requests": 1,
        "request_orders": 1,
        "notices": 0,
        "notice_items": 0,
    }
    assert "1 order · " in shown(await ann.slash("history", days=30))


async def test_what_is_open_stays_however_old_the_rest(here: World, ann: Any) -> None:
    await cancelled(here, ann, "ord_A")
    here.skip(401 * DAY)
    here.order("ord_Q", RUNNING)
    await ann.slash("cancel", orders="ord_Q")
    await here.app.scheduler.step()
    await here.app.housekeeping.step()
    assert orders(here) == ["ord_Q"]
    assert "ord_Q" in shown(await ann.slash("queued"))


async def test_steps_go_after_a_week_and_outcomes_stay(here: World, ann: Any) -> None:
    await cancelled(here, ann, "ord_A", "ord_B")
    assert len(here.sql("SELECT * FROM transitions")) > 4
    here.skip(8 * DAY)
    await cancelled(here, ann, "ord_C")
    later = len(here.sql("SELECT * FROM transitions"))
    await here.app.housekeeping.step()
    assert 0 < len(here.sql("SELECT * FROM transitions")) < later
    assert orders(here) == ["ord_A", "ord_B", "ord_C"]


async def test_of_one_user_only_so_many_are_kept_under_all_their_keys(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MOST_ENDED", 3)
    bob = here.env.create_user("bob")
    here.panel.add_key(BOBS_KEY)
    await here.connect(bob, BOBS_KEY)
    here.order("ord_BOB", key=BOBS_KEY)
    await bob.slash("cancel", orders="ord_BOB")
    here.panel.add_key(f"{KEY}-second")
    await here.connect(ann, f"{KEY}-second", name="second")
    for number in range(6):
        key = f"{KEY}-second" if number % 2 else KEY
        here.order(f"ord_A{number}", key=key)
        await ann.slash("cancel", orders=f"ord_A{number}", key="second" if number % 2 else "main")
        await here.settle()
        here.skip(60)
    await here.app.housekeeping.step()
    assert orders(here) == ["ord_A3", "ord_A4", "ord_A5", "ord_BOB"]
    assert rows(here)["requests"] == 4  # of what is gone nothing is left to fill the ledger


@pytest.mark.settings(keep_days=31)
async def test_history_says_since_when_it_is_whole(here: World, ann: Any) -> None:
    await cancelled(here, ann, "ord_A")
    (ended,) = here.sql("SELECT ended_at FROM cancellations")
    here.skip(20 * DAY)
    await cancelled(here, ann, "ord_B")
    assert "may be missing" not in shown(await ann.slash("history", days=365))
    here.skip(12 * DAY)
    await here.app.housekeeping.step()
    assert f"orders that ended before <t:{ended[0] // 1000}:f> may be missing" in shown(
        await ann.slash("history", days=365)
    )
    assert "may be missing" in shown(await ann.slash("history", days=90, outcome="failed"))
    assert "may be missing" not in shown(await ann.slash("history"))


async def test_what_is_one_too_many_is_missed_in_the_history_of_its_user_alone(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MOST_ENDED", 2)
    bob = here.env.create_user("bob")
    here.panel.add_key(BOBS_KEY)
    await here.connect(bob, BOBS_KEY)
    here.order("ord_BOB", key=BOBS_KEY)
    await bob.slash("cancel", orders="ord_BOB")
    for number in range(3):
        await cancelled(here, ann, f"ord_A{number}")
        here.skip(60)
    await here.app.housekeeping.step()
    assert "2 orders · " in shown(await ann.slash("history"))
    assert "may be missing" in shown(await ann.slash("history"))
    assert "may be missing" not in shown(await bob.slash("history"))


async def test_asking_again_and_again_for_what_has_ended_fills_nothing(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MOST_REQUESTS", 3)
    await cancelled(here, ann, "ord_A")
    for _ in range(6):
        await cancelled(here, ann, "ord_A")
        here.skip(60)
    await here.app.housekeeping.step()
    assert orders(here) == ["ord_A"]
    assert rows(here)["requests"] == 4  # the three last, and the one whose order it is
    assert len(here.sql("SELECT * FROM request_orders")) == 4


async def test_nothing_is_deleted_by_a_minute_that_has_enough_to_do(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_PIECES", 3)
    await cancelled(here, ann, *(f"ord_A{number}" for number in range(8)))
    here.skip(401 * DAY)
    left = [len(here.sql("SELECT * FROM transitions"))]
    for _ in range(40):
        await here.app.housekeeping.step()
        left.append(sum(rows(here)[name] for name in ("transitions", "cancellations", "requests")))
    assert left[1] > 0
    assert left[-1] == 0
    assert here.sql("SELECT COUNT(*) FROM accounts") == [(1,)]


@pytest.mark.settings(confirm_above=10_000)
async def test_a_long_list_that_is_stopped_leaves_a_number(here: World, ann: Any) -> None:
    named = [f"ord_S{number}" for number in range(2_500)]
    asked = await ann.slash("cancel", file=("orders.txt", "\n".join(named).encode()))
    before = len(here.sql("SELECT * FROM request_orders"))
    assert before == 2_500
    await ann.click(asked.response, label="Stop sending")
    await here.settle()
    assert len(here.sql("SELECT * FROM request_orders")) < 1_000
    assert "not sent" in shown(asked)
    assert "2,500" in shown(asked)
    sent = len({order for call in here.cancel_calls() for order in call})
    assert here.sql("SELECT stopped FROM requests") == [(2_500 - sent,)]


@pytest.mark.sqlite
async def test_free_room_is_given_back_a_little_each_minute(here: World) -> None:
    here.sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) "
        "INSERT INTO facts SELECT 'n' || i, printf('%.4000c', 'x') FROM n"
    )
    here.sql("DELETE FROM facts WHERE name LIKE 'n%'")
    sizes = here.sql("PRAGMA page_count")
    for _ in range(2):
        await here.app.housekeeping.step()
        sizes += here.sql("PRAGMA page_count")
    (before,), (after_one,), (after_two,) = sizes
    assert before - after_one == after_one - after_two == 256
