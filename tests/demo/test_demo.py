"""The demo, started as a newcomer starts it and played through in a real browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Request

from tests.story import CHROMIUM, answer, browser_page, cancel, command, connect, expect, running_demo

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")

FUTURE = re.compile(r"\bin \d+ (second|minute)")
"""What nothing here may say: nothing in this story is announced for later."""


def test_the_story_of_the_demo() -> None:
    with running_demo() as demo, browser_page(demo.url) as page:
        command(page, "/balance")
        expect(page.locator("#channel-message-list article")).to_have_count(2)
        expect(page.locator("#inspector-count")).to_be_hidden()  # an answer to a mistake is no failure
        connect(page, demo.key)
        card = cancel(page, demo.orders)
        expect(card).to_contain_text("1 cancelled · 2 waiting · 1 not possible · 1 delivered")
        expect(card).to_contain_text("Service does not support cancellation")
        expect(card).to_contain_text("2 cancelled · 1 not possible · 2 delivered")
        conversation = page.locator("#channel-message-list")
        expect(conversation).to_contain_text("0.32 USD refunded")
        expect(conversation).not_to_contain_text(FUTURE)
    assert demo.process.returncode == 0  # Ctrl-C is a clean end


def test_two_presses_connect_and_cancel_and_no_press_is_lost_while_messages_arrive() -> None:
    with running_demo() as demo, browser_page(demo.url) as page:
        results: list[Any] = []
        page.on("response", lambda response: _is_press(response.request) and results.append(response.json()))
        conversation = page.locator("#channel-message-list")
        connect_it = conversation.get_by_role("button", name="Connect the demo key")
        connect_it.click()
        expect(page.get_by_role("heading", name="Connected")).to_be_visible()
        conversation.get_by_role("button", name="Cancel 5 orders").click()
        card = answer(page, demo.orders[0])
        for _ in range(20):
            connect_it.click()
        expect(card).to_contain_text("2 cancelled")
        expect(page.locator("#action-status")).to_have_text("Callback completed")
        assert [result for result in results if result["rejected"] or result["settlement"] != "settled"] == []
        assert len(results) == 22


def _is_press(request: Request) -> bool:
    return request.url.endswith("/api/action") and request.post_data_json["kind"] == "click"


def test_the_server_channel_has_a_message_to_try_the_menu_on() -> None:
    with running_demo() as demo, browser_page(demo.server) as page:
        conversation = page.locator("#channel-message-list")
        conversation.get_by_role("button", name="Connect the second key").click()
        expect(conversation).to_contain_text("12.08 USD")
        conversation.get_by_role("button", name="Cancel orders in this message").click()
        expect(conversation.get_by_role("button", name=re.compile(r"^Cancel \d orders"))).to_be_visible()


def test_the_wide_stage_has_orders_to_see_and_a_past() -> None:
    with running_demo(stage="wide", locale="tr") as demo, browser_page(demo.url, width=390) as page:
        assert len(demo.orders) == 60
        conversation = page.locator("#channel-message-list")
        expect(conversation.locator("article").last).to_be_in_viewport()  # what to try stands below the past
        last_edit = conversation.get_by_text("Artık güncellenmiyor")  # noqa: RUF001  # Turkish
        expect(last_edit).to_have_count(5)  # on the card of each request
        conversation.get_by_role("button", name=re.compile("60")).click()
        expect(conversation.locator("article").last).to_contain_text(demo.orders[0])
    assert demo.process.returncode == 0
