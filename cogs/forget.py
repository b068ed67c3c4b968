"""/forget-me: erases all that is stored about the user, once they have said yes."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.answers import all_kept, erased, erasure_question, nothing_stored, still_erasing
from bot.cards.layout import CardView
from cogs.acknowledge import Interaction
from cogs.dispatch import answers
from cogs.reply import Reply, answer


async def ask_to_erase(reply: Reply) -> CardView:
    """Return the question that comes first, with what there is to erase."""
    erasing = reply.services.erasing
    if await erasing.is_being_erased(reply.user_id):
        return still_erasing()
    view = await erasing.stored(reply.user_id)
    return erasure_question(view) if view else nothing_stored()


class ForgetCog(commands.Cog):
    """Being forgotten."""

    @app_commands.command(name="forget-me", description=locale_str("Erase everything stored about you (asks first)"))
    async def forget_me(self, interaction: Interaction) -> None:
        """Ask first."""
        await answer(interaction, ask_to_erase)


@answers(actions.ERASE, update=True)
async def erase(reply: Reply) -> CardView:
    """Erase what is stored about the presser."""
    return erased(await reply.services.erasing.erase(reply.user_id))


@answers(actions.KEEP_ALL, update=True)
async def keep_all(_reply: Reply) -> CardView:
    """Erase nothing, and say so."""
    return all_kept()
