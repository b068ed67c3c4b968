"""/key: connect, show, remove and choose among API keys. A key travels in a modal only."""

from functools import partial

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.cards import actions
from bot.cards.connecting import Hello, connected, dms_tried, key_steps, not_connected
from bot.cards.errors import panel_error, user_error
from bot.cards.keys import (
    default_chosen,
    key_kept,
    keys_card,
    removal_question,
    removed,
    which_to_remove,
)
from bot.cards.layout import CardView
from bot.cards.modals import KEY_FIELD, key_form
from bot.client import error_card
from bot.domain.errors import BadKey, BeingErased, RefusedTooOften, SameKey, UserErased, UserError
from bot.domain.order_ids import Found
from bot.ledger import KeptOrders, OrderAction
from bot.panel import PanelError
from bot.services.keyring import LONGEST_NAME, read_name
from cogs.acknowledge import Interaction, open_form
from cogs.cancel import begin
from cogs.dispatch import Form, answers, handles
from cogs.reply import Reply, answer
from cogs.status import look_up
from cogs.suggestions import suggest_keys

Name = app_commands.Range[str, 1, LONGEST_NAME]


async def show_keys(reply: Reply) -> CardView:
    """Return a card with the user's keys."""
    return keys_card(await reply.services.accounts.show(reply.user_id))


async def _choose_default(reply: Reply, name: str) -> CardView:
    return default_chosen(await reply.services.accounts.make_default(reply.user_id, name))


async def _remove_one(reply: Reply, name: str) -> CardView:
    """Remove the key named, or ask which where several could be meant."""
    keys = await reply.services.accounts.stored(reply.user_id)
    return which_to_remove(keys) if not name and len(keys) > 1 else await _remove(reply, name)


async def _remove(reply: Reply, key: str | int) -> CardView:
    """Remove a key, after a question where orders need it."""
    view = await reply.services.accounts.show_one(reply.user_id, key)
    return removal_question(view) if view.waiting else await remove_anyway(reply, view.account.id)


class KeyCog(commands.GroupCog, group_name="key", group_description=locale_str("Your NotPanel API keys")):
    """The commands around keys."""

    @app_commands.command(
        name="set", description=locale_str("Connect or replace a NotPanel API key (in a form only you see)")
    )
    @app_commands.autocomplete(name=suggest_keys)
    @app_commands.describe(name=locale_str("A name, if you have several keys (your default if left out)"))
    async def set_key(self, interaction: Interaction, name: Name | None = None) -> None:
        """Open the form."""
        await ask_for_key(interaction, read_name(name) if name else "")

    @app_commands.command(description=locale_str("Your keys, and how many orders each one watches"))
    async def show(self, interaction: Interaction) -> None:
        """Show them."""
        await answer(interaction, show_keys)

    @app_commands.command(description=locale_str("Remove a key"))
    @app_commands.autocomplete(name=suggest_keys)
    @app_commands.describe(name=locale_str("Which of your keys, if you have several"))
    async def remove(self, interaction: Interaction, name: Name | None = None) -> None:
        """Remove it, after a question where orders need it or several could be meant."""
        await answer(interaction, partial(_remove_one, name=name or ""))

    @app_commands.command(description=locale_str("Choose the key that's used when you name none"))
    @app_commands.autocomplete(name=suggest_keys)
    @app_commands.describe(name=locale_str("Which of your keys"))
    async def default(self, interaction: Interaction, name: Name) -> None:
        """Choose it."""
        await answer(interaction, partial(_choose_default, name=name))


@answers(actions.KEY_STEPS)
async def show_steps(reply: Reply) -> CardView:
    """Say how to come by a key, or show the keys of somebody who has connected one since."""
    services = reply.services
    if await services.accounts.key_names(reply.user_id):
        return await show_keys(reply)
    return key_steps(services.keys_page, await services.keeping.count(reply.user_id))


@handles(actions.CONNECT)
async def ask_for_key(interaction: Interaction, name: str = "") -> None:
    """Open the form, which must be the very first answer, so nothing is looked up before."""
    await open_form(interaction, key_form(name))


_TRY_AGAIN = (BadKey, SameKey, RefusedTooOften, UserErased, BeingErased, PanelError)
"""Why a key was not connected, where the same form may lead to it: a wrong name would only be wrong again."""


@answers(actions.KEY_FORM)
async def connect(reply: Reply, form: Form, name: str = "") -> CardView | None:
    """Connect the key that was filled in, the presser's own of that name or the default, and go on from there.

    A first DM shows at once whether messages arrive; orders that were kept for want of a key are asked about.
    """
    services = reply.services
    try:
        result = await services.accounts.connect(reply.user_id, form.text(KEY_FIELD), name)
    except _TRY_AGAIN as error:
        problem = panel_error(error) if isinstance(error, PanelError) else user_error(error)
        return not_connected(problem, services.keys_page, name, await services.keeping.count(reply.user_id))
    kept = await services.keeping.kept_for(result.account)
    await reply.show(connected(result, goes_on=bool(kept)))
    if not reply.is_dm and await services.greeter.say_hello(reply.user_id) is Hello.REFUSED:
        await reply.show(connected(result, goes_on=bool(kept), dms_refused=True))
    for one in kept:
        await _go_on(await reply.further(), one, result.account.id)
    return None


async def _go_on(reply: Reply, kept: KeptOrders, account_id: int) -> None:
    """Go on with what was kept: nothing is sent, it is asked about or looked up."""
    found = Found(kept.orders, 0, ())
    try:
        if kept.action is OrderAction.STATUS:
            await reply.show(await look_up(reply, found, account_id))
        else:
            await begin(reply, found, key=account_id, always=True, to_refill=kept.action is OrderAction.REFILL)
    except (UserError, PanelError) as error:  # it stays kept
        await reply.show(error_card(error, reply.services.keys_page))
    else:
        await reply.services.keeping.drop(kept)


@answers(actions.HELLO, update=True)
async def try_dm(reply: Reply) -> CardView:
    """Send the first DM to a presser once more: they may have allowed it."""
    return dms_tried(await reply.services.greeter.say_hello(reply.user_id))


@answers(actions.ASK_REMOVE, update=True)
async def ask_to_remove(reply: Reply, account_id: int) -> CardView:
    """Remove one of the presser's own keys, after a question where orders need it."""
    return await _remove(reply, account_id)


@answers(actions.REMOVE_KEY, update=True)
async def remove_anyway(reply: Reply, account_id: int) -> CardView:
    """Remove one of the presser's own keys although orders are open."""
    return removed(await reply.services.accounts.remove(reply.user_id, account_id))


@answers(actions.KEEP_KEY, update=True)
async def keep_key(_reply: Reply) -> CardView:
    """Leave the key where it is, and say so."""
    return key_kept()
