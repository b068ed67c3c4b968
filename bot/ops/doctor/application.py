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
from bot.domain.links import SERVER_INSTALL, USER_INSTALL
from bot.ops.doctor.clock import ClockReading
from bot.ops.doctor.finding import ATTENTION, FAILED, OK, Finding
from bot.panel import read_date
from bot.settings import Settings
from bot.settings_faults import token_fault

SHARDS_FROM = 2_500
"""Servers from which Discord wants an application to be sharded."""
MOST_OF_DESCRIPTION, MOST_OF_SUMMARY, MOST_TAGS = 400, 200, 5
"""What Discord's directory takes: characters of both texts, and tags."""
_PATIENCE = 20
"""Seconds for Discord to answer."""


class NoApplication(StrEnum):
    """Why Discord said nothing of the application."""

    NO_TOKEN = "no token"
    MISSHAPEN = "misshapen"
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
    description: str = ""
    tags: tuple[str, ...] = ()
    terms_url: str = ""
    privacy_url: str = ""
    has_install_link: bool = False


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
    if fault := token_fault(token.get_secret_value()):
        return DiscordAnswer(NoApplication.MISSHAPEN, fault)
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
        description=about.description,
        tags=tuple(about.tags),
        terms_url=about.terms_of_service_url or "",
        privacy_url=about.privacy_policy_url or "",
        has_install_link=any(ticked.values()) or bool(about.install_params or about.custom_install_url),
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
        case NoApplication.MISSHAPEN:
            return Finding(FAILED, "token", answer.did)
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
                "Try again in some minutes; check network, DNS and proxies, and that outgoing port 443 is open.",
            )


def check_intents(answer: DiscordAnswer) -> Finding:
    """Tell which privileged intents are switched on for nothing."""
    application = answer.application
    if isinstance(application, NoApplication):
        return Finding(ATTENTION, "intents", "not checked", "See token.")
    if application.privileged:
        return Finding(
            ATTENTION,
            "intents",
            f"on and not needed: {', '.join(application.privileged)}",
            "Turn Privileged Gateway Intents off in the developer portal, under Bot.",
        )
    return Finding(OK, "intents", "no privileged intent is on, and none is needed")


def check_application(answer: DiscordAnswer) -> Finding:
    """Tell what in the developer portal keeps commands or servers away."""
    application = answer.application
    if isinstance(application, NoApplication):
        return Finding(ATTENTION, "application", "not checked", "See token.")
    if application.interactions_go_elsewhere:
        return Finding(
            FAILED,
            "application",
            "an Interactions Endpoint URL is set, so no command reaches this bot",
            "Remove it in the developer portal, under General Information.",
        )
    if application.needs_code_grant:
        return Finding(
            FAILED,
            "application",
            "Requires OAuth2 Code Grant is on, so the invitation does not work",
            "Turn it off in the developer portal, under Bot.",
        )
    if application.servers >= SHARDS_FROM:
        return Finding(
            ATTENTION,
            "application",
            f"in about {application.servers:,} servers; Discord requires shards from {SHARDS_FROM:,}",
            "docs/scaling.md says how.",
        )
    missing = {"Guild Install", "User Install"} - set(application.installs or ())
    if application.installs is not None and missing:
        return Finding(
            ATTENTION,
            "application",
            f"not ticked: {', '.join(sorted(missing))}",
            "Tick it in the developer portal, under Installation, to let people add the bot that way.",
        )
    who = "anybody can add it" if application.is_public else "only its owner can add it (Public Bot is off)"
    return Finding(OK, "application", f"commands reach this bot; {who}; in about {application.servers:,} servers")


def check_invitation(answer: DiscordAnswer) -> Finding:
    """Give the links that add the bot to a server and to a person."""
    application = answer.application
    if isinstance(application, NoApplication):
        return Finding(ATTENTION, "invitation", "not known", "See token.")
    to_server, to_user = (link.format(application_id=application.id) for link in (SERVER_INSTALL, USER_INSTALL))
    return Finding(OK, "invitation", f"to a server: {to_server} and to yourself: {to_user}")


def check_directory(answer: DiscordAnswer, settings: Settings) -> Finding:
    """Tell what Discord's directory misses; a bot works without being listed there."""
    application = answer.application
    if isinstance(application, NoApplication):
        return Finding(ATTENTION, "directory", "not checked", "See token.")
    wanted = {
        f"a description of at most {MOST_OF_DESCRIPTION} characters": (
            0 < len(application.description) <= MOST_OF_DESCRIPTION
        ),
        f"tags (up to {MOST_TAGS})": 0 < len(application.tags) <= MOST_TAGS,
        "a terms address": bool(application.terms_url),
        "a privacy address": bool(application.privacy_url),
        "an install link": application.has_install_link,
        "SUPPORT_URL": bool(settings.support_url),
    }
    missing = [name for name, found in wanted.items() if not found]
    portal = {"PRIVACY_URL": (settings.privacy_url, application.privacy_url)}
    portal["TERMS_URL"] = (settings.terms_url, application.terms_url)
    other = [name for name, (ours, theirs) in portal.items() if ours and theirs and ours != theirs]
    if missing:
        says = f"not ready for Discord's directory, if you want the bot listed: {', '.join(missing)} missing"
        return Finding(OK, "directory", says, "deploy/discord-directory.md has texts to copy.")
    if other:
        says = f"/help and the developer portal lead to different addresses: {', '.join(other)}"
        return Finding(OK, "directory", says, "Make them the same.")
    return Finding(OK, "directory", "has all that Discord's directory wants")
