"""Nobody sees or changes anything of another's: every button, menu, form and command, pressed by somebody else."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import discord
import pytest

from bot.cards import actions
from bot.cards.actions import Action
from bot.demo.panel import Upstream
from bot.ledger import ListKind
from tests.examples import PRESSABLE, SOMEBODY
from tests.world import KEY, World, text_of

EVES_KEY = "np-another-key-9876543210"
ANNS = ("ord_ann", KEY[-4:])
"""What of Ann's must not appear before Eve: her orders and her key's end."""

pytestmark = pytest.mark.usefixtures("env")


class Room:
    """A channel with Ann, who has a request of every kind, and Eve, who has a key too."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.pressed: discord.Message | None = None
        self.channel = here.env.create_guild().create_text_channel("orders")
        self.ann, self.eve = (here.env.guild.add_member(here.env.create_user(name)) for name in ("ann", "eve"))

    async def furnish(self) -> None:
        """Let Ann have a question, orders in many states, and news that wait for her."""
        here = self.here
        here.panel.add_key(EVES_KEY)
        here.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
        await here.connect_in(self.channel, self.ann)
        await here.connect_in(self.channel, self.eve, EVES_KEY)
        for number in range(2):
            here.order(f"ord_annP{number}")
            here.order(f"ord_annQ{number}", "In progress")
        here.order("ord_annC", "Completed")
        here.order("ord_evesOwn", "In progress", key=EVES_KEY)
        asked = " ".join(f"ord_annM{number}" for number in range(30))
        await self.ann.slash(self.channel, "cancel", orders=f"ord_annP1 ord_annQ1 {asked}")
        here.order("ord_annF", "In progress", upstream=Upstream())
        await self.ann.slash(self.channel, "cancel", orders="ord_annP0 ord_annQ0 ord_annC ord_annX ord_annF")
        await here.settle()
        await here.wait(90)

    def ledger(self) -> list[Any]:
        """Return all that the ledger holds of Ann."""
        return [
            self.here.sql(query, self.ann.id)
            for query in (
                "SELECT id, name, is_default, key_sealed, state FROM accounts WHERE user_id = ? ORDER BY id",
                "SELECT id, state, orders, waiting, message_id FROM requests WHERE user_id = ? ORDER BY id",
                "SELECT c.order_id, c.state, c.ambiguous_attempts, c.due_at, c.notified_at FROM cancellations c"
                " JOIN accounts a ON a.id = c.account_id WHERE a.user_id = ? ORDER BY c.id",
                "SELECT id, state FROM notices WHERE user_id = ? ORDER BY id",
            )
        ]

    async def touched(self, act: Callable[[], Awaitable[Any]]) -> str:
        """Let Eve do something; return all that she was shown, having seen that nothing of Ann's has moved."""
        before, calls = self.ledger(), self.anns_calls()
        result = await act()
        assert self.ledger() == before
        assert self.anns_calls() == calls
        answers = [result.response, *result.followups] if result.response else result.followups
        # An answer that takes the place of a forged card is as public as that.
        pressed = getattr(self.pressed, "id", None)
        assert all(answer.ephemeral for answer in answers if answer.id != pressed)
        files = [await file.read() for answer in answers for file in answer.attachments]
        return "\n".join([*(text_of(answer.components) for answer in answers), *map(repr, files)])

    def anns_calls(self) -> int:
        """Return how many calls the panel got under Ann's key."""
        return sum(call.key == KEY for call in self.here.panel.calls)


@pytest.fixture
async def room(here: World, env: Any) -> Room:
    """A furnished room."""
    with env.time_context():
        made = Room(here)
        await made.furnish()
    return made


def shows_nothing(text: str) -> None:
    """See that a text holds nothing of Ann's."""
    assert not any(secret in text for secret in ANNS), text


def pressable() -> list[tuple[Action, int]]:
    """Return every button and menu with the numbers of what is Ann's: her requests 1 and 2, her notice 1."""
    return [(action, number) for action in PRESSABLE for number in (1, 2)]


