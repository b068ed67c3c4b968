"""Who answers which button, menu and form: each by its custom_id, so also those of messages from before a restart."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial, wraps
from typing import Any, TypeVar, cast

import discord
from discord.ext import commands

from bot.cards.actions import Action, read_part
from bot.cards.language import speak
from bot.cards.layout import CardView
from bot.client import Client, answer_interaction_error
from bot.domain.errors import OutdatedControl
from bot.domain.languages import resolve_locale
from bot.ops.request_context import begin_request
from bot.services.throttle import PAUSE
from cogs.acknowledge import Interaction
from cogs.reply import Reply, answer

Handler = Callable[..., Awaitable[None]]
T = TypeVar("T")
CardHandler = TypeVar("CardHandler", bound=Callable[..., Awaitable[CardView | None]])

HANDLERS: dict[Action, Handler] = {}
"""Filled as the cogs are imported."""


def handles(action: Action) -> Callable[[Handler], Handler]:
    """Register a function for an action: it is called with the interaction and, by name, the parts of the custom_id.

    For a form it is given `form`, a Form.
    """

    def register(handler: Handler) -> Handler:
        assert action not in HANDLERS, action
        HANDLERS[action] = handler
        return handler

    return register


def answers(action: Action, *, update: bool = False, cost: timedelta = PAUSE) -> Callable[[CardHandler], CardHandler]:
    """Register a function that is called with a Reply in place of the interaction, and returns the card to show.

    `update`: the card takes the place of the one whose button was pressed; `cost`: what it counts for (throttle.py).
    """

    def register(handler: CardHandler) -> CardHandler:
        @wraps(handler)
        async def acknowledged(interaction: Interaction, **given: Any) -> None:
            await answer(interaction, partial(handler, **given), update=update, cost=cost)

        handles(action)(acknowledged)
        return handler

    return register


class Form:
    """What a person has filled in."""

    def __init__(self, interaction: Interaction) -> None:
        data = _data_of(interaction)
        fields = [label["component"] for label in data["components"] if "component" in label]  # others are texts
        self._fields = {field["custom_id"]: field for field in fields}
        self._files = data.get("resolved", {}).get("attachments", {}).values()
        self._state = interaction._state  # pyright: ignore[reportPrivateUsage]

    def text(self, field: str) -> str:
        """Return what was typed into a field, or chosen of its buttons; raise OutdatedControl where it is missing."""
        return _expect(str, self._fields.get(field, {}).get("value"))

    def part(self, field: str) -> Any:
        """Return what was chosen in a field with the name of a part (see `read_part`); raise OutdatedControl."""
        return read_part(field, self.selected(field) or self.text(field))

    def selected(self, menu: str) -> str:
        """Return what was chosen from a menu; empty where the form has no such menu, or nothing was chosen."""
        return _expect(str, next(iter(self._fields.get(menu, {}).get("values", ())), ""))

    def ticked(self, box: str) -> bool:
        """Return whether a box was ticked; raise OutdatedControl where it is missing."""
        return _expect(bool, self._fields.get(box, {}).get("value"))

    @property
    def attachments(self) -> list[discord.Attachment]:
        """The attached files."""
        return [discord.Attachment(data=file, state=self._state) for file in self._files]


def _expect(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise OutdatedControl
    return value


class DispatchCog(commands.Cog):
    """Hears of every button, menu and form."""

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Have it answered, in the user's language, and answer every error."""
        if interaction.type in (discord.InteractionType.component, discord.InteractionType.modal_submit):
            begin_request(interaction.id)
            speak(resolve_locale(str(interaction.locale)))
            try:
                data = _data_of(interaction)
                await perform(interaction, data["custom_id"], *data.get("values", ()))
            except Exception as error:
                await answer_interaction_error(interaction, error)


async def perform(interaction: Interaction, custom_id: str, *chosen: str) -> None:
    """Have a custom_id answered, with what was `chosen` if it is a menu's; say so where it is nobody's."""
    is_form = interaction.type is discord.InteractionType.modal_submit
    for action, handler in HANDLERS.items():
        given = action.read(custom_id, *chosen) if action.is_form is is_form else None
        if given is not None:
            form = {"form": Form(interaction)} if is_form else {}
            await handler(interaction, **given, **form)
            return
    await answer(interaction, _refuse)


async def _refuse(_reply: Reply) -> None:
    raise OutdatedControl


def _data_of(interaction: Interaction) -> dict[str, Any]:
    return cast(dict[str, Any], interaction.data or {})
