"""The first DM to a user: right after they connect a key it proves that messages reach them, or shows that none do."""

import logging

import discord

from bot.cards.connecting import Hello, hello
from bot.delivery.calls import in_time
from bot.delivery.refusals import DELIVERY_ERRORS, classify
from bot.ledger import DMS_REFUSED, Ledger, NotifyVia

log = logging.getLogger(__name__)


class Greeter:
    """Says hello to whoever wants DMs and has had none that arrived.

    Not by the outbox: whether it arrives belongs on the card that is before the user's eyes, nobody is owed it later,
    and no channel is to be pinged for it. It is written down before it is sent, so that it is sent at most once.
    """

    def __init__(self, client: discord.Client, ledger: Ledger) -> None:
        self._client = client
        self._ledger = ledger

    async def say_hello(self, user_id: int) -> Hello:
        """Send it where it is called for, in the language spoken; tell what is known of DMs to this user by then."""
        read = self._ledger.read
        preferences = await read.preferences(user_id)
        if preferences.notify_via is not NotifyVia.DM:
            return Hello.UNWANTED
        if await read.dms_refused(user_id) is False:
            return Hello.ARRIVED
        async with self._ledger.write() as tx:
            begun = await tx.begin_hello(user_id)
        if begun is None:
            return Hello.UNWANTED
        message_id, refusal = None, None
        try:
            channel = await in_time(self._client.create_dm(discord.Object(user_id)))
            sent = await in_time(channel.send(view=hello().view, nonce=begun.nonce, silent=preferences.silent))
            message_id = sent.id
        except DELIVERY_ERRORS as error:
            refusal = classify(error)
            log.info("notice %d, a hello, was not sent (%s): %s", begun.id, refusal.name, error)
        async with self._ledger.write() as tx:
            await tx.end_hello(begun.id, message_id=message_id, refusal=refusal.name if refusal else None)
        if refusal is None:
            return Hello.ARRIVED
        return Hello.REFUSED if refusal.name in DMS_REFUSED else Hello.UNKNOWN
