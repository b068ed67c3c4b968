"""Presses in the demo while messages arrive: SimCord alone refuses those that meet a refresh."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.cards import actions
from bot.cards.layout import Tone, card
from bot.demo.presses import Presses
from tests.world import World

pytestmark = pytest.mark.usefixtures("env")


@dataclass
class Browser:
    """What SimCord's page does in a browser: it shows a state of the conversation, and acts on what it shows."""

    preview: Any
    presses: Presses
    page: Any
    seen: Any = field(init=False)

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Fetch the newest state."""
        self.seen = self.preview._page_payload(self.page)

    @property
    def newest(self) -> str:
        """The newest message that it shows."""
        return max(self.seen["messages"], key=int)

    async def press(self, custom_id: str) -> Any:
        """Press a button as it stands in the state last fetched."""
        (key,) = [
            f"message:{message_id}:component:{part['id']}"
            for message_id, message in self.seen["messages"].items()
            for root in message["components"]
            for row in root["components"]
            for part in row.get("components", ())
            if part.get("custom_id") == custom_id
        ]
        return await self.preview._action(
            self.page.id,
            {
                "kind": "click",
                "control_key": key,
                "target_id": key.split(":")[1],
                "protocol_version": 3,
                "sequence": self.page.last_sequence + 1,
                "request_id": f"request-{self.page.last_sequence + 1}",
                "generation": self.seen["context"]["generation"],
                "bot_generation": self.seen["botGeneration"],
                "published_revision": self.seen["publishedRevision"],
            },
        )


pressed = list[str]()


async def _demo_button() -> None:
    pressed.append("demo")


@pytest.fixture
async def browser(here: World, ann: Any) -> AsyncGenerator[Browser]:
    """Ann's direct messages on a page, with two buttons under the last."""
    pressed.clear()
    with here.env.time_context():
        await here.post(ann.dm_channel, actions.KEEP_KEY.button(), actions.KEEP_ALL.button())
        await here.post(ann.dm_channel, actions.Action("demo:one", label="One").button())
        preview = here.env.preview(ann.dm_channel, viewers=[ann], layout="channel")
        presses = Presses(here.env, lambda: None, {"demo:one": _demo_button})
        presses.guard(preview)
        await preview.__aenter__()
    yield Browser(preview, presses, preview._open_page())
    await preview.close()


async def test_a_press_from_before_a_refresh_is_answered(browser: Browser) -> None:
    browser.presses.refresh()
    result = await browser.press(actions.KEEP_ALL.custom_id())
    assert (result["rejected"], result["settlement"]) == (False, "settled")


async def test_simcord_alone_refuses_it(here: World, ann: Any) -> None:
    """Once it takes it, bot/demo/presses.py can go."""
    await here.post(ann.dm_channel, actions.KEEP_ALL.button())
    async with here.env.preview(ann.dm_channel, viewers=[ann], layout="channel") as preview:
        browser = Browser(preview, None, preview._open_page())
        await preview.refresh()
        assert (await browser.press(actions.KEEP_ALL.custom_id()))["rejected"]


async def _change(here: World, ann: Any, *buttons: Any) -> None:
    """Put other buttons under the message with the two."""
    (message,) = [m for m in ann.dm_channel.history() if actions.KEEP_ALL.custom_id() in str(m.components)]
    channel = here.app.client.get_partial_messageable(ann.dm_channel.id)
    await channel.get_partial_message(message.id).edit(view=card(Tone.PLAIN, ["changed"], buttons=buttons).view)


async def test_a_press_goes_to_the_button_that_was_seen_though_the_card_has_changed(
    here: World, ann: Any, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _change(here, ann, actions.KEEP_ALL.button(), actions.KEEP_KEY.button())
    browser.presses.refresh()
    heard, emit = list[str](), here.env.backend.emit

    def listen(event: str, payload: Any, *more: Any, **named: Any) -> Any:
        heard.append(payload.get("data", {}).get("custom_id"))
        return emit(event, payload, *more, **named)

    monkeypatch.setattr(here.env.backend, "emit", listen)
    result = await browser.press(actions.KEEP_KEY.custom_id())
    assert not result["rejected"]
    assert heard[0] == actions.KEEP_KEY.custom_id()


async def test_a_press_on_a_button_that_is_gone_presses_no_other(here: World, ann: Any, browser: Browser) -> None:
    await _change(here, ann, actions.KEEP_ALL.button())
    browser.presses.refresh()
    assert (await browser.press(actions.KEEP_KEY.custom_id()))["rejected"]


async def test_two_presses_at_once_are_answered_one_after_the_other(browser: Browser) -> None:
    other = Browser(browser.preview, browser.presses, browser.preview._open_page())
    both = await asyncio.gather(browser.press(actions.KEEP_ALL.custom_id()), other.press("demo:one"))
    assert [result["rejected"] for result in both] == [False, False]


async def test_a_button_of_the_demo_does_what_it_says_and_the_bot_hears_nothing_of_it(
    here: World, browser: Browser
) -> None:
    heard = len(here.env.backend.interactions)
    result = await browser.press("demo:one")
    assert (result["settlement"], pressed) == ("settled", ["demo"])
    assert len(here.env.backend.interactions) == heard


async def test_a_page_is_drawn_at_the_present_time(here: World, browser: Browser) -> None:
    here.skip(660)
    await browser.press(actions.KEEP_ALL.custom_id())
    browser.look()
    assert browser.seen["profile"]["presentationTime"] == here.env.now().isoformat()


async def test_a_page_opens_with_the_latest_message_and_goes_to_the_answer_to_an_action(
    here: World, ann: Any, browser: Browser
) -> None:
    before = browser.newest
    assert browser.seen["targetId"] == before
    await here.post(ann.dm_channel, actions.PASTE.button(), actions.KEY_STEPS.button())
    browser.presses.refresh()
    browser.look()
    assert browser.seen["targetId"] == before != browser.newest  # what arrives by itself takes no reader away
    reloaded = Browser(browser.preview, browser.presses, browser.preview._open_page())
    assert reloaded.seen["targetId"] == browser.newest
    await browser.press(actions.KEY_STEPS.custom_id())
    browser.look()
    assert browser.seen["targetId"] == browser.newest != reloaded.newest
