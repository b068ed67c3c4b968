"""The forms. What is filled in comes as an interaction of its own, which cogs/ answer by its custom_id.

discord.py hands that to the one form of a custom_id that it remembers, whoever's it was, and to none after a restart;
so these forms have no callback.
"""

from collections.abc import Sequence

import discord

from bot.cards.actions import KEY_FORM, ORDERS_FOR_FORM, ORDERS_FORM
from bot.cards.language import _
from bot.domain.dm_words import STATUS

KEY_FIELD, ORDERS_FIELD = "key", "orders"
"""The custom_ids of text fields."""
KEY_CHOICE = "key"
"""The custom_id of a menu of keys."""

_MOST_TYPED = 4_000
"""Characters that one field of a form takes (Discord)."""


def _form(title: str, custom_id: str, *fields: discord.ui.Label[discord.ui.Modal]) -> discord.ui.Modal:
    form = discord.ui.Modal(title=title, custom_id=custom_id)
    for field in fields:
        form.add_item(field)
    return form


def key_form(name: str = "") -> discord.ui.Modal:
    """Take an API key: the only way one ever travels, since options and messages can be read by others.

    `name`: what it is to be called; without one it takes the place of the default.
    """
    return _form(
        _("Key “{name}”", name=name) if name else _("Connect your NotPanel key"),
        KEY_FORM.custom_id(name),
        discord.ui.Label(
            text=_("API key"),
            description=_("Make one just for this bot: then you can revoke it alone. Stored encrypted."),
            component=discord.ui.TextInput(
                custom_id=KEY_FIELD, placeholder=_("Paste the key exactly as NotPanel shows it"), max_length=300
            ),
        ),
    )


def orders_form(keys: Sequence[str] = (), chosen: str = "") -> discord.ui.Modal:
    """Take order IDs in whatever form they were copied, or a file of them; under one of these keys, if there are."""
    return _form(
        _("Cancel orders"),
        ORDERS_FORM.custom_id(),
        _orders_field(required=False),
        discord.ui.Label(
            text=_("Or a file"),
            description=_("Text or CSV, up to 10 MB."),
            component=discord.ui.FileUpload(custom_id="file", required=False, min_values=0, max_values=1),
        ),
        *([_key_choice(keys, chosen)] if len(keys) > 1 else []),
    )


def orders_for_form(verb: str) -> discord.ui.Modal:
    """Take order IDs to check or to refill."""
    title = _("Check status") if verb == STATUS else _("Refill orders")
    return _form(title, ORDERS_FOR_FORM.custom_id(verb), _orders_field(required=True))


def _orders_field(*, required: bool) -> discord.ui.Label[discord.ui.Modal]:
    return discord.ui.Label(
        text=_("Order IDs"),
        description=_("Up to {most} characters; longer lists go into a file.", most=_MOST_TYPED),
        component=discord.ui.TextInput(
            custom_id=ORDERS_FIELD,
            style=discord.TextStyle.paragraph,
            required=required,
            max_length=_MOST_TYPED,
            placeholder=_("ord_… ord_… one per line, with commas, or a whole message: the IDs are found"),
        ),
    )


def _key_choice(keys: Sequence[str], chosen: str) -> discord.ui.Label[discord.ui.Modal]:
    options = [discord.SelectOption(label=name, value=name, default=name == (chosen or keys[0])) for name in keys]
    return discord.ui.Label(
        text=_("Key"),
        description=_("The orders are cancelled under this key alone."),
        component=discord.ui.Select(custom_id=KEY_CHOICE, options=options, required=True),
    )
