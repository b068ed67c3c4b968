"""A list of orders page by page, each order with how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.language import t
from bot.states import State
from bot.store import Listed, ListKind
from bot.ui import buttons
from bot.ui.keys import Names, under
from bot.ui.layout import CardView, Tone, card
from bot.ui.text import code, titled
from bot.ui.words import WORDINGS, panel_status

PAGE_LENGTH = 20
"""Orders on one page of a list."""
_MOST_WORDS = 46
"""Characters of the panel's words in one line: enough for NotPanel's own, and for twenty of the longest lines."""
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
    shown = [_page_line(line) + under(names, line.account_id) for line in lines[:PAGE_LENGTH]]
    as_of_now = t("As of now.")
    title = t("Orders {first} to {last}", first=first, last=first + len(shown) - 1) if shown else t("No more orders")
    turns = [
        *([(page.number - 1, False)] if page.number else []),
        *([(page.number + 1, True)] if len(lines) > PAGE_LENGTH and page.number < MOST_PAGES - 1 else []),
    ]
    return card(
        Tone.PLAIN,
        [titled(title, "\n".join(shown), f"-# {as_of_now}")],
        buttons=[
            *(buttons.page(page.kind, page.list_id, number, page.outcome, forward=go) for number, go in turns),
            buttons.whole_list(page.kind, page.list_id, page.outcome),
        ],
    )


def _page_line(line: Listed) -> str:
    wording = WORDINGS[line.told_as]
    order = line.cancellation
    words = f" — {code(order.words, _MOST_WORDS)}" if order and order.words else ""
    status = f" · {panel_status(order.status_word)}" if order and order.status_word and not words else ""
    return f"{wording.emoji} {code(line.order_id)} {t(wording.short)}{status}{words}"
