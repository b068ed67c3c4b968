"""Show all: every order once, each as it stands, and how many there are. test_isolation.py: for its owner alone."""

import re
from dataclasses import replace
from typing import Any

import pytest
from simcord.components import walk_components

from bot.cards import actions
from bot.cards.pages import page_card
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.domain.refunds import Refund
from bot.domain.states import State
from bot.ledger import Listed, ListKind
from bot.services.lists import PAGE_LENGTH, ListPage, ListRef
from tests.examples import NOW, order
from tests.world import World, buttons_of, shown, text_of

RUNNING = OrderStatus.IN_PROGRESS
REQUEST = actions.BROWSE.custom_id(ListKind.REQUEST, 1)
OPEN = actions.BROWSE.custom_id(ListKind.OPEN, 0)
FILE = "Whole list (CSV)"

world = pytest.mark.usefixtures("env")
at_once = pytest.mark.settings(confirm_above=1_000)


def ids(result: Any) -> list[str]:
    """Return the orders that an answer names, each of which has a line of its own."""
    return re.findall(r"^`(ord_\w+)`$", shown(result), re.MULTILINE)


def can_press(result: Any) -> list[str]:
    """Return the symbols of the buttons that turn to another page."""
    buttons = [part for part in walk_components(result.response.components) if part.get("type") == 2]
    return [one["emoji"]["name"] for one in buttons if one.get("emoji") and not one.get("disabled")]


async def turn(user: Any, result: Any, symbol: str) -> Any:
    """Press the button with that symbol."""
    (custom_id,) = [
        part["custom_id"]
        for part in walk_components(result.response.components)
        if (part.get("emoji") or {}).get("name") == symbol
    ]
    return await user.click(result.response, custom_id=custom_id)


async def listed(here: World, user: Any, count: int) -> tuple[list[str], Any]:
    """Ask for that many orders, which stay queued, and press Show all; return them and the first page."""
    orders = [here.order(f"ord_{n:04}", RUNNING, upstream=Upstream()) for n in range(count)]
    await user.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
    await here.settle()
    here.skip(60)
    button = await here.post(user.dm_channel, actions.BROWSE.button(ListKind.REQUEST, 1))
    return orders, await user.click(button, custom_id=REQUEST)


@world
@at_once
async def test_a_list_is_turned_forwards_and_back_in_one_message_over_a_restart(here: World, ann: Any) -> None:
    orders, page = await listed(here, ann, 130)
    message = page.response.message.id
    assert shown(page).startswith("### 1–20 of 130\n-# page 1 of 7 · updated <t:")  # noqa: RUF001  # a range
    assert "⏳ **" in shown(page)
    assert buttons_of(page) == ["1", "1", "2", "7", FILE]
    assert can_press(page) == ["▶️", "⏭️"]
    found = ids(page)
    for _ in range(6):
        await here.restart()
        page = await turn(ann, page, "▶️")
        assert page.response.message.id == message
        found += ids(page)
    assert found == orders
    assert "121–130 of 130" in shown(page)  # noqa: RUF001
    assert can_press(page) == ["⏮️", "◀️"]
    assert ids(await turn(ann, page, "◀️")) == orders[100:120]
    assert can_press(page) == ["⏮️", "◀️", "▶️", "⏭️"]
    assert ids(await turn(ann, page, "⏭️")) == orders[120:]
    assert ids(await turn(ann, page, "⏮️")) == orders[:20]


