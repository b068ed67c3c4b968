"""The forms. They only ask: what was typed arrives as an interaction of its own, which cogs/ answer.

discord.py would keep one form of a name for all users, and none over a restart; so its own callbacks do nothing.
"""

from typing import Any

import discord

KEY = "np:key"
ORDERS = "np:orders"


class _Form(discord.ui.Modal):
    """A form of one text field, and perhaps a file beside it."""

    def __init__(self, title: str, custom_id: str, *fields: discord.ui.Label[discord.ui.Modal]) -> None:
        super().__init__(title=title, custom_id=custom_id)
        for field in fields:
            self.add_item(field)

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Do nothing: `typed` and `uploaded` of `cogs.common` read the answer, whoever opened the form and whenever."""


def key_form() -> discord.ui.Modal:
    """Take the API key: the only way one ever travels, since options and messages can be read by others."""
    return _Form(
        "Connect your NotPanel key",
        KEY,
        discord.ui.Label(
            text="API key",
            description="Make one just for this bot: then you can revoke it alone. Stored encrypted.",
            component=discord.ui.TextInput(
                custom_id="key", placeholder="Paste the key exactly as NotPanel shows it", max_length=300
            ),
        ),
    )


def orders_form() -> discord.ui.Modal:
    """Take order IDs in whatever form they were copied, or a file of them."""
    return _Form(
        "Cancel orders",
        ORDERS,
        discord.ui.Label(
            text="Order IDs",
            description="Up to 4,000 characters; longer lists go into a file.",
            component=discord.ui.TextInput(
                custom_id="orders",
                style=discord.TextStyle.paragraph,
                required=False,
                max_length=4_000,
                placeholder="ord_… ord_… one per line, with commas, or a whole message: the IDs are found",
            ),
        ),
        discord.ui.Label(
            text="Or a file",
            description="Text or CSV, up to 10 MB.",
            component=discord.ui.FileUpload(custom_id="file", required=False, min_values=0, max_values=1),
        ),
    )
