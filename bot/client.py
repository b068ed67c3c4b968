"""The Discord client: loads the cogs, registers commands when their tree changed, answers every error."""

import asyncio
import hashlib
import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot.accounts import Accounts
from bot.arrivals import arrived
from bot.calls import Calls
from bot.cancels import Cancels
from bot.courtesy import Courtesy
from bot.figures import Figures, Operator
from bot.language import Language, speak, speaking, spoken, t, understood
from bot.notices import DELIVERY_ERRORS, Courier
from bot.panel import PanelError
from bot.problems import UserError
from bot.records import Records
from bot.store import Ledger, LedgerUnwritable
from bot.ui.answers import internal_problem, panel_problem, problem, user_problem
from bot.ui.errors import UNWRITABLE
from bot.ui.layout import CardView
from bot.webhooks import Webhooks

log = logging.getLogger(__name__)

COGS = (
    "cogs.key",
    "cogs.cancel",
    "cogs.message_menu",
    "cogs.status",
    "cogs.queued",
    "cogs.balance",
    "cogs.refill",
    "cogs.history",
    "cogs.preferences",
    "cogs.forget",
    "cogs.help",
    "cogs.direct_messages",
    "cogs.news",
    "cogs.lists",
    "cogs.admin",
    "cogs.webhook",
)

_TREE_FACT = "command tree"


class NotAcknowledged(Exception):
    """Discord did not confirm the first answer to an interaction: the user saw a failure, so nothing is done."""


@dataclass(slots=True)
class UseCases:
    """What cogs may call."""

    accounts: Accounts
    calls: Calls
    cancels: Cancels
    records: Records
    courier: Courier
    figures: Figures
    operator: Operator
    webhooks: Webhooks
    courtesy: Courtesy


class Client(commands.AutoShardedBot):
    """A client with the `dm_messages` intent alone: no guild cache, a fifth of the memory."""

    use_cases: UseCases

    def __init__(
        self,
        ledger: Ledger,
        shard_ids: Sequence[int] | None = None,
        shard_count: int | None = None,
        *,
        answered: Callable[[int, bool], None] = lambda _status, _shared: None,
    ) -> None:
        """`answered` is told the HTTP status of each answer of Discord's, and whether a 429 was of a shared limit."""
        shards: dict[str, Any] = {"shard_ids": list(shard_ids)} if shard_ids is not None else {}
        intents = discord.Intents.none()
        intents.dm_messages = True
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents,
            tree_cls=Tree,
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            http_trace=_tracing(answered),
            shard_count=shard_count,
            **shards,
        )
        self.long_lists = asyncio.Lock()
        """Held while an attached list is in memory: one at a time, however many users come with one."""
        self.refilling: set[int] = set()
        """Users for whom a confirmed question about refills is being worked on."""
        self.refills_asked: deque[int] = deque(maxlen=1_000)
        """The messages whose confirmed refills were asked for last."""
        self._ledger = ledger
        self._open_shards: set[int] = set()

    @property
    def connected(self) -> bool:
        """Whether the gateway is open for all shards: Discord sends what happens, as far as anybody can tell."""
        return bool(self._open_shards) and self._open_shards >= self.shards.keys()

    async def setup_hook(self) -> None:
        """Load the cogs, and tell Discord of the commands if they are not the ones it knows."""
        await self.tree.set_translator(Translator())
        for cog in COGS:
            await self.load_extension(cog)
        digest = await self._tree_digest()
        if await self._ledger.read.fact(_TREE_FACT) != digest:
            await self.tree.sync()
            async with self._ledger.write() as tx:
                await tx.set_fact(_TREE_FACT, digest)
            log.info("commands registered with Discord")

    async def on_shard_connect(self, shard_id: int) -> None:
        """Note that the gateway has opened for a shard."""
        self._open_shards.add(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        """Note that the gateway is open again for a shard."""
        self._open_shards.add(shard_id)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """Note that the gateway has closed for a shard; discord.py goes on trying to open it."""
        self._open_shards.discard(shard_id)

    async def on_message(self, message: discord.Message, /) -> None:
        """Leave messages to cogs/direct_messages.py: this bot has no prefix commands."""

    async def _tree_digest(self) -> str:
        translator = self.tree.translator
        assert translator
        tree = [await command.get_translated_payload(self.tree, translator) for command in self.tree.get_commands()]
        content = json.dumps([self.application_id, tree], sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()


class Translator(app_commands.Translator):
    """Tells Discord what commands and options are called in each language that the bot speaks."""

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """Return a text in a language, or None where there is only the English one."""
        with speaking(understood(str(locale))):
            return None if spoken() is Language.ENGLISH else t(string.message)


def _tracing(answered: Callable[[int, bool], None]) -> aiohttp.TraceConfig:
    """Return what has discord.py's own HTTP client report each answer."""

    async def ended(_session: aiohttp.ClientSession, _context: Any, end: aiohttp.TraceRequestEndParams) -> None:
        answered(end.response.status, end.response.headers.get("X-RateLimit-Scope") == "shared")

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(ended)
    return trace


class Tree(app_commands.CommandTree[Client]):
    """Commands that answer in their user's language, and whose every error ends in an answer."""

    async def interaction_check(self, interaction: discord.Interaction[Client], /) -> bool:
        """Name in the log what is answered, and speak the language of the user's Discord client from here on."""
        arrived(interaction.id)
        speak(understood(str(interaction.locale)))
        return True

    async def on_error(self, interaction: discord.Interaction[Client], error: app_commands.AppCommandError, /) -> None:
        """Answer what a command raised."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await answer_error(interaction, cause)


def describe(error: Exception) -> CardView:
    """Return the card that explains an error to the user."""
    match error:
        case UserError():
            return user_problem(error)
        case PanelError():
            return panel_problem(error)
        case LedgerUnwritable():
            return problem(t(UNWRITABLE))
        case _:
            return internal_problem()


async def answer_error(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Answer an interaction that failed, as far as Discord still takes an answer."""
    if isinstance(error, NotAcknowledged | app_commands.CommandNotFound):
        log.info("interaction %d came to nothing: %s", interaction.id, error)
        return
    if not isinstance(error, UserError | PanelError):
        log.error("interaction %d failed", interaction.id, exc_info=error)
    shown = describe(error)
    try:
        if interaction.response.is_done():
            await interaction.followup.send(view=shown.view, ephemeral=True)
        else:
            await interaction.response.send_message(view=shown.view, ephemeral=True)
    except DELIVERY_ERRORS as refused:
        log.warning("interaction %d: not even the error could be shown: %s", interaction.id, refused)
