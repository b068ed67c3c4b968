"""/cancel: one order or many, from an option, a file or a form; with a question first where there are many."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.keys import which_to_try
from bot.cards.layout import CardView
from bot.cards.modals import KEY_CHOICE, MOST_TYPED, ORDERS_FIELD, orders_form
from bot.domain.order_ids import Found
from bot.ledger import ListKind, MessageRef, OrderAction
from cogs.acknowledge import Interaction, open_form
from cogs.dispatch import Form, answers, handles
from cogs.orders import MOST_IN_OPTION, typed_orders
from cogs.reply import Reply, answer
from cogs.suggestions import suggest_keys, suggest_orders


async def begin(
    reply: Reply,
    found: Found,
    *,
    key: str | int = "",
    always: bool = False,
    undecided: bool = False,
    to_refill: bool = False,
) -> None:
    """Write down what was found, and show its card where the acknowledgement stands; see `Cancels.ask`."""
    services = reply.services
    wanted = OrderAction.REFILL if to_refill else OrderAction.CANCEL
    async with services.keeping.keeping(reply.user_id, wanted, found):
        request_id = await services.cancels.ask(
            reply.user_id,
            found,
            reply.message_ref(),
            key=key,
            always=always,
            undecided=undecided,
            to_refill=to_refill,
        )
    await reply.services.card_updater.show_at_once(request_id)


async def _cancel(
    reply: Reply, text: str, files: Sequence[discord.Attachment], key: str, room: int = MOST_IN_OPTION
) -> None:
    await begin(reply, await typed_orders(reply, text, files, key, room), key=key)


class CancelCog(commands.Cog):
    """The command the bot is for."""

    @app_commands.command(description=locale_str("Cancel orders and hear how each one really ended"))
    @app_commands.autocomplete(orders=suggest_orders, key=suggest_keys)
    @app_commands.describe(
        orders=locale_str("Order IDs, one or many, separated any way you like"),
        file=locale_str("A text or CSV file with order IDs"),
        key=locale_str("Which of your keys (your default if left out)"),
    )
    async def cancel(
        self,
        interaction: Interaction,
        orders: app_commands.Range[str, 1, MOST_IN_OPTION] | None = None,
        file: discord.Attachment | None = None,
        key: str = "",
    ) -> None:
        """Take orders, or open the form where none are given."""
        if orders is None and file is None:
            await ask_for_orders(interaction, key)
        else:
            await answer(interaction, partial(_cancel, text=orders or "", files=[file] if file else [], key=key))


@handles(actions.PASTE)
async def ask_for_orders(interaction: Interaction, key: str = "") -> None:
    """Open the form to paste into; it must be the very first answer. It asks for a key where there are several."""
    accounts, user_id = interaction.client.services.accounts, interaction.user.id
    named = (await accounts.choose(user_id, key)).name if key else ""
    await open_form(interaction, orders_form(await accounts.key_names(user_id), named))


@answers(actions.ORDERS_FORM)
async def cancel_pasted(reply: Reply, form: Form) -> None:
    """Cancel what was pasted or attached."""
    await _cancel(reply, form.text(ORDERS_FIELD), form.attachments, form.selected(KEY_CHOICE), MOST_TYPED)


async def _change(reply: Reply, request_id: int, change: Callable[[int, int, MessageRef], Awaitable[None]]) -> None:
    """Change a request of the presser's own, and show its card where the button stood."""
    await change(request_id, reply.user_id, reply.message_ref())
    await reply.services.card_updater.show_at_once(request_id)


@answers(actions.CONFIRM, update=True)
async def confirm(reply: Reply, request_id: int) -> None:
    """Send a request that asks first; for the requester alone."""
    await _change(reply, request_id, partial(reply.services.cancels.answer, go=True))


@answers(actions.KEEP, update=True)
async def keep(reply: Reply, request_id: int) -> None:
    """Drop a request that asks first; for the requester alone."""
    await _change(reply, request_id, partial(reply.services.cancels.answer, go=False))


@answers(actions.ASK_AGAIN, update=True)
async def ask_again(reply: Reply, request_id: int) -> None:
    """Ask a question once more that lapsed; for the requester alone."""
    cancels = reply.services.cancels
    request, orders = await cancels.asked_about(request_id, reply.user_id)
    key = await cancels.key_of(request.account_id, reply.user_id)
    await begin(reply, Found(orders, 0, ()), key=key, always=True, undecided=request.asks_what_to_do)
    await cancels.forget_question(request_id, reply.user_id)


@answers(actions.STOP, update=True)
async def stop(reply: Reply, request_id: int) -> None:
    """Send nothing more of a long list; for the requester alone."""
    await _change(reply, request_id, reply.services.cancels.stop)


@answers(actions.RETRY, update=True)
async def retry(reply: Reply, request_id: int) -> None:
    """Try once more what is only watched; for the requester alone."""
    await _change(reply, request_id, reply.services.cancels.retry)


@answers(actions.TRY_UNDER)
async def try_under(reply: Reply, card: ListKind, list_id: int, account_id: int) -> None:
    """Ask whether to try under another key what was not found, in an answer of its own; for the owner alone.

    Pressed again it asks again, and an order that is being cancelled by then is linked to that.
    """
    cancels = reply.services.cancels
    request_id = await cancels.ask_under_another_key(card, list_id, reply.user_id, account_id, reply.message_ref())
    await reply.services.card_updater.show_at_once(request_id)


@answers(actions.TRY_OTHERS)
async def try_others(reply: Reply, card: ListKind, list_id: int) -> CardView:
    """Ask under which of the presser's many keys to try what was not found."""
    return which_to_try(card, list_id, await reply.services.cancels.other_keys(card, list_id, reply.user_id))
