"""The doctor: checks whether the bot can run as it is set up, and says what to do where it cannot. It changes nothing.

Each check is a function `check_…` that returns one Finding. What several checks need is read once, by a `probe_…`.
"""

import asyncio
from pathlib import Path

from bot.domain.clock import Clock, utc_now
from bot.ops.doctor.application import (
    check_application,
    check_directory,
    check_intents,
    check_invitation,
    check_token,
    probe_discord,
)
from bot.ops.doctor.clock import check_clock
from bot.ops.doctor.finding import Finding
from bot.ops.doctor.installation import check_address, check_files, check_keys, check_settings
from bot.ops.doctor.ledger import check_disk, check_ledger, probe_file, probe_server
from bot.ops.doctor.panel import check_panel, probe_panel
from bot.settings import Settings


async def examine(settings: Settings, clock: Clock = utc_now) -> list[Finding]:
    """Return one finding a check, in the order in which things are put right; a running bot is not disturbed."""
    database = settings.database
    discord, panel, ledger, address = await asyncio.gather(
        probe_discord(settings.discord_token, clock),
        probe_panel(settings.panel_url, settings.panel_proxy, clock),
        asyncio.to_thread(probe_file, database) if isinstance(database, Path) else probe_server(database),
        check_address(settings.public_url),
    )
    return [
        check_settings(),
        check_token(discord),
        check_intents(discord),
        check_application(discord),
        check_invitation(discord),
        check_directory(discord, settings),
        check_panel(panel),
        check_ledger(ledger),
        check_disk(ledger),
        check_keys(settings, ledger.sealed),
        check_files(settings),
        check_clock(discord.clock, panel.clock),
        address,
    ]
