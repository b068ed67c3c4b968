"""The question that orders get which somebody named without saying what to do with them."""

from bot.cards import actions
from bot.cards.groups import MOST_OF_GROUP, more_orders
from bot.cards.keys import key_fact
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import code, small, titled
from bot.cards.words import ignored
from bot.services.cancels import RequestView


def what_to_do(view: RequestView) -> CardView:
    """Ask what to do with the orders of a request; nothing is guessed, since a cancel cannot be taken back."""
    request = view.request
    title = plural("{count} order. What should I do?", "{count} orders. What should I do?", request.orders)
    named = view.waiting[:MOST_OF_GROUP]
    lines = [*map(code, named), more_orders(request.orders - len(named)), ignored(request.ignored, request.repeats)]
    nothing_yet = _("Nothing is sent until you choose. A cancel can't be taken back.")
    return card(
        Tone.WAITING,
        [
            titled(title, small(key_fact(view.keys, view.account)), f"-# {nothing_yet}"),
            "\n".join(filter(None, lines)),
        ],
        buttons=[
            actions.CONFIRM.button(
                request.id,
                label=plural("Cancel {count} order", "Cancel {count} orders", request.orders),
                style=actions.MAIN,
            ),
            actions.STATUS.button(request.id),
            actions.REFILL_NAMED.button(request.id),
            actions.KEEP.button(request.id, label=_("Nothing")),
        ],
    )
