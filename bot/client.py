"""The Discord client: loads the cogs, keeps the gateway open, answers every error."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

import aiohttp
import discord
from discord import app_commands
from discord.backoff import ExponentialBackoff
from discord.ext import commands

from bot.cards.answers import internal_problem, panel_problem, problem, user_problem
from bot.cards.connecting import key_steps
from bot.cards.errors import UNREACHABLE, UNWRITABLE
from bot.cards.language import _, speak, use_language
from bot.cards.layout import CardView
from bot.cards.mentions import current_commands
from bot.delivery.card_updater import CardUpdater
from bot.delivery.check_results import CheckResults
from bot.delivery.hello import Greeter
from bot.delivery.living_messages import LivingMessages
from bot.delivery.notification_sender import NotificationSender
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.domain.errors import NoKey, UserError
from bot.domain.languages import Language, resolve_locale
from bot.domain.links import SERVER_INSTALL, USER_INSTALL, Links, with_invitation
from bot.ledger import LedgerError, LedgerUnsure, LedgerUnwritable
from bot.ops.admission import MOST_AT_WORK, Admission
from bot.ops.health import Health
from bot.ops.metrics import Metrics
from bot.ops.operators import Operators
from bot.ops.request_context import begin_request, lose_answer
from bot.ops.session_starts import SessionStarts, TooFewSessions
from bot.panel import PanelError
from bot.services.cancels import Cancels
from bot.services.erasing import Erasing
from bot.services.file_reading import ReadingRoom
from bot.services.keeping import Keeping
from bot.services.keys import Accounts
from bot.services.lists import Lists
from bot.services.panel_calls import PanelCalls
from bot.services.records import Records
from bot.services.throttle import UserThrottle
from bot.services.user_turns import LISTS_AT_ONCE, MOST_LISTS_WAITING, RefillTurns, UserTurns
from bot.services.webhooks import Webhooks

log = logging.getLogger(__name__)

_RECONNECT_WITHIN = 45
"""Seconds between two tries to open the gateway, at most. A try takes some, too, and a minute is to be enough."""
_FEW_SESSIONS = 200
"""In a day and by this process. Discord allows 1,000 to all processes of a bot, then it resets the token."""
_DAY = 24 * 60 * 60  # seconds
_LIMIT_SECONDS = 20
"""To ask how many sessions may be begun. discord.py gives 60 seconds to all that it takes to open the gateway again."""
_MEANWHILE = (
    "What was accepted goes on; commands do not arrive. "
    "Look in the log for what starts the bot, or closes its gateway, again and again."
)


class NotAcknowledged(Exception):
    """Discord did not confirm the first answer to an interaction, so nothing is done."""


class TooBusy(NotAcknowledged):
    """There is too much to do: the first answer said so."""


@dataclass(slots=True)
class Services:
    """What cogs may call."""

    accounts: Accounts
    calls: PanelCalls
    cancels: Cancels
    records: Records
    lists: Lists
    erasing: Erasing
    card_updater: CardUpdater
    notification_sender: NotificationSender
    check_results: CheckResults
    living_messages: LivingMessages
    metrics: Metrics
    health: Health
    webhooks: Webhooks
    throttle: UserThrottle
    suggesting: UserThrottle
    links: Links
    """What the operator has named; see `Client.links`."""
    keys_page: str
    """Where users make API keys."""
    keeping: Keeping
    greeter: Greeter
    reading_room: ReadingRoom = field(default_factory=ReadingRoom)
    list_turns: UserTurns = field(default_factory=lambda: UserTurns(LISTS_AT_ONCE, MOST_LISTS_WAITING))
    refill_turns: RefillTurns = field(default_factory=RefillTurns)


class Client(commands.AutoShardedBot):
    """A client with the `dm_messages` intent alone: no guild cache, a fifth of the memory."""

    services: Services
    """Given by bot/app.py: what is delivered goes out by this client."""

    def __init__(
        self,
        shard_ids: Sequence[int] | None = None,
        shard_count: int | None = None,
        *,
        add_cogs: "Callable[[Client], Awaitable[None]]",
        answered: Callable[[int, bool], None] = lambda _status, _shared: None,
    ) -> None:
        """`add_cogs` adds the commands, at the login.

        `answered` is told the HTTP status of each answer of Discord's, and whether a 429 was of a shared limit.
        """
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
        self._add_cogs = add_cogs
        self.admission = Admission()
        self.operators = Operators(lambda: self.application_info())
        self.command_ids = current_commands()
        """Filled by bot/ops/registration.py."""
        self._open_shards: set[int] = set()
        self._was_ready = False
        self._sessions: deque[float] = deque(maxlen=_FEW_SESSIONS)
        """When the last sessions were begun, by the machine's monotonic clock."""
        self.session_starts = SessionStarts(self._session_limit)

    @property
    def links(self) -> Links:
        """Where users are led from /help, the invitation among it."""
        return with_invitation(self.services.links, self.application_id)

    @property
    def connected(self) -> bool:
        """Whether the gateway is open for all shards: Discord sends what happens, as far as anybody can tell."""
        return bool(self._open_shards) and self._open_shards >= self.shards.keys()

    async def setup_hook(self) -> None:
        """Add the commands. Discord is told of them beside all else (bot/ops/registration.py)."""
        await self.tree.set_translator(Translator())
        await self._add_cogs(self)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait as discord.py does before a session is begun, and count it; raise TooFewSessions."""
        await super().before_identify_hook(shard_id, initial=initial)
        try:
            async with asyncio.timeout(_LIMIT_SECONDS):
                await self.session_starts.check()
        except DELIVERY_ERRORS as error:  # an API that is away does not keep the gateway closed
            log.info("how many sessions may still be begun is not known: %s", error or type(error).__name__)
        if waiting := self.session_starts.waiting:
            raise TooFewSessions(f"{waiting}. {_MEANWHILE}")
        self.session_starts.begun()
        self._sessions.append(monotonic())

    async def launch_shards(self) -> None:
        """Open the gateway for all shards of this process; raise discord.GatewayNotFound."""
        if self.shard_count is None and not self.is_closed():  # pyright: ignore[reportUnnecessaryComparison]
            # As discord.py does, which forgets the limit. It names the address, too: discord.py's own is the same.
            self.shard_count, _url, limit = await self.http.get_bot_gateway()
            self.session_starts.note(limit)  # pyright: ignore[reportArgumentType]
        await super().launch_shards()

    async def launch_shard(self, gateway: Any, shard_id: int, *, initial: bool = False) -> None:
        """Open the gateway for a shard as soon as a session may be begun; raise discord.GatewayNotFound.

        It is to be open again soon after Discord has been away.
        """
        while seconds := await self.session_starts.check():
            log.warning("%s. %s", self.session_starts.waiting, _MEANWHILE)
            await asyncio.sleep(seconds)
        await super().launch_shard(gateway, shard_id, initial=initial)
        shard: Any = self.shards[shard_id]._parent  # pyright: ignore[reportPrivateUsage]
        shard._backoff = _Pauses(self._sessions, self.session_starts)  # discord.py has no setting for it

    async def _session_limit(self) -> Mapping[str, int]:
        _shards, _url, limit = await self.http.get_bot_gateway()
        return limit  # pyright: ignore[reportReturnType]

    async def on_shard_connect(self, shard_id: int) -> None:
        """Note that the gateway has opened for a shard."""
        self._open_shards.add(shard_id)
        if self.connected and not self._was_ready:
            self._was_ready = True
            self._greet_operator()

    def _greet_operator(self) -> None:
        # The gateway has just listed the servers; later changes are not followed, as the intents leave them out.
        servers = f"{len(self.guilds):,} server{'' if len(self.guilds) == 1 else 's'}"
        log.info("ready as %s in %s", self.user and self.user.name, servers)
        log.info("to add it to a server: %s", SERVER_INSTALL.format(application_id=self.application_id))
        log.info("to install it for yourself: %s", USER_INSTALL.format(application_id=self.application_id))

    async def on_shard_resumed(self, shard_id: int) -> None:
        """Note that the gateway is open again for a shard."""
        self._open_shards.add(shard_id)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """Note that the gateway has closed for a shard; discord.py goes on trying to open it."""
        self._open_shards.discard(shard_id)

    async def on_message(self, message: discord.Message, /) -> None:
        """Leave messages to cogs/direct_messages.py: this bot has no prefix commands."""


class _Pauses(ExponentialBackoff[Literal[False]]):
    """Pauses between tries to open the gateway.

    discord.py's own grow to 17 minutes, which keeps a bot away for as long after an outage of some hours. They stay
    where many sessions were begun of late: a gateway that opens and breaks off at once would use up a day's. Where
    Discord allows no more, the pause lasts until it does.
    """

    def __init__(self, sessions: deque[float], starts: SessionStarts) -> None:
        super().__init__()
        self._sessions = sessions
        self._starts = starts

    def delay(self) -> float:
        """Return the next pause in seconds."""
        if wait := self._starts.wait:
            return wait
        pause, since = super().delay(), monotonic() - _DAY
        few = len(self._sessions) < _FEW_SESSIONS or self._sessions[0] < since
        return min(pause, _RECONNECT_WITHIN) if few else pause


class Translator(app_commands.Translator):
    """Tells Discord what commands and options are called in each language that the bot speaks.

    In Arabic it is told as soon as discord.py knows that locale, which Discord's documentation does not name yet.
    """

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """Return a text in a language, or None where there is only the English one."""
        language = resolve_locale(locale.value)
        if language is Language.ENGLISH:
            return None
        with use_language(language):
            return _(string.message, count=2)  # outcomes to choose from are of many orders


def _tracing(answered: Callable[[int, bool], None]) -> aiohttp.TraceConfig:
    """Return what has discord.py's own HTTP client report each answer."""

    async def ended(_session: aiohttp.ClientSession, _context: Any, end: aiohttp.TraceRequestEndParams) -> None:
        answered(end.response.status, end.response.headers.get("X-RateLimit-Scope") == "shared")
        if end.response.status >= 500:
            lose_answer()

    async def broke(*_: Any) -> None:
        lose_answer()

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(ended)
    trace.on_request_exception.append(broke)
    return trace


