"""All commands, in the order in which Discord lists what has no other; dispatch.py answers buttons, menus and forms."""

from bot.client import Client
from cogs import lists, updates
from cogs.admin import Admin
from cogs.balance import Balance
from cogs.cancel import Cancel
from cogs.direct_messages import DirectMessages
from cogs.dispatch import Dispatch
from cogs.forget import Forget
from cogs.help import Help
from cogs.history import History
from cogs.key import Key
from cogs.message_menu import cancel_in_message
from cogs.preferences import Settings
from cogs.queued import Queued
from cogs.refill import Refill
from cogs.status import Status
from cogs.webhook import Webhook

_WITHOUT_COMMANDS = (lists, updates)
"""Imported for their buttons, which dispatch.py knows from then on."""


async def add_cogs(client: Client) -> None:
    """Add every command to the client, and what answers buttons, menus, forms and direct messages."""
    client.tree.add_command(cancel_in_message)
    for cog in (
        Key(),
        Cancel(),
        Status(),
        Queued(),
        Balance(),
        Refill(),
        History(),
        Settings(),
        Forget(),
        Help(),
        Webhook(),
        Admin(client),
        Dispatch(),
        DirectMessages(client),
    ):
        await client.add_cog(cog)
