"""One visit of the doctor: look everywhere at once, then judge."""

import asyncio
from pathlib import Path

from bot.clock import Clock, utc_now
from bot.doctor.checks import Finding, judge
from bot.doctor.facts import Facts
from bot.doctor.looks import (
    look_at_address,
    look_at_discord,
    look_at_keys,
    look_at_ledger,
    look_at_modes,
    look_at_panel,
)
from bot.settings import Settings
from bot.store import Checkup


async def examine(settings: Settings, clock: Clock = utc_now) -> list[Finding]:
    """Return one finding a check; a running bot is not disturbed."""
    path = settings.database if isinstance(settings.database, Path) else None
    discord, panel, ledger, address = await asyncio.gather(
        look_at_discord(settings.discord_token, clock),
        look_at_panel(settings.panel_url, clock),
        asyncio.to_thread(look_at_ledger, path) if path else _nothing(),
        look_at_address(settings.public_url),
    )
    sealed = ledger.found.sealed if ledger and isinstance(ledger.found, Checkup) else ()
    facts = Facts(
        discord=discord,
        panel=panel,
        ledger=ledger,
        keys=look_at_keys(settings, sealed),
        modes=look_at_modes(settings, path or settings.data_dir / "ledger.sqlite3"),
        address=address,
        readings=tuple(answer.reading for answer in (discord, panel) if answer.reading),
    )
    return judge(facts)


async def _nothing() -> None:
    return None
