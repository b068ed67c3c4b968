"""The forms. They only ask: what was typed arrives as an interaction of its own, which cogs/ answer.

discord.py would keep one form of a name for all users, and none over a restart; so its own callbacks do nothing.
"""

from typing import Any

import discord

KEY = "np:key"
ORDERS = "np:orders"


class _Form(discord.ui.Modal):
    """A form of one text field."""

    def __init__(
        self, title: str, custom_id: str, label: str, hint: str, field: discord.ui.TextInput[discord.ui.Modal]
    ) -> None:
        super().__init__(title=title, custom_id=custom_id)
        self.add_item(discord.ui.Label(text=label, description=hint, component=field))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Do nothing: `cogs.common.typed` reads the answer, whoever opened the form and whenever."""


def key_form() -> discord.ui.Modal:
    """Take the API key: the only way one ever travels, since options and messages can be read by others."""
    return _Form(
        "Connect your NotPanel key",
        KEY,
        "API key",
        "Make one just for this bot: then you can revoke it alone. Stored encrypted.",
        discord.ui.TextInput(custom_id="key", placeholder="Paste the key exactly as NotPanel shows it", max_length=300),
    )


def orders_form() -> discord.ui.Modal:
    """Take order IDs in whatever form they were copied."""
    return _Form(
        "Cancel orders",
        ORDERS,
        "Order IDs",
        "Up to 4,000 characters; for more use /cancel with a file.",
        discord.ui.TextInput(
            custom_id="orders",
            style=discord.TextStyle.paragraph,
            max_length=4_000,
            placeholder="ord_… ord_… one per line, with commas, or a whole message: the IDs are found",
        ),
    )
