"""All commands, in the order in which Discord lists what has no other; dispatch.py answers buttons, menus and forms."""

from bot.client import Client
from cogs import lists, more, updates
from cogs.balance import BalanceCog
from cogs.cancel import CancelCog
from cogs.direct_messages import DirectMessagesCog
from cogs.dispatch import DispatchCog
from cogs.forget import ForgetCog
from cogs.help import HelpCog
from cogs.history import HistoryCog
from cogs.key import KeyCog
from cogs.message_menu import cancel_in_message, refill_in_message, status_in_message
from cogs.preferences import PreferencesCog
from cogs.queued import QueuedCog
from cogs.refill import RefillCog
from cogs.status import StatusCog
from cogs.webhook import WebhookCog

_WITHOUT_COMMANDS = (lists, more, updates)
"""Imported for their buttons, which dispatch.py knows from then on."""


async def add_cogs(client: Client) -> None:
    """Add every command to the client, and what answers buttons, menus, forms and direct messages."""
    for menu in (cancel_in_message, status_in_message, refill_in_message):
        client.tree.add_command(menu)
    for cog in (
        KeyCog(),
        CancelCog(),
        StatusCog(),
        QueuedCog(),
        BalanceCog(),
        RefillCog(),
        HistoryCog(),
        PreferencesCog(),
        ForgetCog(),
        HelpCog(),
        WebhookCog(),
        DispatchCog(),
        DirectMessagesCog(client),
    ):
        await client.add_cog(cog)
