"""The button under a public hint: shows a user, and only that user, what could not be sent to them."""

from bot.cards import buttons
from bot.cards.answers import no_news
from bot.domain.errors import NotOwner
from cogs.common import Interaction, PersistentItem, acknowledge, answer, deliver_undelivered


class ShowUpdates(PersistentItem, template=buttons.UPDATES):
    """Shows kept notices."""

    async def press(self, interaction: Interaction) -> None:
        """Show them to the one they are for."""
        await acknowledge(interaction)
        if interaction.user.id != int(self.values["user"]):
            raise NotOwner
        if not await deliver_undelivered(interaction):
            await answer(interaction, no_news())
