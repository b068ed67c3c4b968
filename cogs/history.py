"""/history: how orders ended."""

import re

from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from bot.client import Client
from bot.records import MOST_DAYS
from bot.states import State
from bot.ui.cards import history_card
from bot.ui.layout import CardView
from bot.ui.words import OUTCOMES
from cogs.common import Interaction, acknowledge, answer

_DAYS = 30


async def look_back(client: Client, user_id: int, text: str) -> CardView:
    """Return the history that a text in a DM asks for, such as "refunded 90"."""
    said, number = text.casefold(), re.search(r"\d{1,9}", text)
    outcome = next((state for state, name in OUTCOMES.items() if re.search(rf"(?<!\w){name}", said)), None)
    days = min(max(int(number[0]), 1), MOST_DAYS) if number else _DAYS
    return history_card(await client.use_cases.records.history(user_id, outcome, days))


class History(commands.Cog):
    """What has ended."""

    @app_commands.command()
    @app_commands.describe(
        outcome="Only orders that ended in this way",
        days=f"How many days to look back (1 to {MOST_DAYS}; otherwise {_DAYS})",
    )
    @app_commands.choices(outcome=[Choice(name=name, value=state.value) for state, name in OUTCOMES.items()])
    async def history(
        self, interaction: Interaction, outcome: str | None = None, days: Range[int, 1, MOST_DAYS] = _DAYS
    ) -> None:
        """How the orders you asked to cancel have ended"""
        await acknowledge(interaction)
        wanted = State(outcome) if outcome else None
        view = await interaction.client.use_cases.records.history(interaction.user.id, wanted, days)
        await answer(interaction, history_card(view))


async def setup(bot: Client) -> None:
    """Register with the client."""
    await bot.add_cog(History())
