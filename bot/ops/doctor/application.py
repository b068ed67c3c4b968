"""Checks Discord: the token, the privileged intents, and the application in the developer portal."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
from pydantic import SecretStr

from bot.domain.clock import Clock
from bot.ops.doctor.clock import ClockReading
from bot.ops.doctor.finding import ATTENTION, FAILED, OK, Finding
from bot.panel import read_date

SHARDS_FROM = 2_500
"""Servers from which Discord wants an application to be sharded."""
_PATIENCE = 20
"""Seconds for Discord to answer."""


class NoApplication(StrEnum):
    """Why Discord said nothing of the application."""

    NO_TOKEN = "no token"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Application:
    """What Discord tells of the bot's application."""

    name: str
    id: int
    privileged: tuple[str, ...] = ()
    """Privileged intents that are switched on, as the developer portal calls them."""
    interactions_go_elsewhere: bool = False
    needs_code_grant: bool = False
    is_public: bool = True
    installs: tuple[str, ...] | None = None
    """*Guild Install* and *User Install*, as far as they are ticked; None where Discord does not say."""
    servers: int = 0


@dataclass(frozen=True, slots=True)
class DiscordAnswer:
    """How Discord answered: the application, or why there is none, and what it did instead."""

    application: Application | NoApplication
    did: str = ""
    clock: ClockReading | None = None


async def probe_discord(token: SecretStr | None, clock: Clock) -> DiscordAnswer:
    """Log in by REST alone (GET users/@me and the application): no gateway, so a running bot is not disturbed."""
    if token is None:
        return DiscordAnswer(NoApplication.NO_TOKEN)
    answers = _Answers(clock)
    client = discord.Client(intents=discord.Intents.none(), http_trace=answers.trace)
    try:
        async with asyncio.timeout(_PATIENCE), client:
            await client.login(token.get_secret_value())
            return DiscordAnswer(_application(await client.application_info()), clock=answers.clock)
    except discord.LoginFailure:
        return DiscordAnswer(NoApplication.REFUSED, clock=answers.clock)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:  # discord.py tries again before it raises
        status = answers.error_status
        did = f"answered with HTTP {status}" if status else f"did not answer ({type(error).__name__})"
        return DiscordAnswer(NoApplication.UNREACHABLE, did, answers.clock)


def _application(about: discord.AppInfo) -> Application:
    flags = about.flags
    privileged = {
        "Presence Intent": flags.gateway_presence or flags.gateway_presence_limited,
        "Server Members Intent": flags.gateway_guild_members or flags.gateway_guild_members_limited,
        "Message Content Intent": flags.gateway_message_content or flags.gateway_message_content_limited,
    }
    ticked = {
        "Guild Install": about.guild_integration_config is not None,
        "User Install": about.user_integration_config is not None,
    }
    return Application(
        name=about.name,
        id=about.id,
        privileged=tuple(name for name, on in privileged.items() if on),
        interactions_go_elsewhere=bool(about.interactions_endpoint_url),
        needs_code_grant=about.bot_require_code_grant,
        is_public=about.bot_public,
        installs=tuple(name for name, on in ticked.items() if on) if any(ticked.values()) else None,
        servers=about.approximate_guild_count,
    )


class _Answers:
    """Notes the last error's status, and the time that the first answer carries."""

    def __init__(self, clock: Clock) -> None:
        self.error_status: int | None = None
        self.clock: ClockReading | None = None
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_start.append(self._asked)
        self.trace.on_request_end.append(self._heard)
        self._now = clock

    async def _asked(self, _session: Any, context: SimpleNamespace, _about: Any) -> None:
        context.asked = self._now()

    async def _heard(self, _session: Any, context: SimpleNamespace, about: aiohttp.TraceRequestEndParams) -> None:
        if about.response.status >= 400:
            self.error_status = about.response.status
        said = read_date(about.response.headers.get("Date", ""))
        if said and self.clock is None:
            self.clock = ClockReading("Discord", context.asked, self._now(), said)


def check_token(answer: DiscordAnswer) -> Finding:
    """Tell whether Discord accepts the token."""
    match answer.application:
        case Application() as application:
            return Finding(OK, "token", f"Discord knows it as {application.name} ({application.id})")
        case NoApplication.NO_TOKEN:
            return Finding(FAILED, "token", "DISCORD_TOKEN is not set", "README.md says where to get it.")
        case NoApplication.REFUSED:
            return Finding(
                FAILED,
                "token",
                "Discord does not accept it",
                "Copy it again from the developer portal: Bot, Reset Token.",
            )
        case NoApplication.UNREACHABLE:
            return Finding(
                FAILED,
                "token",
                f"not known: Discord {answer.did}",
                "Try again in some minutes; check network, name resolution and proxies, and that port 443 is let out.",
            )


def check_intents(answer: DiscordAnswer) -> Finding:
    """Tell which privileged intents are switched on for nothing."""
    application = answer.application
    if isinstance(application, NoApplication):
        return Finding(ATTENTION, "intents", "not looked at", "See token.")
    if application.privileged:
        return Finding(
            ATTENTION,
            "intents",
            f"switched on and not needed: {', '.join(application.privileged)}",
            "Turn Privileged Gateway Intents off in the developer portal, under Bot.",
        )
    return Finding(
        OK, "intents", "none is privileged; the bot asks for direct messages alone, which need no permission"
    )


def check_application(answer: DiscordAnswer) -> Finding:
    """Tell what in the developer portal keeps commands or servers away."""
    application = answer.application
    if isinstance(application, NoApplication):
        return Finding(ATTENTION, "application", "not looked at", "See token.")
    if application.interactions_go_elsewhere:
        return Finding(
            FAILED,
            "application",
            "an Interactions Endpoint URL is set, so that no command reaches this bot",
            "Remove it in the developer portal, under General Information.",
        )
    if application.needs_code_grant:
        return Finding(
            FAILED,
            "application",
            "Requires OAuth2 Code Grant is on, so that the invitation does not work",
            "Turn it off in the developer portal, under Bot.",
        )
    if application.servers >= SHARDS_FROM:
        return Finding(
            ATTENTION,
            "application",
            f"in about {application.servers:,} servers; Discord wants shards from {SHARDS_FROM:,}",
            "docs/scaling.md says how.",
        )
    missing = {"Guild Install", "User Install"} - set(application.installs or ())
    if application.installs is not None and missing:
        return Finding(
            ATTENTION,
            "application",
            f"not ticked: {', '.join(sorted(missing))}",
            "Tick it in the developer portal, under Installation, if people are to add the bot that way.",
        )
    who = "anybody can add it" if application.is_public else "only its owner can add it (Public Bot is off)"
    return Finding(OK, "application", f"commands reach this bot; {who}; in about {application.servers:,} servers")
