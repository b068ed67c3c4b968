"""Who answers which button, menu and form: each by its custom_id, so also those of messages from before a restart."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial, wraps
from typing import Any, TypeVar, cast

import discord
from discord.ext import commands

from bot.cards.actions import Action
from bot.cards.language import speak
from bot.cards.layout import CardView
from bot.client import Client, answer_interaction_error
from bot.domain.languages import resolve_locale
from bot.ops.request_context import begin_request
from bot.services.throttle import PAUSE
from cogs.acknowledge import Interaction
from cogs.reply import answer

Handler = Callable[..., Awaitable[None]]
CardHandler = TypeVar("CardHandler", bound=Callable[..., Awaitable[CardView | None]])

HANDLERS: dict[Action, Handler] = {}
"""Filled as the cogs are imported."""


def handles(action: Action) -> Callable[[Handler], Handler]:
    """Register a function for an action: it is called with the interaction and, by name, the parts of the custom_id.

    For a menu it is given `chosen`, the value that was chosen, and for a form `form`, a Form.
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
        data = cast(dict[str, Any], interaction.data or {})
        fields = [label["component"] for label in data["components"] if "component" in label]  # others are texts
        self._fields = {field["custom_id"]: field for field in fields}
        self._files = data.get("resolved", {}).get("attachments", {}).values()
        self._state = interaction._state  # pyright: ignore[reportPrivateUsage]

    def text(self, field: str) -> str:
        """Return what was typed into a field."""
        return self._fields[field]["value"]

    def selected(self, menu: str) -> str:
        """Return what was chosen from a menu; empty where the form has no such menu, or nothing was chosen."""
        return next(iter(self._fields.get(menu, {}).get("values", ())), "")

    def ticked(self, box: str) -> bool:
        """Return whether a box was ticked."""
        return self._fields[box]["value"] is True

    @property
    def attachments(self) -> list[discord.Attachment]:
        """The attached files."""
        return [discord.Attachment(data=file, state=self._state) for file in self._files]


class DispatchCog(commands.Cog):
    """Hears of every button, menu and form."""

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Have it answered, in the user's language, and answer every error."""
        if interaction.type in (discord.InteractionType.component, discord.InteractionType.modal_submit):
            begin_request(interaction.id)
            speak(resolve_locale(str(interaction.locale)))
            try:
                await _dispatch(interaction)
            except Exception as error:
                await answer_interaction_error(interaction, error)


def answering(custom_id: str, *, is_form: bool) -> tuple[Handler, dict[str, Any]] | None:
    """Return who answers a custom_id, and the parts of it by name; None where nobody does."""
    for action, handler in HANDLERS.items():
        given = action.read(custom_id) if action.is_form is is_form else None
        if given is not None:
            return handler, given
    return None


async def _dispatch(interaction: Interaction) -> None:
    data = cast(dict[str, Any], interaction.data or {})
    is_form = interaction.type is discord.InteractionType.modal_submit
    found = answering(data["custom_id"], is_form=is_form)
    if found is None:
        return
    handler, given = found
    if is_form:
        given["form"] = Form(interaction)
    elif data.get("values"):
        given["chosen"] = data["values"][0]
    await handler(interaction, **given)