@world
@at_once
async def test_the_total_is_that_of_each_press(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{n:04}", RUNNING, upstream=Upstream()) for n in range(50)]
    await ann.slash("cancel", orders=" ".join(orders))
    await here.settle()
    message = await here.post(ann.dm_channel, actions.BROWSE.button(ListKind.OPEN, 0))
    page = await ann.click(message, custom_id=OPEN)
    assert "1–20 of 50" in shown(page)  # noqa: RUF001
    more = [here.order(f"ord_m{n:03}", RUNNING, upstream=Upstream()) for n in range(25)]
    await ann.slash("cancel", orders=" ".join(more))
    await here.settle()
    last = await turn(ann, page, "⏭️")  # its label said page 3
    assert "61–75 of 75" in shown(last)  # noqa: RUF001
    assert ids(last) == more[10:]
    here.sql("UPDATE cancellations SET state = 'cancelled', due_at = NULL, ended_at = created_at WHERE id > 5")
    page = await turn(ann, last, "◀️")
    assert "### 1–5 of 5\n" in shown(page)  # noqa: RUF001
    assert ids(page) == orders[:5]
    assert buttons_of(page) == [FILE]


@world
@at_once
async def test_the_open_and_the_past_have_pages_too(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{n:04}", RUNNING, upstream=Upstream()) for n in range(130)]
    await ann.slash("cancel", orders=" ".join(orders))
    await here.settle()
    past = actions.BROWSE.button(ListKind.HISTORY, 30, State.CANCELLED)
    message = await here.post(ann.dm_channel, actions.BROWSE.button(ListKind.OPEN, 0), past)
    assert ids(await ann.click(message, custom_id=OPEN)) == orders[:20]
    await here.wait(100)
    page = await ann.click(message, custom_id=past.custom_id)
    assert len(ids(page)) == 20
    await turn(ann, page, "▶️")
    assert "21–40 of 130\n-# cancelled · page 2 of 7" in shown(page)  # noqa: RUF001
    assert "✅ **" in shown(page)
    empty = await ann.click(message, custom_id=OPEN)
    assert "No orders left here" in shown(empty)
    assert buttons_of(empty) == []


@world
async def test_a_button_of_an_older_message_turns_to_its_page(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{n:04}", RUNNING, upstream=Upstream()) for n in range(25)]
    for half in (orders[:13], orders[13:]):
        await ann.slash("cancel", orders=" ".join(half))
        await here.settle()
    old = await here.post(ann.dm_channel, actions.PAGE.button(ListKind.OPEN, 0, 1, label="Next page"))
    page = await ann.click(old, custom_id="np:page:open:0:1")
    assert ids(page) == orders[20:]


@world
async def test_the_file_says_what_it_is(here: World, ann: Any) -> None:
    for count in (1, 3):
        here.order(f"ord_{count}", RUNNING, upstream=Upstream())
    await ann.slash("cancel", orders="ord_1 ord_3 ord_absent")
    await here.wait(90)
    lists = {
        ListKind.REQUEST: (1, None),
        ListKind.HISTORY: (30, State.REFUSED),
        ListKind.OPEN: (0, None),
    }
    names: list[str] = []
    for kind, (number, outcome) in lists.items():
        button = actions.LIST.button(kind, number, outcome)
        pressed = await ann.click(await here.post(ann.dm_channel, button), custom_id=button.custom_id)
        (file,) = pressed.response.attachments
        names.append(file.filename)
        if kind is ListKind.REQUEST:
            assert "**3 orders**, as of now: how each stands, money and times." in shown(pressed)
    assert names == [
        "cancel-2026-01-01-3-orders.csv",
        "history-refused-30-days-2026-01-01-1-order.csv",
        "open-2026-01-01-0-orders.csv",
    ]


def page(number: int, total: int, *orders: Any) -> str:
    """Return what a page of a request's list says."""
    lines = tuple(Listed(n, 1, one.order_id, one) for n, one in enumerate(orders))
    shown_page = page_card(ListPage(ListRef(ListKind.REQUEST, 1), number, lines, total, NOW), {})
    parts = shown_page.view.to_components()
    pressable = [part["custom_id"] for part in walk_components(parts) if "custom_id" in part]
    assert len(set(pressable)) == len(pressable)  # Discord refuses a message in which two are the same
    return text_of(parts)


def test_orders_that_stand_alike_share_a_line_above_them() -> None:
    rows = [order(n, State.QUEUED) for n in range(3)]
    lines = page(0, 3, *rows).splitlines()
    assert [line for line in lines if line.startswith("`")] == [f"`{row.order_id}`" for row in rows]
    assert sum("⏳" in line for line in lines) == 1
    mixed = page(0, 3, rows[0], order(3, State.FAILED), rows[1]).splitlines()
    assert sum("⏳" in line for line in mixed) == 2


def test_what_came_back_for_orders_below_one_line_is_that_of_each() -> None:
    back = [replace(order(n, State.CANCELLED), refund=Refund.CHARGE) for n in range(3)]
    assert "✅ **cancelled** · −0.30 USD each\n" in page(0, 3, *back)  # noqa: RUF001
    assert "✅ **cancelled** · −0.30 USD\n" in page(0, 2, back[0], order(3, State.QUEUED))  # noqa: RUF001


def test_a_list_that_goes_on_behind_its_last_page_says_so() -> None:
    rows = [order(n, State.QUEUED) for n in range(PAGE_LENGTH)]
    assert "Pages end at order 1,000. The file has all 2,097." in page(49, 2_097, *rows)
    assert "page 50 of 50" in page(49, 2_097, *rows)
    assert "Pages end" not in page(49, 1_000, *rows)
    assert "Pages end" not in page(48, 2_097, *rows)
