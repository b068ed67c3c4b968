"""/refill, and the button under a card: ask the panel to deliver again what an order has lost."""

from collections.abc import Callable
from functools import partial

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.keys import key_fact
from bot.cards.layout import CardView
from bot.cards.refills import no_refills, refill_question, refills_card, refills_under_way
from bot.client import error_card
from bot.domain.errors import NoOrders, TooMany, UserError
from bot.domain.order_ids import Found
from bot.domain.states import State
from bot.ledger import LedgerError, Listed, ListKind, OrderAction
from bot.panel import PanelError
from bot.services.panel_calls import MAX_REFILL
from bot.services.reasons import may_be_refilled
from cogs.acknowledge import Interaction
from cogs.dispatch import answers
from cogs.orders import MOST_IN_OPTION, typed_orders
from cogs.reply import Reply, answer
from cogs.suggestions import suggest_keys, suggest_orders


async def ask_for_refills(
    reply: Reply, found: Found, key: str | int = "", sending: Callable[[], None] = lambda: None
) -> CardView:
    """Ask for a refill of every order that was found, and return the card that tells what came of it.

    They are asked for under the key of that name or account, or the default. Before anything is sent the card says what
    is being asked for: no later call could find that out again. Then `sending` is called.
    """
    accounts = reply.services.accounts
    if not found.orders:
        raise NoOrders(found)
    async with reply.services.keeping.keeping(reply.user_id, OrderAction.REFILL, found):
        account = await accounts.usable(reply.user_id, key)
    under = key_fact(await accounts.all_keys(reply.user_id), account)
    await reply.show(refills_under_way(found.orders, under))
    sending()
    try:
        result = await reply.services.calls.refill(account, found.orders)
    except (UserError, PanelError, LedgerError) as error:
        return error_card(error, reply.services.keys_page)  # in the place of what was under way
    return refills_card(found.orders, result, found.ignored, found.repeats, under, account.name)


async def _refill(reply: Reply, orders: str, key: str) -> CardView:
    return await ask_for_refills(reply, await typed_orders(reply, orders), key)


class RefillCog(commands.Cog):
    """The one command that acts at the panel by itself: a refill has no status to be watched."""

    @app_commands.command(description=locale_str("Ask for a refill of completed or partly delivered orders"))
    @app_commands.autocomplete(orders=suggest_orders, key=suggest_keys)
    @app_commands.describe(
        orders=locale_str("Order IDs, one or many, separated any way you like"),
        key=locale_str("Which of your keys (your default if left out)"),
    )
    async def refill(
        self, interaction: Interaction, orders: app_commands.Range[str, 1, MOST_IN_OPTION], key: str = ""
    ) -> None:
        """Ask for them, each once."""
        await answer(interaction, partial(_refill, orders=orders, key=key))


@answers(actions.REFILL_NAMED, update=True)
async def refill_named(reply: Reply, request_id: int) -> CardView:
    """Ask for refills of the orders that a question is about, each once; for the requester alone.

    That closes the question, and the answer takes its place.
    """
    request, orders = await reply.services.cancels.asked_about(request_id, reply.user_id)
    if len(orders) > MAX_REFILL:
        raise TooMany(MAX_REFILL)
    with reply.services.refill_turns.turn(reply.user_id, reply.message_id):
        await reply.services.accounts.usable(reply.user_id, request.account_id)
        await reply.services.cancels.dismiss(request_id, reply.user_id)
        return await ask_for_refills(reply, Found(orders, 0, ()), request.account_id)


async def _refillable(
    reply: Reply, kind: ListKind, list_id: int, account_id: int, outcome: State | None
) -> tuple[str, ...]:
    """Return the orders of the presser's own list, under one key, that the panel calls completed or partial by now.

    `outcome`: of these, those that have ended so.
    """

    def wanted(line: Listed) -> bool:
        order = line.cancellation
        if order is None or order.account_id != account_id or (outcome and order.state is not outcome):
            return False
        return may_be_refilled(order)

    return await reply.services.cancels.named(kind, list_id, reply.user_id, wanted)


@answers(actions.REFILL)
async def ask_to_refill(
    reply: Reply, card: ListKind, list_id: int, account_id: int, outcome: State | None = None
) -> CardView:
    """Ask first, in an answer of its own, whether to refill what can be; for the owner of the card alone."""
    accounts = reply.services.accounts
    orders = await _refillable(reply, card, list_id, account_id, outcome)
    account = await accounts.choose(reply.user_id, account_id)
    return refill_question(orders, card, list_id, account, await accounts.all_keys(reply.user_id), outcome)


@answers(actions.CONFIRM_REFILL, update=True)
async def confirm_refill(
    reply: Reply, card: ListKind, list_id: int, account_id: int, count: int, outcome: State | None = None
) -> CardView:
    """Ask for the refills that the question has named, each once; for the owner of the card alone."""
    turns, question_id = reply.services.refill_turns, reply.message_id
    with turns.turn(reply.user_id, question_id):
        orders = await _refillable(reply, card, list_id, account_id, outcome)
        # What has ended stays as it is, so that as many as the question named are the same ones.
        if len(orders) != count:
            return await ask_to_refill(reply, card, list_id, account_id, outcome)
        found = Found(orders[:MAX_REFILL], 0, ())
        return await ask_for_refills(reply, found, account_id, partial(turns.sending, question_id))


@answers(actions.NO_REFILL, update=True)
async def no_refill(_reply: Reply) -> CardView:
    """Ask for nothing, and say so."""
    return no_refills()