@pytest.mark.parametrize(("action", "number"), pressable(), ids=repr)
async def test_no_button_does_anything_with_what_is_anothers(room: Room, action: Action, number: int) -> None:
    for item in pieces(action, number, room.ann.id):
        message = await room.here.post(room.channel, item)
        room.pressed = message

        async def press(message: Any = message, item: Any = item) -> Any:
            if isinstance(item, discord.ui.Select):
                return await room.eve.select(message, [item.options[0].value])
            return await room.eve.click(message, custom_id=item.custom_id)

        shows_nothing(await room.touched(press))


def pieces(action: Action, number: int, ann: int) -> list[Any]:
    """Return a button or menu as Ann's cards have it, for each kind of list that it may be for."""
    found: list[Any] = []
    for kind in ListKind:
        item = PRESSABLE[action]()
        owner = ann if action is actions.UPDATES else number
        item.custom_id = re.sub(r":(request|notice|open|history):", f":{kind}:", item.custom_id).replace(
            str(SOMEBODY), str(owner)
        )
        if item.custom_id not in [one.custom_id for one in found]:
            found.append(item)
    return found


COMMANDS: dict[str, dict[str, Any]] = {
    "key show": {},
    "key default": {"name": "main"},
    "balance": {},
    "queued": {},
    "history": {},
    "status": {"orders": "ord_evesOwn"},
    "refill": {"orders": "ord_evesOwn"},
    "cancel": {"orders": "ord_evesOwn"},
    "help": {},
    "settings": {},
    "forget-me": {},
    "key remove": {},
}


@pytest.mark.parametrize("command", COMMANDS)
async def test_no_command_shows_or_changes_what_is_anothers(room: Room, command: str) -> None:
    shows_nothing(await room.touched(lambda: room.eve.slash(room.channel, command, **COMMANDS[command])))


@pytest.mark.parametrize("command", ["cancel", "status"])
async def test_nobody_is_offered_anothers_orders(room: Room, command: str) -> None:
    assert await room.eve.autocomplete(room.channel, command, "orders", "ord_ann") == []


async def test_what_another_has_asked_for_is_asked_under_ones_own_key(room: Room) -> None:
    """Knowing an order's ID gives nothing: the panel knows no such order under Eve's key."""
    text = await room.touched(lambda: room.eve.slash(room.channel, "status", orders="ord_annQ0"))
    assert "“Order not found”" in text


async def test_ann_herself_is_shown_it(room: Room) -> None:
    """Otherwise nothing above would prove anything."""
    message = await room.here.post(
        room.channel, actions.LIST.button(ListKind.REQUEST, 2), actions.UPDATES.button(room.ann.id)
    )
    news = await room.ann.click(message, custom_id=f"np:news:{room.ann.id}")
    assert "ord_ann" in text_of(news.response.components)
    pressed = await room.ann.click(message, custom_id="np:list:request:2")
    (file,) = [file for answer in (pressed.response, *pressed.followups) for file in answer.attachments]
    assert "ord_annQ0" in (await file.read()).decode()


async def test_the_same_order_of_two_users_is_cancelled_for_each(room: Room) -> None:
    """Nothing of one answers, holds up or is linked to what another asks for: both have keys that see the order."""
    here, twin = room.here, "np-eves-key-of-anns-account"
    here.panel.add_key(twin, beside=KEY)
    await here.connect_in(room.channel, room.eve, twin, "twin")
    here.order("ord_both", "in_progress")
    before = here.panel.cancel_requests["ord_both"]
    await room.ann.slash(room.channel, "cancel", orders="ord_both")
    await here.settle()
    await room.eve.slash(room.channel, "cancel", orders="ord_both", key="twin")
    await here.settle()
    assert here.panel.cancel_requests["ord_both"] == before + 2
    assert here.sql("SELECT COUNT(DISTINCT user_id), COUNT(*) FROM cancellations WHERE order_id = 'ord_both'") == [
        (2, 2)
    ]
    assert here.sql("SELECT COUNT(*) FROM request_orders WHERE linked = 1") == [(0,)]
    assert here.sql("SELECT COUNT(*) FROM accounts WHERE panel_account IS NOT NULL") == [(0,)]
