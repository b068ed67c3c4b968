"""The forms. They only ask: what was typed arrives as an interaction of its own, which cogs/ answer.

discord.py would keep one form of a name for all users, and none over a restart; so its own callbacks do nothing.
"""

from collections.abc import Sequence
from typing import Any

import discord

from bot.cards.language import t

KEY = "np:key"
ORDERS = "np:orders"
KEY_CHOICE = "key"
WEBHOOK_SECRET = "np:webhook-secret"

_MOST_TYPED = 4_000
"""Characters that one field of a form takes (Discord)."""


class _Form(discord.ui.Modal):
    """A form of one text field, and perhaps a file beside it."""

    def __init__(self, title: str, custom_id: str, *fields: discord.ui.Label[discord.ui.Modal]) -> None:
        super().__init__(title=title, custom_id=custom_id)
        for field in fields:
            self.add_item(field)

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Do nothing: `typed` and `uploaded` of `cogs.common` read the answer, whoever opened the form and whenever."""


def key_form(name: str = "") -> discord.ui.Modal:
    """Take an API key: the only way one ever travels, since options and messages can be read by others.

    `name`: what it is to be called; without one it takes the place of the default.
    """
    return _Form(
        t("Key “{name}”", name=name) if name else t("Connect your NotPanel key"),
        f"{KEY}:{name}" if name else KEY,
        discord.ui.Label(
            text=t("API key"),
            description=t("Make one just for this bot: then you can revoke it alone. Stored encrypted."),
            component=discord.ui.TextInput(
                custom_id="key", placeholder=t("Paste the key exactly as NotPanel shows it"), max_length=300
            ),
        ),
    )


def orders_form(keys: Sequence[str] = (), chosen: str = "") -> discord.ui.Modal:
    """Take order IDs in whatever form they were copied, or a file of them; under one of these keys, if there are."""
    return _Form(
        t("Cancel orders"),
        ORDERS,
        discord.ui.Label(
            text=t("Order IDs"),
            description=t("Up to {most} characters; longer lists go into a file.", most=_MOST_TYPED),
            component=discord.ui.TextInput(
                custom_id="orders",
                style=discord.TextStyle.paragraph,
                required=False,
                max_length=_MOST_TYPED,
                placeholder=t("ord_… ord_… one per line, with commas, or a whole message: the IDs are found"),
            ),
        ),
        discord.ui.Label(
            text=t("Or a file"),
            description=t("Text or CSV, up to 10 MB."),
            component=discord.ui.FileUpload(custom_id="file", required=False, min_values=0, max_values=1),
        ),
        *([_key_choice(keys, chosen)] if len(keys) > 1 else []),
    )


def _key_choice(keys: Sequence[str], chosen: str) -> discord.ui.Label[discord.ui.Modal]:
    options = [discord.SelectOption(label=name, value=name, default=name == (chosen or keys[0])) for name in keys]
    return discord.ui.Label(
        text=t("Key"),
        description=t("The orders are cancelled under this key alone."),
        component=discord.ui.Select(custom_id=KEY_CHOICE, options=options, required=True),
    )


def webhook_secret_form() -> discord.ui.Modal:
    """Take the secret that the panel signs its calls with."""
    return _Form(
        t("Signing secret"),
        WEBHOOK_SECRET,
        discord.ui.Label(
            text=t("Secret"),
            description=t("NotPanel shows it once, when the address is registered. Stored encrypted."),
            component=discord.ui.TextInput(custom_id="secret", max_length=300),
        ),
    )
