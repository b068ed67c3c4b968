"""The menu *More …* under cards of orders: each option is answered as the button that it stands for."""

from bot.cards import actions
from bot.ledger import ListKind
from cogs.acknowledge import Interaction
from cogs.dispatch import answering, handles


@handles(actions.MORE)
async def more(interaction: Interaction, kind: ListKind, list_id: int, chosen: str) -> None:
    """Do what was chosen; whose the card is, is looked at there."""
    found = answering(chosen, is_form=False)
    if found and found[0] is not more:
        handler, given = found
        await handler(interaction, **given)
