"""Looks at Discord, the panel and this machine, and changes nothing there."""

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
from pydantic import SecretStr

from bot.domain.clock import Clock
from bot.ledger import LedgerError, LedgerUnreadable, check_up, check_up_server, describe
from bot.ops.doctor.facts import (
    Address,
    Application,
    DiscordAnswer,
    Keys,
    LedgerFile,
    LedgerServer,
    Modes,
    PanelAnswer,
    Reading,
    Refusal,
)
from bot.panel import Unavailable, probe, read_date
from bot.settings import BadSettings, Settings
from bot.vault import KEY_FILE, VaultError, look_into_vault

_PATIENCE = 20
"""Seconds for Discord, and for the public address, to answer."""
_OTHERS = 0o077
_AN_ERROR = 400


async def look_at_discord(token: SecretStr | None, clock: Clock) -> DiscordAnswer:
    """Log in by REST alone (GET users/@me and the application): no gateway, so a running bot is not disturbed."""
    if token is None:
        return DiscordAnswer(Refusal.NO_TOKEN)
    watch = _Watch("Discord", clock)
    try:
        async with asyncio.timeout(_PATIENCE), _client(watch.trace) as client:
            await client.login(token.get_secret_value())
            return DiscordAnswer(_application(await client.application_info()), reading=watch.reading)
    except discord.LoginFailure:
        return DiscordAnswer(Refusal.REFUSED, reading=watch.reading)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:  # discord.py tries again before it raises
        did = f"answered with HTTP {watch.status}" if watch.status else f"did not answer ({type(error).__name__})"
        return DiscordAnswer(Refusal.UNREACHABLE, did, watch.reading)


@asynccontextmanager
async def _client(trace: aiohttp.TraceConfig) -> AsyncGenerator[discord.Client]:
    client = discord.Client(intents=discord.Intents.none(), http_trace=trace)
    try:
        yield client
    finally:
        await client.close()


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


class _Watch:
    """Notes the last error's status, and the time that the first answer carries, when it was asked for and heard."""

    def __init__(self, whose: str, clock: Clock) -> None:
        self.status: int | None = None
        self.reading: Reading | None = None
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_start.append(self._asked)
        self.trace.on_request_end.append(self._heard)
        self._whose = whose
        self._clock = clock

    async def _asked(self, _session: Any, context: SimpleNamespace, _about: Any) -> None:
        context.asked = self._clock()

    async def _heard(self, _session: Any, context: SimpleNamespace, about: aiohttp.TraceRequestEndParams) -> None:
        if about.response.status >= _AN_ERROR:
            self.status = about.response.status
        said = read_date(about.response.headers.get("Date", ""))
        if said and self.reading is None:
            self.reading = Reading(self._whose, context.asked, self._clock(), said)


async def look_at_panel(url: str, proxy: SecretStr | None, clock: Clock) -> PanelAnswer:
    """Make one call without a key."""
    try:
        probed = await probe(url, proxy=proxy, clock=clock)
    except Unavailable as error:
        return PanelAnswer(url, error)
    return PanelAnswer(url, probed.error, probed.words, _reading(probed.sent, probed.received, probed.date))


def _reading(asked: datetime, heard: datetime, said: datetime | None) -> Reading | None:
    return None if said is None else Reading("the panel", asked, heard, said)


def look_at_ledger(path: Path) -> LedgerFile:
    """Read the ledger's file through."""
    folder = next(parent for parent in path.absolute().parents if os.path.isdir(parent))
    size, found = 0, None
    try:
        size = path.stat().st_size
        found = check_up(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        found = LedgerUnreadable(f"({path}: {error.strerror})")
    except LedgerError as error:
        found = error
    return LedgerFile(
        path=path,
        found=found,
        size=size,
        free=shutil.disk_usage(folder).free,
        writable=os.access(folder, os.W_OK | os.X_OK) and (found is None or os.access(path, os.W_OK)),
    )


async def look_at_server(database: SecretStr) -> LedgerServer:
    """Ask PostgreSQL about itself and the ledger in it."""
    try:
        found = await check_up_server(database)
    except LedgerError as error:
        found = error
    return LedgerServer(describe(database), found)


def look_at_keys(settings: Settings, sealed: tuple[bytes, ...] | None) -> Keys:
    """Try the encryption keys on what the ledger holds; None: it could not be read."""
    path = None if settings.encryption_keys else settings.data_dir / KEY_FILE
    count = None if sealed is None else len(sealed)
    try:
        vault = look_into_vault(settings)
    except (VaultError, BadSettings) as error:
        return Keys(path, present=True, trouble=str(error), sealed=count)
    unopened = sum(not vault.knows(blob) for blob in sealed or ()) if vault else 0
    return Keys(path, present=vault is not None, sealed=count, unopened=unopened)


def look_at_modes(settings: Settings) -> Modes:
    """Look who may read DATA_DIR, the key file, .env and, where the ledger is a file, that with its journals."""
    copies = _with_copies(settings.database) if isinstance(settings.database, Path) else []
    there, open_to_others, hidden = list[Path](), list[Path](), list[Path]()
    for path in (settings.data_dir, settings.data_dir / KEY_FILE, Path(".env"), *copies):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError:
            hidden.append(path)
            continue
        if stat.S_ISREG(mode) or path == settings.data_dir:
            there.append(path)
            if mode & _OTHERS:
                open_to_others.append(path)
    if os.name != "posix":
        return Modes(tuple(there), known=False)
    return Modes(tuple(there), tuple(open_to_others), tuple(hidden))


def _with_copies(ledger: Path) -> list[Path]:
    try:
        found = sorted(ledger.parent.glob(f"{ledger.name}*"))
    except OSError:  # then it stands for them all
        return [ledger]
    return found or [ledger]


async def look_at_address(url: str | None) -> Address | None:
    """Ask for a page where only calls are taken: the bot's answer to that is "method not allowed"."""
    if not url:
        return None
    target = f"{url.rstrip('/')}/hooks/doctor"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_PATIENCE)) as http,
            http.get(target, allow_redirects=False) as response,
        ):
            return Address(url, response.status)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Address(url, words=type(error).__name__)
