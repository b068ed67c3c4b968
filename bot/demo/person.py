"""What a person does in the simulated Discord, in a direct message or in a server alike: by the bot's own commands."""

from collections.abc import Sequence
from typing import Any

from simcord.components import walk_components

from bot.cards import actions
from bot.cards.actions import Action
from bot.cards.modals import KEY_FIELD

_LONGEST_OPTION = 6_000
"""Characters of an option (Discord)."""


class Person:
    """Somebody who types commands and presses buttons."""

    def __init__(self, actor: Any, channel: Any = None) -> None:
        """`actor`: SimCord's; without a channel it is a user in a direct message, with one a member of its server."""
        self._actor = actor
        self._where = () if channel is None else (channel,)

    async def command(self, name: str, /, **options: Any) -> Any:
        """Give a slash command."""
        return await self._actor.slash(*self._where, name, **options)

    async def menu(self, name: str, message: Any) -> Any:
        """Choose from the menu of a message; in a server only."""
        return await self._actor.context_menu(*self._where, name, message)

    async def connect(self, key: str, name: str = "") -> None:
        """Give `/key set`, paste a key into its form, and send it."""
        shown = await self.command("key set", **({"name": name} if name else {}))
        if shown.modal is None:
            shown = await self.press(shown, actions.CONNECT)
        if shown is not None and shown.modal is not None:
            await self._actor.submit_modal(shown, {KEY_FIELD: key})

    async def cancel(self, orders: Sequence[str], *, sure: bool = False) -> Any:
        """Give `/cancel`, with a file where there are hundreds; `sure`: say yes to the question that many bring."""
        text = " ".join(orders)
        shown = await self.command("cancel", **_as_option(text))
        if sure:
            await self.press(shown, actions.CONFIRM)
        return shown

    async def press(self, shown: Any, action: Action) -> Any:
        """Press the button of an action in an answer; None where there is none."""
        components = shown.response.components if shown.response else ()
        custom_ids = [str(part.get("custom_id", "")) for part in walk_components(components)]
        custom_id = next((one for one in custom_ids if action.read(one) is not None), None)
        return custom_id and await self._actor.click(shown.response, custom_id=custom_id)


def _as_option(text: str) -> dict[str, Any]:
    return {"orders": text} if len(text) <= _LONGEST_OPTION else {"file": ("orders.txt", text.encode())}
