"""Registers the commands with Discord where it knows them otherwise: beside everything else, as long as it takes."""

import asyncio
import hashlib
import json
import logging
from contextlib import suppress
from random import Random

from bot.client import Client
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.domain.polling import retry_after
from bot.ledger import Ledger, LedgerError
from bot.workers.tasks import Stopped, unless_stopped

log = logging.getLogger(__name__)

_TREE_FACT = "command tree"
_SOON = 10
"""Seconds after which a call that goes on is worth a line in the log.

discord.py ends it: after 300 seconds without an answer, or when a rate limit has passed.
"""


async def register(client: Client, ledger: Ledger) -> bool:
    """Register the commands unless Discord knows them as they are; return whether that was needed.

    Raise what a call to Discord raises, or LedgerError.
    """
    digest = await _digest(client)
    if await ledger.read.fact(_TREE_FACT) == digest:
        return False
    await client.tree.sync()
    async with ledger.write() as tx:
        await tx.set_fact(_TREE_FACT, digest)
    return True


async def keep_registered(client: Client, ledger: Ledger, stop: asyncio.Event) -> None:
    """Register the commands, trying again until Discord takes them; return at `stop`."""
    with suppress(Stopped):
        await unless_stopped(_until_registered(client, ledger), stop)
    await stop.wait()


async def _until_registered(client: Client, ledger: Ledger) -> None:
    failures, logged = 0, ""

    def log_once(trouble: str) -> None:
        """Log what stands in the way when it changes, not at every try."""
        nonlocal logged
        if trouble != logged:
            log.warning(
                "Discord has not taken the commands (%s): those that it knows work, new ones are missing; trying again",
                trouble,
            )
        logged = trouble

    while True:
        late = asyncio.get_running_loop().call_later(_SOON, log_once, "no answer yet")
        try:
            if await register(client, ledger) or logged:
                log.info("commands registered with Discord")
            return
        except (*DELIVERY_ERRORS, LedgerError) as error:
            log_once(" ".join(str(error).split()) or "no answer in time")
        finally:
            late.cancel()
        failures += 1
        await asyncio.sleep(retry_after(failures, Random()).total_seconds())


async def _digest(client: Client) -> str:
    """Return what changes whenever a command, a text of one in any language, or the application does."""
    translator = client.tree.translator
    assert translator
    tree = [await command.get_translated_payload(client.tree, translator) for command in client.tree.get_commands()]
    content = json.dumps([client.application_id, tree], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()
