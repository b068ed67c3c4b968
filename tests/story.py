"""Plays the demo in a headless Chromium the way a person would."""

import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, TimeoutError, expect, sync_playwright

from bot.cards.language import _

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 30_000  # ms; a page that is ready goes on at once

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@dataclass(frozen=True)
class Demo:
    """A demo that is running: the addresses of its pages, the key to paste, and the orders to cancel."""

    process: subprocess.Popen[str]
    url: str
    server: str
    key: str
    orders: tuple[str, ...]


@contextmanager
def running_demo(seconds: float = 60, locale: str = "en-US", stage: str = "plain") -> Generator[Demo]:
    """Start the demo as a user does, and end it with Ctrl-C."""
    arguments = [sys.executable, "-m", "bot", "demo", "--no-browser", "--locale", locale, "--stage", stage]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        text = _read_until(process, "Ctrl-C ends it.", seconds)
        key = re.search(r"Demo key:\n  (\S+)", text)
        urls = re.findall(r"http://127\S+", text)
        assert key, text
        assert len(urls) == 2, text
        yield Demo(process, *urls, key[1], tuple(re.findall(r"ord_\w+", text)))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def _read_until(process: subprocess.Popen[str], mark: str, seconds: float) -> str:
    assert process.stdout
    too_late = threading.Timer(seconds, process.kill)
    too_late.start()
    text = ""
    for line in process.stdout:
        text += line
        if mark in line:
            too_late.cancel()
            return text
    raise AssertionError(f"the demo did not start within {seconds} s; it said:\n{text}")


@contextmanager
def browser_page(url: str, width: int = 1000) -> Generator[Page]:
    """Open an address in a headless Chromium of the system."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": width, "height": 1000}, device_scale_factor=2)
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.goto(url)
        expect(page.locator("article.channel-message").last).to_be_visible()
        try:
            yield page
        finally:
            browser.close()


def connect(page: Page, key: str) -> None:
    """Type /key set, paste the key into the form, send it."""
    _fill_form(page, "/key set", key)
    expect(page.get_by_role("heading", name=_("Connected"))).to_be_visible()


def cancel(page: Page, orders: tuple[str, ...]) -> Locator:
    """Type /cancel, paste the orders behind it, send them; return the card."""
    _pick(page, "/cancel")
    page.keyboard.press("Enter")  # takes the first option offered
    option = page.get_by_role("combobox", name="orders")
    option.fill(" ".join(orders))
    option.press("Enter")
    return answer(page, orders[0])


def command(page: Page, name: str) -> None:
    """Give a command, with none of its options."""
    _pick(page, name)
    page.keyboard.press("Enter")  # takes the option offered, which may stay empty
    page.keyboard.press("Enter")


def answer(page: Page, order: str) -> Locator:
    """Return the bot's first message that names an order, after the demo's own."""
    named = page.locator("article.channel-message").filter(has_text=order)
    message_id = named.nth(1).get_attribute("data-message-id")
    return page.locator(f"article[data-message-id='{message_id}']")


def _fill_form(page: Page, command: str, text: str) -> None:
    form = page.locator("#modal-root")
    field = form.locator("textarea, input").first
    try:
        _open_form(page, command, field)
    except TimeoutError:  # SimCord's page has lost the command at one of its refreshes, as it may do to a person
        page.reload()
        _open_form(page, command, field)
    field.fill(text)
    form.get_by_role("button", name="Submit").click()
    expect(form).to_be_hidden()


def _open_form(page: Page, command: str, field: Locator) -> None:
    _pick(page, command)
    page.keyboard.press("Enter")  # takes the option offered, which may stay empty
    page.keyboard.press("Enter")
    field.wait_for(timeout=PATIENCE / 2)


def _pick(page: Page, command: str) -> None:
    page.locator("#channel-composer-input").click()
    page.keyboard.type(command)
    offered = page.get_by_role("listbox", name="Application commands")
    expect(offered).to_be_visible()
    page.keyboard.press("Enter")
    expect(offered).to_be_hidden()
