"""The button under a channel ping: shows a user, and only that user, what could not be sent to them."""

from bot.cards import actions
from bot.cards.answers import no_updates
from bot.cards.layout import CardView
from bot.domain.errors import NotOwner
from cogs.dispatch import answers
from cogs.reply import Reply, show_undelivered


@answers(actions.UPDATES)
async def show_updates(reply: Reply, user_id: int) -> CardView | None:
    """Show undelivered notices to the one they are for."""
    if reply.user_id != user_id:
        raise NotOwner
    return None if await show_undelivered(reply) else no_updates()
