"""/refill: ask the panel to deliver again what an order has lost."""

from collections.abc import Awaitable, Callable

from discord import app_commands
from discord.ext import commands

from bot.client import Client, describe
from bot.orders import find_orders
from bot.panel import PanelError
from bot.problems import NoOrders, UserError
from bot.store import LedgerError
from bot.ui.layout import CardView
from bot.ui.refills import refills_card, refills_under_way
from cogs.common import Interaction, acknowledge, answer


async def ask_for_refills(
    client: Client, user_id: int, text: str, show: Callable[[CardView], Awaitable[object]]
) -> CardView:
    """Ask for a refill of every order named in a text, and return the card that tells what came of it.

    Before anything is sent `show` has put up what is being asked for: no later call could find that out again.
    """
    found, accounts = find_orders(text), client.use_cases.accounts
    if not found.orders:
        raise NoOrders(found)
    await accounts.usable(user_id)
    await show(refills_under_way(found.orders))
    try:
        result = await accounts.refill(user_id, found.orders)
    except (UserError, PanelError, LedgerError) as error:
        return describe(error)  # in the place of what was under way
    return refills_card(found.orders, result, found.ignored, found.repeats)


class Refill(commands.Cog):
    """The one command that acts at the panel by itself: a refill has no status to be watched."""

    @app_commands.command()
    @app_commands.describe(orders="One or several order IDs, separated in any way")
    async def refill(self, interaction: Interaction, orders: app_commands.Range[str, 1, 6000]) -> None:
        """Ask NotPanel to refill completed or partly delivered orders"""
        await acknowledge(interaction)

        async def show(shown: CardView) -> None:
            await interaction.edit_original_response(view=shown.view)

        await answer(interaction, await ask_for_refills(interaction.client, interaction.user.id, orders, show))


async def setup(bot: Client) -> None:
    """Register with the client."""
    await bot.add_cog(Refill())
