"""A text that fills its field may have been cut by the client: its last ID is not used, and the card says so."""

from typing import Any

import pytest

from bot.cards.modals import MOST_TYPED
from bot.domain.order_ids import cut_at, find_orders
from cogs.orders import MOST_IN_MESSAGE, MOST_IN_OPTION
from tests.world import World, messages, shown

pytestmark = pytest.mark.usefixtures("env")

SAID = "Looks cut short"


def filling(room: int, begin: str = "", end: str = "ord_Last") -> str:
    """Return a text of that many characters with one order at its beginning, and one that touches the end."""
    return begin + "ord_First" + " " * (room - len(begin) - len("ord_First") - len(end)) + end


@pytest.mark.parametrize("end", ["ord_Last", "12345", "ord_L", "ord_"])
def test_the_last_word_of_a_full_text_is_no_order(end: str) -> None:
    text = filling(100, end=end)
    assert find_orders(cut_at(text, 100)).orders == ("ord_First",)
    assert find_orders(cut_at(text, 101)) == find_orders(text)


@pytest.mark.parametrize("end", ["o", "or", "ord", "ord_"])
async def test_an_id_of_which_only_the_first_letters_had_room_is_noticed(here: World, ann: Any, end: str) -> None:
    here.order("ord_First")
    card = await ann.submit_modal(await ann.slash("cancel"), {"orders": filling(MOST_TYPED, end=end)})
    await here.settle()
    assert "Skipped `ord_…`: not a complete order ID" in shown(card)
    assert here.cancel_calls() == [("ord_First",)]


@pytest.mark.parametrize("end", [" ", "\n", ",", "."])
def test_what_is_closed_before_the_end_was_not_cut(end: str) -> None:
    text = filling(100, end=f"ord_Last{end}")
    assert cut_at(text, 100) == text
    assert find_orders(text).orders == ("ord_First", "ord_Last")


def test_numbers_alone_are_cut_as_ids_are() -> None:
    assert find_orders(cut_at("12345 67890", 11)).orders == ("12345",)


async def test_an_option(here: World, ann: Any) -> None:
    here.order("ord_First")
    card = await ann.slash("cancel", orders=filling(MOST_IN_OPTION))
    await here.settle()
    assert SAID in shown(card)
    assert here.cancel_calls() == [("ord_First",)]
    assert SAID in shown(await ann.slash("status", orders=filling(MOST_IN_OPTION)))


async def test_a_form(here: World, ann: Any) -> None:
    here.order("ord_First")
    card = await ann.submit_modal(await ann.slash("cancel"), {"orders": filling(MOST_TYPED)})
    await here.settle()
    assert SAID in shown(card)
    assert here.cancel_calls() == [("ord_First",)]


async def test_a_field_that_is_not_full_is_used_whole(here: World, ann: Any) -> None:
    for order in ("ord_First", "ord_Last"):
        here.order(order)
    card = await ann.slash("cancel", orders=filling(MOST_TYPED))  # as long as another field allows
    await here.settle()
    assert SAID not in shown(card)
    assert here.cancel_calls() == [("ord_First", "ord_Last")]


async def test_a_direct_message(here: World, ann: Any) -> None:
    here.order("ord_First")
    await ann.send_dm(filling(MOST_IN_MESSAGE[0], "cancel "))
    await here.settle()
    assert SAID in messages(ann)[-1]
    assert here.cancel_calls() == [("ord_First",)]


async def test_the_form_says_what_to_do_with_a_longer_list(here: World, ann: Any) -> None:
    form = (await ann.slash("cancel")).modal
    assert "send it to me as a DM" in repr(form)
