"""What counts as a hang, for which the process is ended: work that does not go on though nothing explains it."""

import time

import pytest

from bot.ledger import LedgerUnreachable
from tests.world import World

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
def later(here: World, monkeypatch: pytest.MonkeyPatch) -> float:
    """Sixteen minutes later; in these all loops have turned but that of the cards."""
    now = time.monotonic() + 960
    cards = here.app.services.card_updater.bell
    for bell in here.app.services.health._loops.values():
        if bell is not cards:
            bell.turned_at = now
    for module in ("bot.ops.health", "bot.workers.tasks", "bot.ledger.availability"):
        monkeypatch.setattr(f"{module}.monotonic", lambda: now)
    return now


@pytest.mark.usefixtures("later")
async def test_a_loop_that_does_not_go_on_hangs(here: World) -> None:
    assert here.app.services.health.hanging() == ["cards loop"]


@pytest.mark.usefixtures("later")
async def test_a_loop_that_breaks_off_and_begins_again_does_not(here: World) -> None:
    here.app.services.card_updater.bell.reset()
    health = here.app.services.health
    assert health.hanging() == []
    assert health.silent_loops()["cards"] > 900  # it is seen, and told


@pytest.mark.usefixtures("later")
async def test_nothing_hangs_while_the_ledger_is_away_nor_soon_after(here: World) -> None:
    availability = here.app.ledger.availability
    availability.failed(LedgerUnreachable())
    assert here.app.services.health.hanging() == []
    assert availability.proven()
    assert here.app.services.health.hanging() == []
