"""What the panel's headers say of its limits, and what no header can make the bot believe."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.panel_answers import Limits
from bot.panel.replies import read_layer, read_limits, read_reset

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_limits() -> None:
    headers = {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "99",
        "X-RateLimit-Reset": str(int(NOW.timestamp()) + 30),
        "X-RateLimit-Tier-Remaining": "1000",
    }
    assert read_limits(headers, NOW) == Limits(100, 99, NOW + timedelta(seconds=30), 1000)
    assert read_limits(dict.fromkeys(headers, "x"), NOW) == Limits(None, None, None, None)


@pytest.mark.parametrize(
    ("stamp", "pause", "seconds"),
    [
        ("1767225630", "", 30),
        ("1767225630", "45", 30),
        ("1767225590", "", -10),
        ("", "45", 45),
        ("60", "45", 45),
        ("1767225630000", "45", 45),
        ("", "Thu, 01 Jan 2026 00:01:00 GMT", 60),
        ("", "Thu, 01 Jan 2026 00:01:00 -0000", 60),
        ("soon", "soon", None),
        ("-5", "-5", None),
        ("٣", "٣", None),
        ("9" * 5000, "9" * 5000, None),
        ("", "99999999", None),
        ("", "Thu, 01 Jan 9999 00:00:00 GMT", None),
        ("", "Thu, 99 Foo 2026 99:99:99 +999999999999", None),
    ],
)
def test_when_a_limit_ends(stamp: str, pause: str, seconds: int | None) -> None:
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert read_reset({"X-RateLimit-Reset": stamp, "Retry-After": pause}, NOW) == expected


@given(st.text())
def test_no_header_breaks_anything(text: str) -> None:
    headers = dict.fromkeys(("X-RateLimit-Reset", "X-RateLimit-Limit", "X-RateLimit-DeniedBy"), text)
    read_limits(headers, NOW)
    read_limits({"Retry-After": text}, NOW)
    assert read_layer(headers) in ("ip", "key", "tier", None)
