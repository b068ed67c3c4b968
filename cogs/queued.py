"""/queued: which cancel requests have not ended; to be checked at once, or watched no longer."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.layout import CardView
from bot.cards.overviews import check_now_card, open_card, unwatched, unwatching_question
from cogs.acknowledge import Interaction
from cogs.dispatch import answers
from cogs.reply import Reply, answer


@answers(actions.KEEP_WATCHING, update=True)
async def open_orders(reply: Reply) -> CardView:
    """Return a card with what is open."""
    return open_card(await reply.services.accounts.open_orders(reply.user_id))


class QueuedCog(commands.Cog):
    """What is still open."""

    @app_commands.command(description=locale_str("Your orders that are still waiting to be cancelled"))
    async def queued(self, interaction: Interaction) -> None:
        """Show it."""
        await answer(interaction, open_orders)


@answers(actions.CHECK_NOW, update=True)
async def check_now(reply: Reply) -> CardView:
    """Have the presser's open orders checked now, and show them anew."""
    return check_now_card(await reply.services.records.check_now(reply.user_id))


@answers(actions.ASK_UNWATCH, update=True)
async def ask_to_unwatch(reply: Reply) -> CardView:
    """Ask before the presser's open orders are no longer watched."""
    return unwatching_question(await reply.services.accounts.open_orders(reply.user_id))


@answers(actions.UNWATCH, update=True)
async def unwatch(reply: Reply) -> CardView:
    """Stop watching the presser's open orders, and say for how many."""
    return unwatched(await reply.services.records.stop_watching(reply.user_id))
