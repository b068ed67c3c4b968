"""The bot's cards as SimCord's page draws them: played by commands in a simulated world, then photographed.

For the heights on a phone (tests/demo/test_heights.py) and the pictures in docs/ (tests/screenshots.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, islice, product
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from bot.cards import actions
from bot.demo.locale import set_locale
from bot.demo.panel import Upstream
from bot.demo.parsed import remember_parsed_texts
from bot.demo.person import Person
from bot.domain.order_status import OrderStatus
from tests.story import CHROMIUM, FLAGS
from tests.world import World

PHONE, DESKTOP = 390, 1000
LINKS = {
    "support_url": "https://discord.gg/example",
    "privacy_url": "https://example.com/privacy",
    "terms_url": "https://example.com/terms",
    "source_url": "https://example.com/source",
}
"""Settings that add something to a card."""
RUNNING, DONE = OrderStatus.IN_PROGRESS, OrderStatus.COMPLETED
_LATER = Upstream(timedelta(days=3))


NAMES = ("request-5", "request-30", "request-2000", "question-30", "notice", "queued-113", "history", "help")


@dataclass
class Gallery:
    """Plays one card after another, each for a user of its own."""

    here: World
    locale: str = "en-US"
    """What the users' clients speak."""
    _shown: dict[str, Any] = field(default_factory=dict[str, Any])
    """The message of each card that is to be photographed next."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _newest_key: str = ""

    async def photograph(
        self, *widths: int, names: Iterable[str] = NAMES, folder: Path | None = None
    ) -> Mapping[str, int]:
        """Return each card's height in windows of these widths, by name and width; write a picture to the folder."""
        remember_parsed_texts()
        heights: dict[str, int] = {}
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            for name in names:
                user = await self._play(name)
                async with self.here.env.preview(user.dm_channel, viewers=[user], layout="channel") as preview:
                    for card, width in product(self._shown, widths):
                        page = await browser.new_page(viewport={"width": width, "height": 3_000}, device_scale_factor=2)
                        await page.goto(preview.url)
                        await page.locator("#preview-app[aria-busy='false']").wait_for()
                        message_id = self._shown[card].id
                        drawn = page.locator(f"article[data-message-id='{message_id}'] .component-container")
                        box = await drawn.bounding_box()
                        assert box
                        heights[f"{card}-{width}"] = round(box["height"])
                        if folder:
                            await drawn.screenshot(path=folder / f"{card}-{width}.png")
                        await page.close()
            await browser.close()
        return heights

    async def _play(self, name: str) -> Any:
        """Have a card shown, to a new user; return them."""
        self._shown.clear()
        with self.here.env.time_context():
            user = self.here.env.create_user(f"user-{name}")
            set_locale(self.here.env, user.id, self.locale)
            self._newest_key = f"np-key-of-the-gallery-{name}"
            self.here.panel.add_key(self._newest_key)
            await self.here.connect(user, self._newest_key)
            await getattr(self, f"_{name.replace('-', '_')}")(name, user)
        return user

    async def _request_5(self, name: str, user: Any) -> None:
        orders = (
            *self._orders(1),
            *self._orders(1, RUNNING, remains=650, upstream=Upstream(timedelta(seconds=60))),
            *self._orders(1, RUNNING, remains=80, upstream=_LATER),
            *self._orders(1, DONE),
            *self._orders(1, RUNNING, cancellable=False),
        )
        await self._cancel(name, user, orders)

    async def _request_30(self, name: str, user: Any) -> None:
        card = await self._cancel(name, user, self._mixed(30))
        page = await Person(user).press(card, actions.BROWSE)
        if page:
            self._shown["show-all-30"] = page.response

    async def _request_2000(self, name: str, user: Any) -> None:
        await self._cancel(name, user, self._mixed(2_000))

    async def _request_5_last(self, name: str, user: Any) -> None:
        await self._request_5(name, user)
        await self.here.wait(900, step=60)  # edited for the last time by then

    async def _request_2000_last(self, name: str, user: Any) -> None:
        await self._request_2000(name, user)
        await self.here.wait(900, step=60)

    async def _question_30(self, name: str, user: Any) -> None:
        asked = await Person(user).cancel(self._mixed(30))
        await self.here.wait(5)
        self._shown[name] = asked.response

    async def _notice(self, name: str, user: Any) -> None:
        soon, late = Upstream(timedelta(minutes=20)), Upstream(timedelta(minutes=20), "completed")
        orders = self._orders(6, RUNNING, remains=400, upstream=soon) + self._orders(2, RUNNING, upstream=late)
        await self._cancel(name, user, orders + self._orders(4, RUNNING, upstream=_LATER))
        await self.here.wait(2_400, step=60)
        (*_, last) = user.dm_channel.history()
        self._shown[name] = last

    async def _queued_113(self, name: str, user: Any) -> None:
        for number in (80, 20, 8, 3, 2):
            await self._cancel("", user, self._orders(number, RUNNING, upstream=_LATER))
            await self.here.wait(1_500, step=300)
        self._shown[name] = (await user.slash("queued")).response

    async def _history(self, name: str, user: Any) -> None:
        for number in (9, 40, 5):
            await self._cancel("", user, self._mixed(number))
            await self.here.wait(3_600, step=600)
        self._shown[name] = (await user.slash("history")).response

    async def _help(self, name: str, user: Any) -> None:
        self._shown[name] = (await user.slash("help")).response

    async def _cancel(self, name: str, user: Any, orders: tuple[str, ...]) -> Any:
        card = await Person(user).cancel(orders, sure=True)
        await self.here.settle()
        self._shown[name] = card.response
        if not name:
            self._shown.clear()
        return card

    def _mixed(self, number: int) -> tuple[str, ...]:
        """Return so many orders of which some are cancelled at once, some wait, and some are refused."""
        tenth = number // 10
        return (
            *self._orders(number - 7 * tenth),
            *self._orders(4 * tenth, RUNNING, remains=400, upstream=_LATER),
            *self._orders(2 * tenth, DONE),
            *self._orders(tenth, RUNNING, cancellable=False),
        )

    def _orders(self, number: int, status: OrderStatus = OrderStatus.PENDING, **more: Any) -> tuple[str, ...]:
        numbers = islice(self._numbers, number)
        orders = tuple(f"ord_01HG9X7KJP4N2Q8RSTVW{one:06}" for one in numbers)
        for order in orders:
            self.here.order(order, status, key=self._newest_key, **more)
        return orders
