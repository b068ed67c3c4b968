"""Registers the commands with Discord where it knows them otherwise: beside everything else, as long as it takes."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from random import Random

import discord
from discord import app_commands

from bot.client import Client
from bot.delivery.refusals import DELIVERY_ERRORS
from bot.ledger import Ledger, LedgerError
from bot.workers.tasks import Stopped, pause_after, unless_stopped

log = logging.getLogger(__name__)

_TREE_FACT, _IDS_FACT = "command tree", "command ids"
_SLASH = discord.AppCommandType.chat_input
_SOON = 10
"""Seconds after which a call that goes on is worth a line in the log.

discord.py ends it: after 300 seconds without an answer, or when a rate limit has passed.
"""


async def register(client: Client, ledger: Ledger) -> bool:
    """Register the commands unless Discord knows them as they are; return whether that was needed.

    From then on texts name them so that they can be pressed. Raise what a call to Discord raises, or LedgerError.
    """
    digest = await _digest(client)
    ids = await ledger.read.fact(_IDS_FACT)
    if ids and await ledger.read.fact(_TREE_FACT) == digest:
        client.command_ids.update(_typed(client, json.loads(ids)))
        return False
    known = {command.name: command.id for command in await client.tree.sync() if command.type is _SLASH}
    async with ledger.write() as tx:
        await tx.set_fact(_IDS_FACT, json.dumps(known))
        await tx.set_fact(_TREE_FACT, digest)
    client.command_ids.update(_typed(client, known))
    return True


def _typed(client: Client, ids: Mapping[str, int]) -> dict[str, int]:
    """Return the ID of everything that can be typed: Discord has one for each group, and none for what is in it."""
    commands = [one for one in client.tree.walk_commands() if isinstance(one, app_commands.Command)]
    roots = {one.qualified_name: (one.root_parent or one).name for one in commands}
    return {typed: ids[root] for typed, root in roots.items() if root in ids}


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
            failures += 1
            pause = pause_after(error, failures, Random())
            log_once(" ".join(str(error).split()) or "no answer in time")
        finally:
            late.cancel()
        await asyncio.sleep(pause.total_seconds())


async def _digest(client: Client) -> str:
    """Return what changes whenever a command, a text of one in any language, or the application does."""
    translator = client.tree.translator
    assert translator
    tree = [await command.get_translated_payload(client.tree, translator) for command in client.tree.get_commands()]
    content = json.dumps([client.application_id, tree], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()
