"""/cancel: one order or many, from an option, a file or a form; with a question first where there are many."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import buttons
from bot.cards.keys import which_to_try
from bot.cards.modals import KEY_CHOICE, ORDERS, orders_form
from bot.client import Client
from bot.domain.markup import as_read
from bot.domain.order_ids import Found
from bot.ledger import MessageRef
from cogs.common import (
    Interaction,
    PersistentItem,
    acknowledge,
    answer,
    answering,
    chosen,
    open_form,
    place,
    read_beside,
    show_undelivered,
    typed,
    uploaded,
)
from cogs.files import orders_in
from cogs.suggestions import suggest_keys, suggest_orders


async def ask_for_orders(interaction: Interaction, key: str = "") -> None:
    """Open the form to paste into; it must be the very first answer. It asks for a key where there are several."""
    accounts, user_id = interaction.client.services.accounts, interaction.user.id
    named = (await accounts.choose(user_id, key)).name if key else ""
    await open_form(interaction, orders_form(await accounts.key_names(user_id), named))


async def _cancel(interaction: Interaction, text: str, files: Sequence[discord.Attachment], key: str) -> None:
    message_id = await acknowledge(interaction)
    text = await read_beside(as_read, text)
    found = await orders_in(interaction.client, interaction.user.id, text, files, key=key)
    await begin(interaction, message_id, found, key=key)


async def begin(
    interaction: Interaction, message_id: int, found: Found, *, key: str = "", always_ask: bool = False
) -> None:
    """Write down what was found, and show its card where the acknowledgement stands."""
    services, here = interaction.client.services, place(interaction, message_id)
    request_id = await services.cancels.ask(interaction.user.id, found, here, key=key, always=always_ask)
    await services.courier.show_at_once(request_id)
    await show_undelivered(interaction)


class Cancel(commands.Cog):
    """The command the bot is for."""

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Answer the form."""
        text = typed(interaction, ORDERS)
        if text is not None:
            await answering(
                interaction, _cancel(interaction, text, uploaded(interaction), chosen(interaction, KEY_CHOICE))
            )

    @app_commands.command(description=locale_str("Ask NotPanel to cancel orders, and hear how each one really ended"))
    @app_commands.autocomplete(orders=suggest_orders, key=suggest_keys)
    @app_commands.describe(
        orders=locale_str("One or several order IDs, separated in any way"),
        file=locale_str("A text or CSV file with order IDs, for long lists"),
        key=locale_str("Under which of your keys (otherwise your default)"),
    )
    async def cancel(
        self,
        interaction: Interaction,
        orders: app_commands.Range[str, 1, 6000] | None = None,
        file: discord.Attachment | None = None,
        key: str | None = None,
    ) -> None:
        """Take orders, or open the form where none are given."""
        if orders is None and file is None:
            await ask_for_orders(interaction, key or "")
        else:
            await _cancel(interaction, orders or "", [file] if file else [], key or "")


class Paste(PersistentItem, template=buttons.PASTE):
    """Opens the form to paste into."""

    async def press(self, interaction: Interaction) -> None:
        """Open the form."""
        await ask_for_orders(interaction)


async def _change(
    interaction: Interaction, request: str, how: Callable[[int, int, MessageRef], Awaitable[None]]
) -> None:
    """Change a request of the presser's own, and show its card where the button stood."""
    message_id = await acknowledge(interaction, update=True)
    request_id = int(request)
    await how(request_id, interaction.user.id, place(interaction, message_id))
    await interaction.client.services.courier.show_at_once(request_id)


class Confirm(PersistentItem, template=buttons.CONFIRM):
    """Sends a request that asks first; for the requester alone."""

    async def press(self, interaction: Interaction) -> None:
        """Send it."""
        answer = interaction.client.services.cancels.answer
        await _change(interaction, self.values["request"], partial(answer, go=True))


class Keep(PersistentItem, template=buttons.KEEP):
    """Drops a request that asks first; for the requester alone."""

    async def press(self, interaction: Interaction) -> None:
        """Drop it."""
        answer = interaction.client.services.cancels.answer
        await _change(interaction, self.values["request"], partial(answer, go=False))


class Stop(PersistentItem, template=buttons.STOP):
    """Sends nothing more of a long list; for the requester alone."""

    async def press(self, interaction: Interaction) -> None:
        """Stop it."""
        await _change(interaction, self.values["request"], interaction.client.services.cancels.stop)


class Retry(PersistentItem, template=buttons.RETRY):
    """Tries once more what is only watched; for the requester alone."""

    async def press(self, interaction: Interaction) -> None:
        """Try it."""
        await _change(interaction, self.values["request"], interaction.client.services.cancels.retry)


class TryUnder(PersistentItem, template=buttons.TRY_UNDER):
    """Asks whether to try under another key what was not found, in an answer of its own; for the owner alone."""

    async def press(self, interaction: Interaction) -> None:
        """Ask; pressed again it asks again, and an order that is being cancelled by then is joined."""
        message_id = await acknowledge(interaction)
        services, here = interaction.client.services, place(interaction, message_id)
        (kind, list_id), account_id = self.whole_list, int(self.values["account"])
        request_id = await services.cancels.ask_under_another_key(kind, list_id, interaction.user.id, account_id, here)
        await services.courier.show_at_once(request_id)
        await show_undelivered(interaction)


class TryOthers(PersistentItem, template=buttons.TRY_OTHERS):
    """Asks under which of the presser's many keys to try what was not found."""

    async def press(self, interaction: Interaction) -> None:
        """Ask."""
        await acknowledge(interaction)
        kind, list_id = self.whole_list
        keys = await interaction.client.services.cancels.other_keys(kind, list_id, interaction.user.id)
        await answer(interaction, which_to_try(kind, list_id, keys))
