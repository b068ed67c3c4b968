"""What `make outages` shows, in short: a row each of what takes longest to come back from."""

import pytest

from tests.ledgers import no_server
from tests.postgres import programs
from tests.wire.away import KINDS
from tests.wire.outages import HEADS, Row, play, table

SHORT = [KINDS[name] for name in ("discord", "postgresql", "disk")]


async def test_ten_seconds_away_cost_nothing_and_are_seen() -> None:
    if programs() is None:
        no_server()
    rows = await play(SHORT, [10])
    assert [fault for row in rows for fault in row.faults()] == []
    discord, *ledgers = rows
    assert "gateway 0" in discord.metrics
    assert discord.health == "ok"
    for row in ledgers:
        assert row.asked == "refused"
        assert "writable 0" in row.metrics
        assert row.health.startswith("ledger ")


@pytest.mark.parametrize(
    ("column", "spoilt"),
    [
        ("lost", Row(KINDS["panel"], 10, call=1, message=1, told=1, well=1, lost=1)),
        ("doubled", Row(KINDS["panel"], 10, call=1, message=1, told=1, well=1, doubled=2)),
        ("first call", Row(KINDS["disk"], 10, call=10.1, message=11, told=12, well=1)),
        ("gateway", Row(KINDS["discord"], 90, call=1, gateway=60.1, message=61, told=62, well=1)),
        ("all told", Row(KINDS["panel"], 3600, call=1, message=1, told=None, well=1)),
    ],
)
def test_what_breaks_a_limit_is_marked_and_named(column: str, spoilt: Row) -> None:
    marked = [head for head, cell in zip(HEADS, spoilt.cells(), strict=True) if cell.endswith("!")]
    assert marked == [column]
    assert len(spoilt.faults()) == 1
    assert spoilt.cells()[HEADS.index(column)] in table([spoilt])
