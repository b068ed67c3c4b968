"""One card: a Components V2 container with its buttons and files, inside Discord's limits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import discord

from bot.cards.language import directed, runs_right_to_left
from bot.cards.text import clipped, size

_TEXT_LIMIT = 4_000
"""Characters of text in all parts of one message together (Discord); see `size` for its bytes."""
_PART_LIMIT = 40
"""Components of one message, nested ones too (Discord)."""
_MARGIN = 100
_MARKS = 300
"""What the marks of direction take on a card of a hundred lines (bot/cards/direction.py)."""
_PART = 6
"""What each text takes beside its own size: 12 bytes (discord-api-docs #8554)."""
_ROW = 5
"""Buttons in one row (Discord)."""


class Tone(Enum):
    """The colour at a card's edge; words always say the same."""

    GOOD = 0x2E9E6B
    WAITING = 0xD9A21B
    MIXED = 0xD9722B
    BAD = 0xC8433F
    PLAIN = 0x5865F2


@dataclass(slots=True)
class CardView:
    """A card ready to be sent: what `send`, `edit` and `followup.send` of discord.py take."""

    view: discord.ui.LayoutView
    files: list[discord.File] = field(default_factory=list[discord.File])


def room_beside(texts: Sequence[str]) -> int:
    """Return the size of the text that a card has room for beside these."""
    margin = _MARGIN + (_MARKS if runs_right_to_left() else 0)
    return _TEXT_LIMIT - margin - sum(size(text) + _PART for text in texts)


def card(
    tone: Tone,
    parts: Sequence[str],
    *,
    buttons: Sequence[discord.ui.Button[discord.ui.LayoutView]] = (),
    links: Sequence[tuple[str, str]] = (),
    menus: Sequence[discord.ui.Select[discord.ui.LayoutView]] = (),
    file: discord.File | None = None,
    mark: int | None = None,
) -> CardView:
    """Build a card of text parts with a line between them, then an attached file, buttons, links and menus.

    `links`: labels and addresses, for rows of their own. `mark`: the container's number, which nobody sees.

    Where Discord has no room for the lines they are left out. Parts that are too long are cut short, since Discord
    would never take them; who builds a card sees to it that nothing of weight is lost by that (`room_beside`).
    """
    container: discord.ui.Container[discord.ui.LayoutView] = discord.ui.Container(accent_colour=tone.value, id=mark)
    leading: list[discord.ui.Button[discord.ui.LayoutView]] = [
        discord.ui.Button(label=label, url=url) for label, url in links
    ]
    rows = [*_rows(buttons), *_rows(leading)]
    with_lines = (
        2 * len(parts) + sum(1 + len(row) for row in rows) + 2 * len(menus) + bool(file)
    )  # the container, but one line less
    has_room = with_lines <= _PART_LIMIT
    for index, part in enumerate(_cut_to_fit([directed(part) for part in parts])):
        if index and has_room:
            container.add_item(discord.ui.Separator())
        container.add_item(discord.ui.TextDisplay(part))
    if file:
        container.add_item(discord.ui.File(file))
    for row in rows:
        container.add_item(discord.ui.ActionRow(*row))
    for menu in menus:
        container.add_item(discord.ui.ActionRow(menu))
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(container)
    # Buttons are answered by their custom_id alone (cogs/), so discord.py need not remember this view.
    view.stop()
    return CardView(view, [file] if file else [])


def _rows(
    buttons: Sequence[discord.ui.Button[discord.ui.LayoutView]],
) -> list[Sequence[discord.ui.Button[discord.ui.LayoutView]]]:
    return [buttons[start : start + _ROW] for start in range(0, len(buttons), _ROW)]


def _cut_to_fit(parts: Sequence[str]) -> list[str]:
    """Return the parts, the longest cut short until all fit."""
    fitting = list(parts)
    while (over := sum(map(size, fitting)) - _TEXT_LIMIT) > 0:
        longest = max(range(len(fitting)), key=lambda index: size(fitting[index]))
        fitting[longest] = clipped(fitting[longest], max(size(fitting[longest]) - over, _TEXT_LIMIT // _PART_LIMIT))
    return fitting
