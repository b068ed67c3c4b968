"""What goes on in a ledger that is kept: something of everything, broken off in the middle of a call."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import httpx
from simcord.actors import UserHandle
from simcord.backend.models import User

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.panel import Answer
from tests.webhooks import URL, new_address
from tests.world import KEY, START, World, buttons_of, fill_in

SETTINGS: dict[str, Any] = {
    "encryption_keys": base64.b64encode(bytes(range(32))).decode(),
    "http_port": 8080,  # nothing listens there: the story serves nobody
    "public_url": URL,
    "confirm_above": 3,
}
KEYS = {"ann": KEY, "bea": "np-key-of-bea-0000000", "carl": "np-key-of-carl-000000", "dora": "np-key-of-dora-000000"}
SHOP = "np-shop-key-9876543210"
"""Another key of Ann's."""
PEOPLE = {name: 800_000_000_000_000_000 + number for number, name in enumerate(KEYS)}
UPGRADED_AT = START + timedelta(hours=2)

DAYS = Upstream(timedelta(days=2))
QUESTION = tuple(f"ord_Q{number}" for number in range(4))
LIST = tuple(f"ord_L{number:03}" for number in range(210))
"""The first hundred are accepted; the process ends while it waits for what the panel says of the second."""
IN_DOUBT = "ord_doubt"
"""The panel took it, and its answer was lost."""


def person(here: World, name: str) -> Any:
    """Return somebody of the story: the same user in every simulated Discord, since secrets are sealed to them."""
    here.env.backend.users[PEOPLE[name]] = User(id=PEOPLE[name], name=name)
    return UserHandle(here.env, here.env.backend.users[PEOPLE[name]])


async def live(here: World) -> None:
    """Live the story, up to a call that the panel has heard and does not answer."""
    ann, bea, carl, dora = (person(here, name) for name in KEYS)
    for user, key in zip((ann, bea, carl, dora), KEYS.values(), strict=True):
        here.panel.add_key(key)
        await here.connect(user, key)
    here.panel.add_key(SHOP)
    await here.connect(ann, SHOP, "Shop")
    await leave(here, dora)
    await lose_the_key(here, bea)
    await keep_what_is_new(here, carl)
    await do_business(here, ann)
    await lose_an_answer(here, ann)
    await break_off(here, ann)


async def cancel(here: World, user: Any, key: str, *orders: str, upstream: Upstream = DAYS) -> None:
    """Have orders cancelled that run at a provider."""
    for order in orders:
        here.order(order, OrderStatus.IN_PROGRESS, key=key, upstream=upstream)
    await user.slash("cancel", orders=" ".join(orders), **({"key": "Shop"} if key == SHOP else {}))
    await here.settle()


async def leave(here: World, dora: Any) -> None:
    """Remove a key; how its orders ended stays known."""
    await cancel(here, dora, KEYS["dora"], "ord_D1", upstream=Upstream())
    await here.wait(90)
    await dora.slash("key remove")


async def lose_the_key(here: World, bea: Any) -> None:
    """Have the panel reject a key under which an order is open."""
    await cancel(here, bea, KEYS["bea"], "ord_B1")
    here.panel.revoke_key(KEYS["bea"])
    await here.wait(120, step=10)


async def keep_what_is_new(here: World, carl: Any) -> None:
    """Choose to hear nothing until the next command, and have something to hear."""
    form = await carl.slash("settings")
    await fill_in(carl, form, way="off")
    await cancel(here, carl, KEYS["carl"], "ord_C1", upstream=Upstream())
    await here.wait(120)


async def do_business(here: World, ann: Any) -> None:
    """Have orders of all kinds, under two keys; a message that gathers lines, and a question."""
    await new_address(ann)
    form = await ann.slash("settings")
    await fill_in(ann, form, language="tr")
    here.order("ord_refunded")
    here.order("ord_refused", OrderStatus.COMPLETED)
    await ann.slash("cancel", orders="ord_refunded ord_refused")
    await cancel(here, ann, KEY, "ord_queued")
    await cancel(here, ann, SHOP, "ord_shop")
    await cancel(here, ann, KEY, "ord_partial", upstream=Upstream(ends_as="partial"))
    while not here.sql("SELECT 1 FROM notices WHERE state = 'gathering'"):
        here.skip(1)
        await here.app.scheduler.step()
    await ann.slash("cancel", orders=" ".join(here.order(order) for order in QUESTION))


async def lose_an_answer(here: World, ann: Any) -> None:
    """Leave it unknown whether the panel has taken an order."""

    def lose(_: Answer) -> Answer:
        raise httpx.ReadTimeout("slow")

    here.wire.faults = [lose]
    here.order(IN_DOUBT, OrderStatus.IN_PROGRESS, key=SHOP)
    await ann.slash("cancel", orders=IN_DOUBT, key="Shop")
    await one_call(here)
    here.wire.down = True
    await one_call(here)
    here.wire.down = False


async def break_off(here: World, ann: Any) -> None:
    """Be in the middle of a long list."""
    for order in LIST:
        here.order(order)
    card = await ann.slash("cancel", file=("orders.txt", "\n".join(LIST).encode()))
    (confirm,) = (label for label in buttons_of(card) if f"{len(LIST)}" in label)
    await ann.click(card.response, label=confirm)
    await one_call(here)
    heard = asyncio.Event()

    async def say_nothing(answer: Answer) -> Answer:
        heard.set()
        await asyncio.Event().wait()
        return answer

    here.wire.faults = [say_nothing]
    await here.app.scheduler.start_due()
    await heard.wait()


async def one_call(here: World) -> None:
    """Let the worker make one call for each account that is due, and tell nobody."""
    await here.app.scheduler.start_due()
    await here.app.scheduler.finish()
