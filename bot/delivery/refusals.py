"""What Discord's errors speak about, and so which deliveries each of them ends."""

from enum import Enum

import aiohttp
import discord


class Refusal(Enum):
    """What an error of Discord's speaks about, and so which deliveries it ends."""

    CLOSED = "this user cannot be written to"
    NO_CHANNEL = "nothing can be written in this channel"
    NO_MESSAGE = "the message is not there to be edited"
    NO_TOKEN = "the interaction's token is worth nothing any more"
    NO_ACCESS = "no access; flaps for user-installed apps, so believed only after many tries"
    EDITED_TOO_OFTEN = "the message is older than an hour, and was edited too often since"
    TOO_FAST = "too many new DMs: no new ones for a while"
    PASSING = "Discord or the network is at fault, or nobody knows what; it may even have arrived"
    STUCK = "it fails whenever it is tried, while other messages get through"


_BY_CODE = {
    10013: Refusal.CLOSED,  # Unknown user
    20009: Refusal.CLOSED,  # Explicit content cannot be sent to the desired recipient
    50007: Refusal.CLOSED,  # Cannot send messages to this user: DMs closed, or the bot blocked
    50033: Refusal.CLOSED,  # Invalid recipient
    50278: Refusal.CLOSED,  # Cannot send messages to this user: no mutual guilds
    10003: Refusal.NO_CHANNEL,  # Unknown channel
    50008: Refusal.NO_CHANNEL,  # Cannot send messages in this channel
    50009: Refusal.NO_CHANNEL,  # Channel verification level is too high
    50013: Refusal.NO_CHANNEL,  # Missing permissions
    50024: Refusal.NO_CHANNEL,  # Cannot execute action on this channel type
    50083: Refusal.NO_CHANNEL,  # Operation on an archived thread
    160005: Refusal.NO_CHANNEL,  # This thread is locked
    10008: Refusal.NO_MESSAGE,  # Unknown message
    50005: Refusal.NO_MESSAGE,  # Cannot edit a message authored by another user
    10015: Refusal.NO_TOKEN,  # Unknown webhook
    50027: Refusal.NO_TOKEN,  # Invalid webhook token
    30046: Refusal.EDITED_TOO_OFTEN,  # Maximum number of edits to messages older than 1 hour reached
    50001: Refusal.NO_ACCESS,  # Missing access
    20026: Refusal.TOO_FAST,  # The application has been flagged for spam
    40003: Refusal.TOO_FAST,  # Opening direct messages too fast
}
"""Errors that speak about a user, a channel or a message (Discord's list of JSON error codes). All others are tried
again: 0 (HTML among them), 401, 10062 (which comes at random), 40333, 50035, 110001, 130000, and what nobody knows."""

ENDS_NOTICE = frozenset({Refusal.CLOSED, Refusal.NO_CHANNEL})
ENDS_PING = frozenset({Refusal.NO_CHANNEL, Refusal.NO_ACCESS})
ENDS_CARD = frozenset({Refusal.CLOSED, Refusal.NO_CHANNEL, Refusal.NO_MESSAGE, Refusal.NO_TOKEN})


def classify(error: Exception) -> Refusal:
    """Return what an exception out of discord.py means for a delivery."""
    return _BY_CODE.get(error.code, Refusal.PASSING) if isinstance(error, discord.HTTPException) else Refusal.PASSING


DELIVERY_ERRORS = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)
"""What a call to Discord may raise, by no fault of ours."""
