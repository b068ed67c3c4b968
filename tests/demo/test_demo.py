"""The demo, started as a newcomer starts it and played through in a real browser."""

import pytest

from tests.story import CHROMIUM, browser_page, cancel, connect, expect, message, running_demo

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)"
)


@needs_browser
def test_the_story_of_the_demo() -> None:
    with running_demo() as demo, browser_page(demo.url) as page:
        connect(page, demo.key)
        card = cancel(page, demo.orders)
        expect(card).to_contain_text("1 cancelled · 2 queued · 1 refused · 1 delivered")
        expect(card).to_contain_text("Service does not support cancellation")
        expect(message(page, "-# 1 order")).to_contain_text("Cancelled")
        expect(message(page, "-# 1 order")).to_contain_text("refunded 0.32 of 0.50 USD")
        expect(message(page, "-# 1 order")).to_contain_text("Delivered, not cancelled")
        expect(card).to_contain_text("2 cancelled · 1 refused · 2 delivered")
    assert demo.process.returncode == 0  # Ctrl-C is a clean end
