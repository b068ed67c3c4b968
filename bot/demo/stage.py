"""The simulated Discord that the demo plays in: a person with a direct message and a server, who owns the bot."""

from dataclasses import dataclass
from typing import Any

import discord
import simcord

from bot.cards.language import _
from bot.client import Client
from bot.demo.locale import set_locale
from bot.demo.person import Person
from bot.demo.sample import Stage
from bot.domain.errors import UserError


@dataclass(frozen=True, slots=True)
class Scene:
    """Where things are."""

    user: Any
    member: Any
    channel: Any
    reported: Any
    """The message in the channel that names orders."""
    menus: list[str]
    """The bot's entries in the menu of a message."""

    @property
    def direct(self) -> Person:
        """The person in their direct messages."""
        return Person(self.user)

    @property
    def in_server(self) -> Person:
        """The person in the server."""
        return Person(self.member, self.channel)


async def set_up(env: simcord.Env, client: Client, stage: Stage, locale: str) -> Scene:
    """Furnish an empty simulated Discord."""
    assert client.user is not None
    await client.user.edit(username="NotPanel bot")
    _answer_for_errors(env)
    user = env.create_user("you", global_name="You")
    set_locale(env, user.id, locale)
    _owned_by(client, user)
    server = env.create_guild("Demo shop", owner=user)
    channel = server.create_text_channel("orders", topic="")
    member = server.add_member(user)
    colleague = server.add_member(env.create_user("maya", global_name="Maya"))
    reported = await colleague.send(
        channel, "\n".join([_("These orders don't move. Can you stop them?"), *stage.reported])
    )
    menus = [command.name for command in client.tree.get_commands(type=discord.AppCommandType.message)]
    return Scene(user, member, channel, reported, menus)


def _owned_by(client: Client, user: Any) -> None:
    """Have Discord say that a user owns the application; SimCord says that the bot owns itself."""
    ask = client.http.application_info

    async def application_info() -> Any:
        owner = {"id": str(user.id), "username": user.name, "discriminator": "0", "avatar": None}
        return {**await ask(), "owner": owner}

    client.http.application_info = application_info


def _answer_for_errors(env: Any) -> None:
    """Keep SimCord from counting as a failure what the bot has answered: a UserError is told on a card."""
    record = env._record_error

    def record_failures(error: BaseException) -> None:
        if not isinstance(getattr(error, "original", error), UserError):
            record(error)

    env._record_error = record_failures
