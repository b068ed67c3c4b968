"""The menu on a card that hands over the IDs of one group to copy: read anew, and for the owner alone."""

from datetime import timedelta
from typing import Any

import pytest
from simcord.components import walk_components

from bot.cards import actions
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.domain.states import State
from bot.ledger import ListKind
from tests.world import World, buttons_of, choose, offers_of, shown

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


def block_of(result: Any) -> list[str]:
    """Return the lines of the code block of an answer that only its user sees."""
    assert result.ephemeral
    (block,) = [
        part["content"]
        for part in walk_components(result.response.components)
        if str(part.get("content")).startswith("```")
    ]
    return block.removeprefix("```\n").removesuffix("\n```").splitlines()


async def mixed(here: World, user: Any) -> Any:
    """Ask for four orders, of which two are queued, one is cancelled and one refused; return the card."""
    for order in ("ord_Q2", "ord_Q1"):
        here.order(order, RUNNING, upstream=Upstream())
    here.order("ord_P")
    result = await user.slash("cancel", orders="ord_Q2 ord_P ord_Q1 ord_absent")
    await here.settle()
    return result


async def test_the_menu_names_the_groups_of_the_card(here: World, ann: Any) -> None:
    result = await mixed(here, ann)
    assert offers_of(result.response) == [
        "Copy IDs: 1 cancelled",
        "Copy IDs: 2 waiting",
        "Copy IDs: 1 not possible",
        "Whole list (CSV)",
    ]


async def test_a_group_comes_as_a_block_with_one_id_a_line_in_the_order_asked(here: World, ann: Any) -> None:
    result = await mixed(here, ann)
    chosen = await choose(ann, result.response, "2 waiting")
    assert "2 orders · waiting" in shown(chosen)
    assert block_of(chosen) == ["ord_Q2", "ord_Q1"]
    assert block_of(await choose(ann, result.response, "1 cancelled")) == ["ord_P"]
    assert "2 waiting" in shown(result)  # the card stays where it is


async def test_a_choice_after_a_restart_tells_what_is_so_by_now(here: World, ann: Any) -> None:
    result = await mixed(here, ann)
    behind = await here.post(
        ann.dm_channel, actions.COPY_IDS.menu(ListKind.REQUEST, 1, options={State.QUEUED: "2 queued"})
    )
    await here.restart()
    assert block_of(await ann.select(behind, ["queued"])) == ["ord_Q2", "ord_Q1"]
    await here.wait(90)
    late = await ann.select(behind, ["queued"])
    assert "None left · waiting" in shown(late)
    assert "ord_" not in shown(late)
    assert block_of(await choose(ann, result.response, "3 cancelled")) == ["ord_Q2", "ord_P", "ord_Q1"]


async def test_what_waits_and_what_was_joined_is_copied_too(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    here.order("ord_B", RUNNING)
    result = await ann.slash("cancel", orders="ord_B ord_A")
    assert block_of(await choose(ann, result.response, "2 not sent yet")) == ["ord_B", "ord_A"]
    await here.settle()
    assert block_of(await choose(ann, result.response, "2 waiting")) == ["ord_B", "ord_A"]


async def test_a_notice_has_the_menu_too_and_names_each_order_once(here: World, ann: Any) -> None:
    for order in ("ord_A", "ord_B"):
        here.order(order, RUNNING, upstream=Upstream(ends_as="completed"))
    await ann.slash("cancel", orders="ord_A ord_B")
    await here.wait(90)
    told = ann.dm_channel.last_message
    await here.restart()
    assert offers_of(told) == ["Copy IDs: 2 delivered", "Whole list (CSV)"]
    assert block_of(await choose(ann, told, "2 delivered")) == ["ord_A", "ord_B"]


async def test_a_notice_of_what_is_open_for_too_long_hands_over_those(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, upstream=Upstream(after=timedelta(hours=80)))
    await ann.slash("cancel", orders="ord_A")
    await here.settle()
    await here.wait(73 * 3600, step=1800)
    late = ann.dm_channel.last_message
    assert offers_of(late) == ["Copy IDs: 1 waiting", "Whole list (CSV)"]
    assert block_of(await choose(ann, late, "1 waiting")) == ["ord_A"]
    await here.wait(9 * 3600, step=1800)
    assert "None left · waiting" in shown(await choose(ann, late, "1 waiting"))


async def test_more_than_one_message_holds_are_counted_and_stand_in_the_list(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{number:064}", RUNNING) for number in range(150)]
    question = await ann.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))
    await ann.click(question.response, label="Cancel 150 orders")
    await here.settle()
    chosen = await choose(ann, question.response, "150 waiting")
    copied = block_of(chosen)
    assert orders[: len(copied)] == copied
    assert f"{150 - len(copied)} more have no room here" in shown(chosen)
    assert 3_500 < len(shown(chosen)) <= 4_000
    assert buttons_of(chosen) == ["Whole list (CSV)"]


async def test_what_fits_comes_without_a_file(here: World, ann: Any) -> None:
    result = await mixed(here, ann)
    assert buttons_of(await choose(ann, result.response, "2 waiting")) == []


async def test_nobody_else_gets_the_ids(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann, bob = (here.env.guild.add_member(here.env.create_user(name)) for name in ("ann", "bob"))
    await here.connect_in(channel, ann)
    await ann.slash(channel, "cancel", orders="ord_Secret")
    await here.settle()
    for kind in (ListKind.REQUEST, ListKind.NOTICE):
        forged = await here.post(channel, actions.COPY_IDS.menu(kind, 1, options={State.REFUSED: "1 refused"}))
        chosen = await bob.select(forged, ["refused"])
        assert "somebody else" in shown(chosen)
        assert "ord_Secret" not in repr([answer.components for answer in (chosen.response, *chosen.followups)])
