"""The message menu: finds the orders in whatever a message holds, and sends nothing that was not confirmed."""

from typing import Any

import discord
import pytest

from bot.cards import actions
from bot.cards.layout import Tone, card
from bot.domain.order_ids import Junk
from bot.domain.order_status import OrderStatus
from tests.world import World, buttons_of, shown, text_of

MENU = "Cancel orders in this message"
STATUS = "Status of orders in this message"
REFILL = "Refill orders in this message"

pytestmark = pytest.mark.usefixtures("env")


class Room:
    """A server's channel with two members; only ann has a key."""

    def __init__(self, here: World) -> None:
        self.guild = here.env.create_guild()
        self.channel = self.guild.create_text_channel("orders")
        self.ann, self.bob = (self.guild.add_member(here.env.create_user(name)) for name in ("ann", "bob"))

    async def says(self, text: str = "", **more: Any) -> Any:
        """Let bob write into the channel."""
        return await self.bob.send(self.channel, text, **more)

    async def press(self, message: Any, menu: str = MENU) -> Any:
        """Let ann use the menu on a message."""
        return await self.ann.context_menu(self.channel, menu, message)


@pytest.fixture
async def room(here: World) -> Room:
    """A server with ann connected."""
    with here.env.time_context():
        made = Room(here)
        await here.connect_in(made.channel, made.ann)
    return made


async def test_the_orders_of_a_message_are_sent_after_confirm_and_not_before(here: World, room: Room) -> None:
    here.order("ord_A")
    here.order("ord_B", OrderStatus.IN_PROGRESS)
    asked = await room.press(await room.says("please cancel ord_A (and ord_B), 500 likes each"))
    await here.settle()
    assert asked.ephemeral
    assert "Cancel 2 orders?" in shown(asked)
    assert "`ord_A`\n`ord_B`" in shown(asked)
    assert buttons_of(asked) == ["Cancel 2 orders", "Don't cancel"]
    assert here.cancel_calls() == []
    await room.ann.click(asked.response, label="Cancel 2 orders")
    await here.settle()
    assert "1 cancelled · 1 waiting" in shown(asked)
    assert here.panel.cancel_requests == {"ord_A": 1, "ord_B": 1}
    assert len(room.channel.history()) == 1  # nobody else has seen any of it


@pytest.mark.settings(confirm_above=100)
async def test_one_order_is_asked_about_too_and_can_be_kept(here: World, room: Room) -> None:
    here.order("ord_A")
    asked = await room.press(await room.says("ord_A"))
    await here.settle()
    assert "Cancel 1 order?" in shown(asked)
    await room.ann.click(asked.response, label="Don't cancel")
    await here.settle()
    assert "Nothing was sent" in shown(asked)
    assert here.cancel_calls() == []


async def test_every_part_of_an_embed_is_read(here: World, room: Room) -> None:
    embed = discord.Embed(title="ord_Title", description="ord_Text").set_author(name="ord_Author")
    embed.set_footer(text="ord_Foot").add_field(name="ord_Name", value="ord_Value")
    message = await room.guild.create_webhook(room.channel).send("ord_Content", embed=embed)
    asked = await room.press(message)
    assert "Cancel 7 orders?" in shown(asked)
    for part in ("Content", "Author", "Title", "Text", "Foot", "Name", "Value"):
        assert (f"ord_{part}",) in here.sql("SELECT order_id FROM request_orders")


async def test_the_text_of_components_is_read_and_not_their_buttons(here: World, room: Room) -> None:
    button: discord.ui.Button[discord.ui.LayoutView] = discord.ui.Button(label="ord_Label", custom_id="x")
    view = card(Tone.PLAIN, ["ord_A ended", "ord_B did not"], buttons=[button]).view
    view.add_item(discord.ui.Section("ord_C beside", accessory=discord.ui.Button(label="ord_D", custom_id="y")))
    message = await here.app.client.get_partial_messageable(room.channel.id).send(view=view)
    assert "`ord_A`\n`ord_B`\n`ord_C`" in shown(await room.press(message))
    assert "ord_L" not in here.payloads().split("Cancel 3 orders?")[1]


