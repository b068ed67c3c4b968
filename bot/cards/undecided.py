"""The question that orders get which somebody named without saying what to do with them."""

from bot.cards import actions
from bot.cards.keys import under_key
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import code, titled
from bot.cards.words import ignored
from bot.services.cancels import RequestView

_MOST_NAMED = 5


def what_to_do(view: RequestView) -> CardView:
    """Ask what to do with the orders of a request; nothing is guessed, since a cancel cannot be taken back."""
    request = view.request
    title = plural("{count} order. What should I do?", "{count} orders. What should I do?", request.orders)
    lines = [code(order) for order in view.waiting[:_MOST_NAMED]]
    if more := request.orders - len(lines):
        lines.append(_("+ {more} more", more=more))
    nothing_yet = _("Nothing is sent until you choose. A cancel can't be taken back.")
    return card(
        Tone.WAITING,
        [
            titled(title, under_key(view.keys, view.account), f"-# {nothing_yet}"),
            "\n".join(filter(None, [*lines, ignored(request.ignored, request.repeats)])),
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
