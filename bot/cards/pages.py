"""A list of orders page by page, each order with how it stands; and what is said beside the whole of it as a file."""

from collections.abc import Iterable
from itertools import groupby

import discord

from bot.cards import actions
from bot.cards.keys import Names, under
from bot.cards.language import _, number, plural
from bot.cards.layout import CardView, Tone, card, room_beside
from bot.cards.money import change, each
from bot.cards.text import ago, code, quoted, size, titled
from bot.cards.words import OUTCOMES, QUOTED, WORDINGS, panel_status
from bot.ledger import Listed
from bot.services.lists import LAST_PAGE, MOST_PAGES, PAGE_LENGTH, ListPage

_MOST_WORDS = 46
"""The size of the panel's message in one line: enough for NotPanel's own."""


def page_card(page: ListPage, names: Names) -> CardView:
    """Show a page of a list, with the keys where there are several, and turn to the pages beside it."""
    head = titled(_title(page), f"-# {_position(page)}")
    end = f"-# {_the_rest(page)}" if page.number == LAST_PAGE and page.total > _READABLE else ""
    bare = [f"{_heading(line, names)}\n{code(line.order_id)}" for line in page.lines]
    most = room_beside([head, end, *bare]) // PAGE_LENGTH - size(f" · {panel_status('…')}")
    shown = "\n".join(_lines(page.lines, names, min(most, _MOST_WORDS)))
    which = page.of
    return card(
        Tone.PLAIN,
        [head, *filter(None, ["\n".join(filter(None, [shown, end]))])],
        buttons=[*_turns(page), *([actions.LIST.button(which.kind, which.list_id, which.outcome)] if shown else [])],
    )


_READABLE = MOST_PAGES * PAGE_LENGTH


def _title(page: ListPage) -> str:
    if not page.lines:
        return _("No orders left here")
    first = page.number * PAGE_LENGTH + 1
    return _("{first}–{last} of {total}", first=first, last=first + len(page.lines) - 1, total=page.total)  # noqa: RUF001  # a range


def _position(page: ListPage) -> str:
    """Say which page it is, of what, and how old."""
    counted = _("page {number} of {pages}", number=page.number + 1, pages=page.last + 1) if page.last else ""
    outcome = _(OUTCOMES[page.of.outcome], count=page.total) if page.of.outcome else ""
    return " · ".join(filter(None, [outcome, counted, _("updated {when}", when=ago(page.as_of))]))


def _the_rest(page: ListPage) -> str:
    return _("Pages end at order {most}. The file has all {total}.", most=_READABLE, total=page.total)


def _turns(page: ListPage) -> list[actions.Button]:
    """Return the buttons for the first, previous, next and last page; none where there is but one."""
    if not page.last:
        return []
    here, last, which = page.number, page.last, page.of
    turns = {  # what a symbol leads to is said by the page's number, which needs no room on a phone
        "first": ("⏮️", 0),
        "previous": ("◀️", max(here - 1, 0)),
        "next": ("▶️", min(here + 1, last)),
        "last": ("⏭️", last),
    }
    buttons: list[actions.Button] = []
    for turn, (symbol, to) in turns.items():
        button = actions.PAGE.button(which.kind, which.list_id, to, which.outcome, turn, label=number(to + 1))
        button.emoji, button.disabled = symbol, to == here
        buttons.append(button)
    return buttons


def _lines(lines: Iterable[Listed], names: Names, most: int) -> Iterable[str]:
    """Yield each order's ID in a line of its own, below how it and those after it stand."""
    for _heading_of_all, alike in groupby(lines, lambda line: _heading(line, names, most)):
        first, *others = alike
        yield _heading(first, names, most, is_shared=bool(others))
        yield from (code(line.order_id) for line in (first, *others))


def _heading(line: Listed, names: Names, most: int = 0, *, is_shared: bool = False) -> str:
    """Return how an order stands, or each of several; `most`: the size of the panel's message about it."""
    wording, order = WORDINGS[line.shown_as], line.cancellation
    said = ""
    if order and most > 0 and order.panel_message and line.shown_as in QUOTED:
        said = f" · {quoted(order.panel_message, most)}"
    elif order and most > 0 and order.status_word and line.shown_as.is_open:  # an end is told by the bot's own word
        said = f" · {panel_status(order.status_word, most)}"
    money = ""
    if order and order.refund:
        money = f" · {each(change(order)) if is_shared else change(order)}"
    return f"{wording.emoji} **{_(wording.short, count=1)}**{money}{said}{under(names, line.account_id)}"


def list_card(file: discord.File, count: int) -> CardView:
    """Hand over a list as a file, and say what is in it."""
    text = plural(
        "**{count} order**, as of now: how it stands, money and times.",
        "**{count} orders**, as of now: how each stands, money and times.",
        count,
    )
    return card(Tone.PLAIN, [text], file=file)
