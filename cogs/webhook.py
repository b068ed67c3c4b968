"""/webhook: an address that NotPanel calls when an order of the user's changes."""

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import buttons
from bot.cards.layout import CardView
from bot.cards.modals import WEBHOOK_SECRET, webhook_secret_form
from bot.cards.webhooks import address_made, registered_card, registration_question, turned_off, webhook_card
from bot.client import Client
from bot.services.webhooks import Webhooks
from cogs.common import Interaction, PersistentItem, acknowledge, answer, answering, open_form, typed


async def _take_secret(interaction: Interaction, text: str) -> None:
    await acknowledge(interaction)
    webhooks = interaction.client.services.webhooks
    await answer(interaction, webhook_card(await webhooks.set_secret(interaction.user.id, text)))


async def _after(step: str, webhooks: Webhooks, user_id: int) -> CardView:
    """Go a step with a user's webhook, and return what to show then."""
    match step:
        case "ask":
            await webhooks.show(user_id)
            return registration_question()
        case "make":
            return address_made(await webhooks.make(user_id))
        case "register":
            return registered_card(await webhooks.register(user_id))
        case "forget":
            return webhook_card(await webhooks.forget_secret(user_id))
        case "off":
            await webhooks.turn_off(user_id)
            return turned_off()
        case _:
            return webhook_card(await webhooks.show(user_id))


class Webhook(commands.Cog):
    """Being told by the panel instead of asking."""

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Answer the form."""
        text = typed(interaction, WEBHOOK_SECRET)
        if text is not None:
            await answering(interaction, _take_secret(interaction, text))

    @app_commands.command(description=locale_str("Have NotPanel tell me at once when an order of yours changes"))
    async def webhook(self, interaction: Interaction) -> None:
        """Show what there is."""
        await acknowledge(interaction)
        webhooks = interaction.client.services.webhooks
        await answer(interaction, webhook_card(await webhooks.show(interaction.user.id)))


class Step(PersistentItem, template=buttons.WEBHOOK):
    """Goes a step with the presser's own webhook."""

    async def press(self, interaction: Interaction) -> None:
        """Open the form, or do the step and show what came of it."""
        step = self.values["step"]
        if step == "secret":
            await open_form(interaction, webhook_secret_form())
            return
        await acknowledge(interaction, update=True)
        await answer(interaction, await _after(step, interaction.client.services.webhooks, interaction.user.id))
