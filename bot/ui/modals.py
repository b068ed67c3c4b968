"""The modals: forms only; what happens on submit is handed in by cogs/."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord

Submit = Callable[[discord.Interaction[Any], str], Awaitable[None]]
Failed = Callable[[discord.Interaction[Any], Exception], Awaitable[None]]


class _TextModal(discord.ui.Modal):
    """A form of one text field; whatever goes wrong on submit takes the same path as a command's error."""

    def __init__(
        self,
        title: str,
        custom_id: str,
        label: str,
        hint: str,
        field: discord.ui.TextInput[discord.ui.Modal],
        submit: Submit,
        failed: Failed,
    ) -> None:
        super().__init__(title=title, custom_id=custom_id)
        self._field = field
        self._submit = submit
        self._failed = failed
        self.add_item(discord.ui.Label(text=label, description=hint, component=field))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Hand the text over."""
        await self._submit(interaction, self._field.value)

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Answer the user like any command does."""
        await self._failed(interaction, error)


def key_modal(submit: Submit, failed: Failed) -> discord.ui.Modal:
    """Take the API key: the only way one ever travels, since options and messages can be read by others."""
    field: discord.ui.TextInput[discord.ui.Modal] = discord.ui.TextInput(
        custom_id="key", placeholder="Paste the key exactly as NotPanel shows it", max_length=300
    )
    return _TextModal(
        "Connect your NotPanel key",
        "np:key",
        "API key",
        "Make one just for this bot: then you can revoke it alone. Stored encrypted.",
        field,
        submit,
        failed,
    )


def paste_modal(submit: Submit, failed: Failed) -> discord.ui.Modal:
    """Take order IDs in whatever form they were copied."""
    field: discord.ui.TextInput[discord.ui.Modal] = discord.ui.TextInput(
        custom_id="orders",
        style=discord.TextStyle.paragraph,
        max_length=4_000,
        placeholder="ord_… ord_… one per line, with commas, or a whole message: the IDs are found",
    )
    return _TextModal(
        "Cancel orders",
        "np:orders",
        "Order IDs",
        "Up to 4,000 characters; for more use /cancel with a file.",
        field,
        submit,
        failed,
    )
