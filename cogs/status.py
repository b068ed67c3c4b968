"""/status: what the panel says of orders now."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import buttons
from bot.cards.answers import status_card
from bot.cards.layout import CardView
from bot.client import Client
from bot.domain.errors import NoOrders
from bot.domain.markup import orders_shown
from bot.domain.order_ids import Found
from cogs.common import Interaction, PersistentItem, acknowledge, answer, read_beside
from cogs.suggestions import suggest_keys, suggest_orders


async def look_up(client: Client, user_id: int, found: Found, key: str | int = "") -> CardView:
    """Return a card with the status of every order that was found; `key`: its name or its account."""
    if not found.orders:
        raise NoOrders(found)
    statuses = await client.services.calls.look_up(user_id, found.orders, key)
    return status_card(found.orders, statuses, found.ignored, found.repeats)


class Status(commands.Cog):
    """Asking without changing anything."""

    @app_commands.command(description=locale_str("What NotPanel says about orders right now"))
    @app_commands.autocomplete(orders=suggest_orders, key=suggest_keys)
    @app_commands.describe(
        orders=locale_str("One or several order IDs, separated in any way"),
        key=locale_str("Under which of your keys (otherwise your default)"),
    )
    async def status(
        self, interaction: Interaction, orders: app_commands.Range[str, 1, 6000], key: str | None = None
    ) -> None:
        """Ask the panel."""
        await acknowledge(interaction)
        found = await read_beside(orders_shown, orders)
        await answer(interaction, await look_up(interaction.client, interaction.user.id, found, key or ""))


class ShowStatus(PersistentItem, template=buttons.STATUS):
    """Shows the status of the orders that a question is about, in an answer of its own; for the requester alone."""

    async def press(self, interaction: Interaction) -> None:
        """Ask the panel; the question stands as it is, so that they can still be cancelled."""
        await acknowledge(interaction)
        client, user_id = interaction.client, interaction.user.id
        account_id, orders = await client.services.cancels.asked_about(int(self.values["request"]), user_id)
        await answer(interaction, await look_up(client, user_id, Found(orders, 0, ()), account_id))
