"""Suggestions while order IDs or the names of keys are being typed: the user's own, and nobody else's."""

import logging

from discord import app_commands

from bot.cards.choices import MOST_CHOICES, key_choices, order_choices
from bot.domain.errors import Throttled
from bot.domain.order_ids import find_orders, last_word
from bot.services.throttle import SUGGESTION
from cogs.acknowledge import Interaction, speak_as_chosen
from cogs.orders import read_beside

log = logging.getLogger(__name__)


async def suggest_orders(interaction: Interaction, text: str) -> list[app_commands.Choice[str]]:
    """Offer what the last word may become; nothing where that fails, since one can always type on."""
    if not _may_ask(interaction):
        return []
    typed, part = last_word(text)
    named = set((await read_beside(find_orders, typed)).orders)
    try:
        await speak_as_chosen(interaction)
        accounts = interaction.client.services.accounts
        key = str(getattr(interaction.namespace, "key", None) or "")
        orders = await accounts.recent_orders(interaction.user.id, key, part, MOST_CHOICES + len(named))
    except Exception:
        log.warning("interaction %d: nothing could be suggested", interaction.id, exc_info=True)
        return []
    return order_choices(typed, [order for order in orders if order.order_id not in named])


async def suggest_keys(interaction: Interaction, text: str) -> list[app_commands.Choice[str]]:
    """Offer the user's keys with that in their name; nothing where that fails, since one can always type on."""
    if not _may_ask(interaction):
        return []
    try:
        return key_choices(await interaction.client.services.accounts.key_names(interaction.user.id), text)
    except Exception:
        log.warning("interaction %d: no key could be suggested", interaction.id, exc_info=True)
        return []


def _may_ask(interaction: Interaction) -> bool:
    """Count a suggestion: more than anybody can type by hand find nothing."""
    try:
        interaction.client.services.suggesting.admit(interaction.user.id, SUGGESTION)
    except Throttled:
        return False
    return True
