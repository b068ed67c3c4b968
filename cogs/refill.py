"""/refill, and the button under a card: ask the panel to deliver again what an order has lost."""

from collections.abc import Awaitable, Callable

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import buttons
from bot.cards.keys import under_key
from bot.cards.layout import CardView
from bot.cards.refills import no_refills, refill_question, refills_card, refills_under_way
from bot.client import Client, describe
from bot.domain.errors import NoOrders, RefillUnderWay, UserError
from bot.domain.markup import orders_shown
from bot.domain.order_ids import Found
from bot.ledger import LedgerError, Listed, ListKind
from bot.panel import PanelError
from bot.services.panel_calls import MAX_REFILL
from cogs.common import Interaction, PersistentItem, acknowledge, answer, read_beside
from cogs.suggestions import suggest_keys


async def ask_for_refills(
    client: Client,
    user_id: int,
    found: Found,
    show: Callable[[CardView], Awaitable[object]],
    key: str | int = "",
) -> CardView:
    """Ask for a refill of every order that was found, and return the card that tells what came of it.

    They are asked for under the key of that name or account, or the default.

    Before anything is sent `show` has put up what is being asked for: no later call could find that out again.
    """
    accounts = client.services.accounts
    if not found.orders:
        raise NoOrders(found)
    account = await accounts.usable(user_id, key)
    under = under_key(await accounts.all_keys(user_id), account)
    await show(refills_under_way(found.orders, under))
    try:
        result = await client.services.calls.refill(account, found.orders)
    except (UserError, PanelError, LedgerError) as error:
        return describe(error)  # in the place of what was under way
    return refills_card(found.orders, result, found.ignored, found.repeats, under, account.name)


class Refill(commands.Cog):
    """The one command that acts at the panel by itself: a refill has no status to be watched."""

    @app_commands.command(description=locale_str("Ask NotPanel to refill completed or partly delivered orders"))
    @app_commands.autocomplete(key=suggest_keys)
    @app_commands.describe(
        orders=locale_str("One or several order IDs, separated in any way"),
        key=locale_str("Under which of your keys (otherwise your default)"),
    )
    async def refill(
        self, interaction: Interaction, orders: app_commands.Range[str, 1, 6000], key: str | None = None
    ) -> None:
        """Ask for them, each once."""
        await acknowledge(interaction)

        async def show(shown: CardView) -> None:
            await interaction.edit_original_response(view=shown.view)

        found = await read_beside(orders_shown, orders)
        await answer(
            interaction, await ask_for_refills(interaction.client, interaction.user.id, found, show, key or "")
        )


async def _refillable(interaction: Interaction, kind: ListKind, list_id: int, account_id: int) -> tuple[str, ...]:
    """Return the orders of the presser's own list, under one key, that the panel calls completed or partial by now."""

    def wanted(line: Listed) -> bool:
        order = line.cancellation
        return order is not None and order.account_id == account_id and order.may_be_refilled

    return await interaction.client.services.cancels.named(kind, list_id, interaction.user.id, wanted)


async def _question(interaction: Interaction, kind: ListKind, list_id: int, account_id: int) -> CardView:
    """Ask whether to refill what can be under that key of the presser's own."""
    accounts, user_id = interaction.client.services.accounts, interaction.user.id
    orders = await _refillable(interaction, kind, list_id, account_id)
    account = await accounts.choose(user_id, account_id)
    return refill_question(orders, kind, list_id, account, await accounts.all_keys(user_id))


class RefillThese(PersistentItem, template=buttons.REFILL):
    """Asks first, in an answer of its own; for the owner of the card alone."""

    async def press(self, interaction: Interaction) -> None:
        """Show which orders a refill would be asked for."""
        await acknowledge(interaction)
        (kind, list_id), account_id = self.whole_list, int(self.values["account"])
        await answer(interaction, await _question(interaction, kind, list_id, account_id))


class ConfirmRefill(PersistentItem, template=buttons.CONFIRM_REFILL):
    """Asks for the refills that the question has named, each once; for the owner of the card alone."""

    async def press(self, interaction: Interaction) -> None:
        """Ask for them, unless an earlier press does so or has done so.

        No ledger holds refills. After a restart, or from a second question, the same can be confirmed again; what
        is still open the panel then refuses by its own rule, one refill of an order at a time.
        """
        message_id = await acknowledge(interaction, update=True)
        client, user_id = interaction.client, interaction.user.id
        if user_id in client.refilling or message_id in client.refills_asked:
            raise RefillUnderWay
        client.refilling.add(user_id)
        try:
            shown = await self._refilled(interaction, message_id)
        finally:
            client.refilling.discard(user_id)
        await answer(interaction, shown)

    async def _refilled(self, interaction: Interaction, message_id: int) -> CardView:
        (kind, list_id), account_id = self.whole_list, int(self.values["account"])
        orders = await _refillable(interaction, kind, list_id, account_id)
        # What has ended stays as it is, so that as many as the question named are the same ones.
        if len(orders) != int(self.values["count"]):
            return await _question(interaction, kind, list_id, account_id)

        async def show(shown: CardView) -> None:
            await interaction.edit_original_response(view=shown.view)
            interaction.client.refills_asked.append(message_id)

        found = Found(orders[:MAX_REFILL], 0, ())
        return await ask_for_refills(interaction.client, interaction.user.id, found, show, account_id)


class NoRefill(PersistentItem, template=buttons.NO_REFILL):
    """Drops the question."""

    async def press(self, interaction: Interaction) -> None:
        """Ask for nothing, and say so."""
        await acknowledge(interaction, update=True)
        await answer(interaction, no_refills())
