"""A list of orders page by page, each order with how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cards import actions
from bot.cards.groups import refunded
from bot.cards.keys import Names, under
from bot.cards.language import _
from bot.cards.layout import CardView, Tone, card, room_beside
from bot.cards.text import code, size, titled
from bot.cards.words import QUOTED, WORDINGS, panel_status
from bot.domain.states import State
from bot.ledger import Listed, ListKind

PAGE_LENGTH = 20
"""Orders on one page of a list."""
_MOST_WORDS = 46
"""The size of the panel's message in one line: enough for NotPanel's own."""
MOST_PAGES = 50
"""Pages that one can turn to: each press reads the list from its beginning; what is further on is in the file."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list, counted from 0; of a history the list's number is the days."""

    kind: ListKind
    list_id: int
    outcome: State | None
    number: int


def page_card(lines: Sequence[Listed], page: ListPage, names: Names) -> CardView:
    """Show some lines of a list, with their keys where there are several, and turn to the pages beside it."""
    first = page.number * PAGE_LENGTH + 1
    here = lines[:PAGE_LENGTH]
    as_of_now = _("As of now.")
    title = _("Orders {first} to {last}", first=first, last=first + len(here) - 1) if here else _("No more orders")
    bare = [_page_line(line, names) for line in here]
    most = min(room_beside([title, as_of_now, *bare]) // PAGE_LENGTH - size(f" · {panel_status('…')}"), _MOST_WORDS)
    shown = [_page_line(line, names, most) for line in here]
    turns = [
        *([(page.number - 1, _("Page before"))] if page.number else []),
        *([(page.number + 1, _("Next page"))] if len(lines) > PAGE_LENGTH and page.number < MOST_PAGES - 1 else []),
    ]
    return card(
        Tone.PLAIN,
        [titled(title, "\n".join(shown), f"-# {as_of_now}")],
        buttons=[
            *(
                actions.PAGE.button(page.kind, page.list_id, number, page.outcome, label=label)
                for number, label in turns
            ),
            actions.LIST.button(page.kind, page.list_id, page.outcome),
        ],
    )


def _page_line(line: Listed, names: Names, most: int = 0) -> str:
    """Return an order with how it stands; `most`: the size of the panel's message about it."""
    wording = WORDINGS[line.shown_as]
    order = line.cancellation
    said = ""
    if order and most > 0 and order.panel_message and line.shown_as in QUOTED:
        said = f" — {code(order.panel_message, most)}"
    elif order and most > 0 and order.status_word:
        said = f" · {panel_status(order.status_word, most)}"
    money = f" · {refunded(order)}" if order and order.refund else ""
    return f"{wording.emoji} {code(line.order_id)} {_(wording.short)}{money}{said}{under(names, line.account_id)}"
