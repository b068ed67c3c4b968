"""The menu *More …* under cards of orders: each option is answered as the button that it stands for."""

from bot.cards import actions
from bot.ledger import ListKind
from cogs.acknowledge import Interaction
from cogs.dispatch import handles, perform


@handles(actions.MORE)
async def more(interaction: Interaction, kind: ListKind, list_id: int, option: str) -> None:
    """Do what was chosen; whose the card is, is looked at there."""
    await perform(interaction, option)
