"""/queued: which cancel requests have not ended; to be checked at once, or watched no longer."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.layout import CardView
from bot.cards.queued import checking_card, open_card, unwatched, unwatching_question
from cogs.acknowledge import Interaction
from cogs.dispatch import answers
from cogs.reply import Reply, answer


@answers(actions.KEEP_WATCHING, update=True)
async def open_orders(reply: Reply) -> CardView:
    """Return a card with what is open."""
    return open_card(await reply.services.records.open_orders(reply.user_id))


class QueuedCog(commands.Cog):
    """What is still open."""

    @app_commands.command(description=locale_str("Your orders that are still waiting to be cancelled"))
    async def queued(self, interaction: Interaction) -> None:
        """Show it."""
        await answer(interaction, open_orders)


@answers(actions.CHECK_NOW, update=True)
async def check_now(reply: Reply) -> None:
    """Have the presser's open orders checked now; the card says so, and soon what came of it."""
    view = await reply.services.records.check_now(reply.user_id)
    await reply.show(checking_card(view))
    if view.begun:
        reply.services.check_results.follow(reply.message_id, reply.user_id, view.begun, view.asked_at, reply.update)


@answers(actions.ASK_UNWATCH, update=True)
async def ask_to_unwatch(reply: Reply) -> CardView:
    """Ask before the presser's open orders are no longer watched."""
    return await _question(reply, None)


@answers(actions.UNWATCH_ONE, update=True)
async def ask_to_unwatch_one(reply: Reply, request_id: int) -> CardView:
    """Ask the same of the one request that was chosen."""
    return await _question(reply, request_id)


async def _question(reply: Reply, request_id: int | None) -> CardView:
    reply.services.check_results.forget(reply.message_id)  # it would take the question's place
    return unwatching_question(await reply.services.records.open_orders(reply.user_id), request_id)


@answers(actions.UNWATCH, update=True)
async def unwatch(reply: Reply, request_id: int | None = None) -> CardView:
    """Stop watching the presser's open orders, or those of one request, and say for how many."""
    return unwatched(await reply.services.records.stop_watching(reply.user_id, request_id))
