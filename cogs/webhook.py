"""/webhook: an address that NotPanel calls when an order of the user's changes."""

from functools import partial

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.layout import CardView
from bot.cards.webhooks import address_made, registered_card, registration_question, turned_off, webhook_card
from cogs.acknowledge import Interaction
from cogs.dispatch import answers
from cogs.reply import Reply, answer


@answers(actions.WEBHOOK, update=True)
async def go_a_step(reply: Reply, step: str) -> CardView:
    """Go a step with a user's webhook, and return what to show then."""
    webhooks, user_id = reply.services.webhooks, reply.user_id
    match step:
        case "ask":
            await webhooks.show(user_id)
            return registration_question()
        case "make":
            return address_made(await webhooks.make(user_id))
        case "register":
            return registered_card(await webhooks.register(user_id))
        case "off":
            await webhooks.turn_off(user_id)
            return turned_off()
        case _:
            return webhook_card(await webhooks.show(user_id))


class WebhookCog(commands.Cog):
    """Being told by the panel instead of asking."""

    @app_commands.command(description=locale_str("Have NotPanel tell me at once when one of your orders changes"))
    async def webhook(self, interaction: Interaction) -> None:
        """Show what there is."""
        await answer(interaction, partial(go_a_step, step="show"))
