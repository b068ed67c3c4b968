"""The forms. What is filled in comes as an interaction of its own, which cogs/ answer by its custom_id.

discord.py hands that to the one form of a custom_id that it remembers, whoever's it was, and to none after a restart;
so these forms have no callback.
"""

from collections.abc import Sequence

import discord

from bot.cards.actions import KEY_FORM, ORDERS_FOR_FORM, ORDERS_FORM
from bot.cards.language import _, directed
from bot.domain.dm_words import STATUS

KEY_FIELD, ORDERS_FIELD = "key", "orders"
"""The custom_ids of text fields."""
KEY_CHOICE = "key"
"""The custom_id of a menu of keys."""

MOST_TYPED = 4_000
"""Characters that one field of a form takes (Discord)."""


def _form(title: str, custom_id: str, *fields: discord.ui.Label[discord.ui.Modal], note: str = "") -> discord.ui.Modal:
    form = discord.ui.Modal(title=title, custom_id=custom_id)
    if note:
        form.add_item(discord.ui.TextDisplay(directed(note)))
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
            description=_("Stored encrypted. The command /key remove deletes it."),
            component=discord.ui.TextInput(
                custom_id=KEY_FIELD, placeholder=_("Paste the key exactly as NotPanel shows it"), max_length=300
            ),
        ),
        note=_(
            "Make a key just for this bot: you can revoke it alone. It can also place orders and spend your balance, "
            "which I never do. Discord shows its warning on every form."
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
    by_dm = _("Longer list? Send it to me as a DM: Discord makes a file of it.")
    or_file = _("Longer list? Attach a file, or send it to me as a DM: Discord makes a file of it.")
    return discord.ui.Label(
        text=_("Order IDs"),
        description=by_dm if required else or_file,
        component=discord.ui.TextInput(
            custom_id=ORDERS_FIELD,
            style=discord.TextStyle.paragraph,
            required=required,
            max_length=MOST_TYPED,
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