async def test_a_forwarded_message_is_read_with_its_files(here: World, room: Room) -> None:
    source = await room.says("ord_A", attachments=[("more.txt", b"ord_B\nord_C")])
    asked = await room.press(await room.bob.forward(source, room.channel))
    assert "`ord_A`\n`ord_B`\n`ord_C`" in shown(asked)


async def test_text_files_are_read_and_pictures_left_alone(here: World, room: Room) -> None:
    files = [("list.csv", b"id;link\nord_B;x\n"), ("photo.png", b"\x89PNG\0ord_C"), ("export.TXT", b"ord_D")]
    asked = await room.press(await room.says("ord_A", attachments=files))
    assert "Cancel 3 orders?" in shown(asked)
    assert "`ord_A`\n`ord_D`\n`ord_B`" in shown(asked)  # tables last


@pytest.mark.parametrize(
    "text",
    ["order 123456 please", "500 followers", "<@123456789012345678>", "<@123456789012345678> 4711", "<#1234> 17", "hi"],
)
async def test_no_number_in_an_ordinary_message_is_an_order(here: World, room: Room, text: str) -> None:
    answer = await room.press(await room.says(text))
    await here.settle()
    assert "No order ID found" in shown(answer)
    assert "nothing was done" in shown(answer)
    assert here.cancel_calls() == []


async def test_a_message_of_numbers_alone_is_a_list_of_them(here: World, room: Room) -> None:
    asked = await room.press(await room.says("4711\n4712"))
    assert "Cancel 2 orders?" in shown(asked)
    assert "`4711`\n`4712`" in shown(asked)


async def test_an_id_is_read_as_it_is_seen(here: World, room: Room) -> None:
    asked = await room.press(await room.says(r"ord\_A, **ord\_B** and ord\_C\_D"))
    assert "Cancel 2 orders?" in shown(asked)
    assert "`ord_A`\n`ord_B`" in shown(asked)
    assert "Skipped `ord_C_D`: not a complete order ID." in shown(asked)


@pytest.mark.parametrize(
    "text",
    [
        "__ord_A1__",
        "_ord_A1_ <:ord_B2:123> <@456> <t:1700000000:R>",
        "[ord_A1](https://x.example/ord_B2)",
        "||ord_A1|| ```py\n500```",
        "订单ord_A1已取消",
    ],
)
async def test_what_is_asked_about_is_what_the_message_shows(here: World, room: Room, text: str) -> None:
    here.order("ord_A1")
    asked = await room.press(await room.says(text))
    assert "Cancel 1 order?" in shown(asked)
    assert "`ord_A1`" in shown(asked)
    await room.ann.click(asked.response, label="Cancel 1 order")
    await here.settle()
    assert here.cancel_calls() == [("ord_A1",)]


async def test_an_id_that_was_cut_short_is_named_and_not_sent(here: World, room: Room) -> None:
    asked = await room.press(await room.says("ord_01HG9X7KJP4N… and ord_01HG9X7KJP4N... but ord_A1"))
    assert "Cancel 1 order?" in shown(asked)
    assert "Looks cut short, so not sent: `ord_01HG9X7KJP4N…`. Copy the whole ID." in shown(asked)
    nothing = await room.press(await room.says("look at ord_01HG9X7KJP4N…"))
    assert "No order ID found" in shown(nothing)
    assert "`ord_01HG9X7KJP4N…`" in shown(nothing)


async def test_the_words_of_a_message_are_neither_repeated_nor_kept(here: World, room: Room) -> None:
    asked = await room.press(await room.says("my secret is hunter2, cancel ord_A"))
    assert "hunter2" not in here.payloads()
    assert "Skipped" not in shown(asked)
    request = await here.app.ledger.read.request(1)
    assert request
    assert request.ignored == Junk()


async def test_nobody_else_is_asked_or_may_answer(here: World, room: Room) -> None:
    here.order("ord_A")
    message = await room.says("ord_A")
    await room.press(message)
    without_key = await room.bob.context_menu(room.channel, MENU, message)
    assert "Connect your NotPanel key first" in shown(without_key)
    forged = await here.post(room.channel, actions.CONFIRM.button(1, count=1))
    pressed = await room.bob.click(forged, custom_id="np:confirm:1")
    await here.settle()
    assert "somebody else" in text_of(pressed.followups[0].components)
    assert here.cancel_calls() == []


