"""/status: what the panel says of orders now."""

from functools import partial

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.layout import CardView
from bot.cards.statuses import status_card
from bot.domain.errors import NoOrders
from bot.domain.order_ids import Found
from bot.ledger import OrderAction
from cogs.acknowledge import Interaction
from cogs.dispatch import answers
from cogs.orders import MOST_IN_OPTION, typed_orders
from cogs.reply import Reply, answer
from cogs.suggestions import suggest_keys, suggest_orders


async def look_up(reply: Reply, found: Found, key: str | int = "") -> CardView:
    """Return a card with the status of every order that was found; `key`: its name or its account."""
    if not found.orders:
        raise NoOrders(found)
    async with reply.services.keeping.keeping(reply.user_id, OrderAction.STATUS, found):
        statuses = await reply.services.calls.look_up(reply.user_id, found.orders, key)
    return status_card(found.orders, statuses, found.ignored, found.repeats)


async def _status(reply: Reply, orders: str, key: str) -> CardView:
    return await look_up(reply, await typed_orders(reply, orders), key)


class StatusCog(commands.Cog):
    """Asking without changing anything."""

    @app_commands.command(description=locale_str("What NotPanel says about orders right now"))
    @app_commands.autocomplete(orders=suggest_orders, key=suggest_keys)
    @app_commands.describe(
        orders=locale_str("Order IDs, one or many, separated any way you like"),
        key=locale_str("Which of your keys (your default if left out)"),
    )
    async def status(
        self, interaction: Interaction, orders: app_commands.Range[str, 1, MOST_IN_OPTION], key: str = ""
    ) -> None:
        """Ask the panel."""
        await answer(interaction, partial(_status, orders=orders, key=key))


@answers(actions.STATUS)
async def show_status(reply: Reply, request_id: int) -> CardView:
    """Show the status of the orders that a question is about, for the requester alone.

    The question stands as it is, so that they can still be cancelled.
    """
    request, orders = await reply.services.cancels.asked_about(request_id, reply.user_id)
    return await look_up(reply, Found(orders, 0, ()), request.account_id)
