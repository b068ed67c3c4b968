"""/admin: how the bot is doing, for whoever runs it and nobody else."""

from time import monotonic

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards.admin import admin_card
from bot.cards.layout import CardView
from bot.client import Client
from bot.domain.errors import NotOperator
from cogs.acknowledge import Interaction
from cogs.reply import Reply, answer

_BELIEVED_FOR = 300
"""Seconds for which nobody asks Discord again who runs the bot."""


class AdminCog(commands.Cog):
    """What the operator is shown."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._operators: frozenset[int] = frozenset()
        self._ask_after = 0.0

    @app_commands.command(description=locale_str("How the bot is doing; for whoever runs it"))
    async def admin(self, interaction: Interaction) -> None:
        """Show metrics and health."""
        await answer(interaction, self._overview)

    async def _overview(self, reply: Reply) -> CardView:
        if reply.user_id not in await self._who_runs_it():
            raise NotOperator
        health = reply.services.health
        return admin_card(health, await health.standing())

    async def _who_runs_it(self) -> frozenset[int]:
        """Return the application's owner, or those who have joined the team that owns it."""
        if monotonic() >= self._ask_after:
            info = await self._bot.application_info()
            self._operators = _operators(info)
            self._ask_after = monotonic() + _BELIEVED_FOR
        return self._operators


def _operators(info: discord.AppInfo) -> frozenset[int]:
    if info.team is None:
        return frozenset({info.owner.id})
    joined = discord.TeamMembershipState.accepted
    return frozenset(member.id for member in info.team.members if member.membership_state is joined)
