"""All commands, buttons and forms, in the order in which Discord lists what has no other."""

from bot.client import Client
from cogs.admin import Admin
from cogs.balance import Balance
from cogs.cancel import Cancel, Confirm, Keep, Paste, Retry, Stop, TryOthers, TryUnder
from cogs.direct_messages import DirectMessages
from cogs.forget import Erase, Forget, KeepAll
from cogs.help import Help
from cogs.history import History
from cogs.key import AskRemove, Connect, KeepKey, Key, RemoveKey
from cogs.lists import Browse, CopyIds, TurnPage, WholeList
from cogs.message_menu import MessageMenu
from cogs.preferences import ChooseLanguage, ChooseTiming, ChooseWay, Settings, Silence
from cogs.queued import AskUnwatch, CheckNow, KeepWatching, Queued, Unwatch
from cogs.refill import ConfirmRefill, NoRefill, Refill, RefillThese
from cogs.status import ShowStatus, Status
from cogs.updates import ShowUpdates
from cogs.webhook import Step, Webhook


async def add_cogs(client: Client) -> None:
    """Add every command to the client, and every button and menu that outlives its message's process."""
    for cog in (
        Key(),
        Cancel(),
        MessageMenu(client),
        Status(),
        Queued(),
        Balance(),
        Refill(),
        History(),
        Settings(),
        Forget(),
        Help(),
        DirectMessages(client),
        Admin(client),
        Webhook(),
    ):
        await client.add_cog(cog)
    client.add_dynamic_items(
        Connect,
        AskRemove,
        RemoveKey,
        KeepKey,
        Paste,
        Confirm,
        Keep,
        Stop,
        Retry,
        TryUnder,
        TryOthers,
        ShowStatus,
        CheckNow,
        AskUnwatch,
        Unwatch,
        KeepWatching,
        RefillThese,
        ConfirmRefill,
        NoRefill,
        ChooseWay,
        ChooseTiming,
        ChooseLanguage,
        Silence,
        Erase,
        KeepAll,
        ShowUpdates,
        WholeList,
        Browse,
        TurnPage,
        CopyIds,
        Step,
    )