async def test_where_the_acknowledgement_fails_nothing_is_written(here: World, room: Room) -> None:
    message = await room.says("ord_A")
    here.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await room.press(message)
    assert await here.app.ledger.read.request(1) is None


async def test_a_question_from_the_menu_outlives_a_restart(here: World, room: Room) -> None:
    here.order("ord_A")
    asked = await room.press(await room.says("ord_A"))
    await here.restart()
    await room.ann.click(asked.response, label="Cancel 1 order")
    await here.settle()
    assert "1 cancelled" in shown(asked)


async def test_the_status_of_what_a_message_names_is_shown_and_nothing_is_asked(here: World, room: Room) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    here.order("ord_B", OrderStatus.COMPLETED)
    said = await room.says("how about ord_A?", attachments=[("more.txt", b"ord_B\nord_A")])
    answer = await room.press(said, STATUS)
    await here.settle()
    assert answer.ephemeral
    assert "`ord_A`" in shown(answer)
    assert "`ord_B`" in shown(answer)
    assert here.calls("status") == [("ord_A", "ord_B")]
    assert here.cancel_calls() == []
    assert await here.app.ledger.read.request(1) is None
    nothing = await room.press(await room.says("500 likes"), STATUS)
    assert "No order ID found" in shown(nothing)
    without_key = await room.bob.context_menu(room.channel, STATUS, said)
    assert buttons_of(without_key) == ["Paste my key", "Open NotPanel"]
    assert len(here.calls("status")) == 1


async def test_refills_of_what_a_message_names_are_asked_for_after_a_question(here: World, room: Room) -> None:
    for order in ("ord_A", "ord_B"):
        here.order(order, OrderStatus.COMPLETED)
    asked = await room.press(await room.says("please refill ord_A and ord_B"), REFILL)
    await here.settle()
    assert asked.ephemeral
    assert shown(asked).startswith("### Refill 2 orders?\n-# Nothing sent yet\n`ord_A`\n`ord_B`\n")
    assert buttons_of(asked) == ["Refill 2 orders", "Don't refill"]
    assert here.calls("status") == here.calls("refill") == []
    await here.restart()
    await room.ann.click(asked.response, label="Refill 2 orders")
    assert here.calls("refill") == [("ord_A", "ord_B")]
    assert shown(asked).startswith("### 2 accepted\n")
    assert here.cancel_calls() == []
    assert len(room.channel.history()) == 1


async def test_a_question_about_refills_that_is_not_confirmed_sends_nothing(here: World, room: Room) -> None:
    here.order("ord_A", OrderStatus.COMPLETED)
    said = await room.says("ord_A")
    kept, lapsed = await room.press(said, REFILL), await room.press(said, REFILL)
    await room.ann.click(kept.response, label="Don't refill")
    assert "Nothing was sent" in shown(kept)
    forged = await here.post(room.channel, actions.CONFIRM.button(2, label="Cancel 1 order"))
    await room.ann.click(forged, custom_id="np:confirm:2")  # a question about refills cancels nothing
    await here.wait(1_000, step=100)
    assert here.sql("SELECT state FROM requests ORDER BY id") == [("kept",), ("kept",)]
    button = actions.REFILL_NAMED.button(2)
    late = await room.ann.click(await here.post(room.channel, button), custom_id=button.custom_id)
    assert buttons_of(lapsed)
    assert shown(late) or late.followups
    assert here.calls("refill") == here.cancel_calls() == []


async def test_nobody_else_may_confirm_a_question_about_refills(here: World, room: Room) -> None:
    here.order("ord_A", OrderStatus.COMPLETED)
    await room.press(await room.says("ord_A"), REFILL)
    button = actions.REFILL_NAMED.button(1)
    pressed = await room.bob.click(await here.post(room.channel, button), custom_id=button.custom_id)
    assert "somebody else" in text_of(pressed.followups[0].components)
    assert here.calls("refill") == []
