"""Suggestions while order IDs are being typed: the user's own orders, and nobody else's."""

import logging

from discord import app_commands

from bot.orders import find_orders, last_word
from bot.ui.choices import MOST_CHOICES, order_choices
from cogs.common import Interaction

log = logging.getLogger(__name__)


async def suggest_orders(interaction: Interaction, text: str) -> list[app_commands.Choice[str]]:
    """Offer what the last word may become; nothing where that fails, since one can always type on."""
    typed, part = last_word(text)
    named = set(find_orders(typed).orders)
    try:
        accounts = interaction.client.use_cases.accounts
        orders = await accounts.recent_orders(interaction.user.id, part, MOST_CHOICES + len(named))
    except Exception:
        log.warning("interaction %d: nothing could be suggested", interaction.id, exc_info=True)
        return []
    return order_choices(typed, [order for order in orders if order.order_id not in named])
