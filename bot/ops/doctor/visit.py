"""One visit of the doctor: look everywhere at once, then judge."""

import asyncio
from pathlib import Path

from bot.domain.clock import Clock, utc_now
from bot.ops.doctor.checks import (
    Finding,
    check_address,
    check_application,
    check_clock,
    check_keys,
    check_ledger,
    check_modes,
    check_panel,
    check_space,
    check_token,
)
from bot.ops.doctor.looks import (
    look_at_address,
    look_at_discord,
    look_at_keys,
    look_at_ledger,
    look_at_modes,
    look_at_panel,
    look_at_server,
)
from bot.settings import Settings


async def examine(settings: Settings, clock: Clock = utc_now) -> list[Finding]:
    """Return one finding a check, in the order in which things are put right; a running bot is not disturbed."""
    database = settings.database
    discord, panel, ledger, address = await asyncio.gather(
        look_at_discord(settings.discord_token, clock),
        look_at_panel(settings.panel_url, settings.panel_proxy, clock),
        asyncio.to_thread(look_at_ledger, database) if isinstance(database, Path) else look_at_server(database),
        look_at_address(settings.public_url),
    )
    return [
        check_token(discord),
        *check_application(discord),
        check_panel(panel),
        check_ledger(ledger),
        check_space(ledger),
        check_keys(look_at_keys(settings, ledger.sealed)),
        check_modes(look_at_modes(settings)),
        check_clock([answer.reading for answer in (discord, panel) if answer.reading]),
        check_address(address),
    ]
