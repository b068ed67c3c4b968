"""Who runs the bot: the application's owner, or the members of the team that owns it."""

from collections.abc import Awaitable, Callable
from time import monotonic

import discord

_BELIEVED_FOR = 300
"""Seconds for which nobody asks Discord again."""


class Operators:
    """Knows whether somebody runs the bot; Discord is asked when that is first wanted."""

    def __init__(self, application: Callable[[], Awaitable[discord.AppInfo]]) -> None:
        self._application = application
        self._known: frozenset[int] = frozenset()
        self._ask_after = 0.0

    async def include(self, user_id: int) -> bool:
        """Tell whether a user runs the bot; raise what a call to Discord raises."""
        if monotonic() >= self._ask_after:
            self._known = _operators(await self._application())
            self._ask_after = monotonic() + _BELIEVED_FOR
        return user_id in self._known


def _operators(info: discord.AppInfo) -> frozenset[int]:
    if info.team is None:
        return frozenset({info.owner.id})
    accepted = discord.TeamMembershipState.accepted
    return frozenset(member.id for member in info.team.members if member.membership_state is accepted)
