"""/history: how orders ended."""

import re
from functools import partial

from discord import app_commands
from discord.app_commands import Choice, Range, locale_str
from discord.ext import commands

from bot.cards.actions import read_part
from bot.cards.history import history_card
from bot.cards.language import _
from bot.cards.layout import CardView
from bot.cards.words import OUTCOMES
from bot.domain.states import CANCELLED_IN_0_1_0, State
from bot.services.records import MOST_DAYS
from cogs.acknowledge import Interaction
from cogs.reply import Reply, answer

_DAYS = 30
_NAMED = [*((name, state) for state, name in OUTCOMES.items()), (CANCELLED_IN_0_1_0, State.CANCELLED)]


async def look_back(reply: Reply, text: str) -> CardView:
    """Return the history that a text in a DM asks for, such as "cancelled 90"."""
    said, number = text.casefold(), re.search(r"\d{1,9}", text)
    outcome = next((state for name, state in _NAMED if _names(said, name)), None)
    days = min(max(int(number[0]), 1), MOST_DAYS) if number else _DAYS
    return await _history(reply, outcome, days)


async def _history(reply: Reply, outcome: State | None, days: int) -> CardView:
    return history_card(await reply.services.records.history(reply.user_id, outcome, days))


def _names(said: str, outcome: str) -> bool:
    """Tell whether an outcome is named, in English or in the spoken language."""
    return any(re.search(rf"(?<!\w){re.escape(name.casefold())}", said) for name in (outcome, _(outcome)))


class HistoryCog(commands.Cog):
    """What has ended."""

    @app_commands.command(description=locale_str("How your cancel requests ended"))
    @app_commands.describe(
        outcome=locale_str("Only orders that ended in this way"),
        days=locale_str("How many days to look back: 1 to 365 (30 if left out)"),
    )
    @app_commands.choices(
        outcome=[Choice(name=locale_str(name), value=state.value) for state, name in OUTCOMES.items()]
    )
    async def history(
        self, interaction: Interaction, outcome: str | None = None, days: Range[int, 1, MOST_DAYS] = _DAYS
    ) -> None:
        """Show it."""
        wanted = read_part("outcome", outcome) if outcome else None
        await answer(interaction, partial(_history, outcome=wanted, days=days))