class Tree(app_commands.CommandTree[Client]):
    """Commands that answer in their user's language, and whose every error ends in an answer."""

    async def interaction_check(self, interaction: discord.Interaction[Client], /) -> bool:
        """Name in the log what is answered, and speak the language of the user's Discord client from here on."""
        begin_request(interaction.id)
        speak(resolve_locale(str(interaction.locale)))
        return True

    async def on_error(self, interaction: discord.Interaction[Client], error: app_commands.AppCommandError, /) -> None:
        """Answer what a command raised."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await answer_interaction_error(interaction, cause)


def error_card(error: Exception, keys_page: str) -> CardView:
    """Return the card that explains an error to the user; `keys_page`: where they make API keys."""
    match error:
        case NoKey():
            return key_steps(keys_page, error.kept)
        case UserError():
            return user_problem(error)
        case PanelError():
            return panel_problem(error)
        case LedgerUnwritable():
            return problem(_(UNWRITABLE))
        case LedgerUnsure():
            return internal_problem()
        case LedgerError():
            return problem(_(UNREACHABLE))
        case _:
            return internal_problem()


async def answer_error(
    error: Exception, what: str, show: Callable[[CardView], Awaitable[object]], keys_page: str
) -> None:
    """Show an error to the user as far as Discord still takes an answer; `what` has failed, for the log."""
    if not isinstance(error, UserError | PanelError):
        log.error("%s failed", what, exc_info=error)
    try:
        await show(error_card(error, keys_page))
    except DELIVERY_ERRORS as refused:
        log.warning("%s: not even the error could be shown: %s", what, refused)


async def answer_interaction_error(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Answer an interaction that failed before it was acknowledged, or could not be."""

    async def show(shown: CardView) -> None:
        if interaction.response.is_done():
            await interaction.followup.send(view=shown.view, ephemeral=True)
        else:
            await interaction.response.send_message(view=shown.view, ephemeral=True)

    match error:
        case TooBusy():
            log.warning("turned away: %d commands and presses are at work", MOST_AT_WORK)
        case NotAcknowledged() | app_commands.CommandNotFound():
            log.info("interaction %d came to nothing: %s", interaction.id, error)
        case _:
            await answer_error(error, f"interaction {interaction.id}", show, interaction.client.services.keys_page)
