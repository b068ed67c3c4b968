"""One card: a Components V2 container with its buttons and files, inside Discord's limits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import discord

TEXT_LIMIT = 4_000
"""Characters of text in all parts of one message together (Discord)."""
_PART_LIMIT = 40
"""Components of one message, nested ones too (Discord)."""


_ROW = 5
"""Buttons in one row (Discord)."""


class Tone(Enum):
    """The colour at a card's edge; words always say the same."""

    GOOD = 0x2E9E6B
    WAITING = 0xD9A21B
    BAD = 0xC8433F
    PLAIN = 0x5865F2


@dataclass(slots=True)
class CardView:
    """A card ready to be sent: what `send`, `edit` and `followup.send` of discord.py take."""

    view: discord.ui.LayoutView
    files: list[discord.File] = field(default_factory=list[discord.File])


def card(
    tone: Tone,
    parts: Sequence[str],
    *,
    buttons: Sequence[discord.ui.Button[discord.ui.LayoutView]] = (),
    menus: Sequence[discord.ui.Select[discord.ui.LayoutView]] = (),
    file: discord.File | None = None,
) -> CardView:
    """Build a card of text parts with a line between them, then an attached file, then buttons, then menus.

    Where Discord has no room for the lines they are left out.
    """
    container: discord.ui.Container[discord.ui.LayoutView] = discord.ui.Container(accent_colour=tone.value)
    rows = math.ceil(len(buttons) / _ROW)
    with_lines = 2 * len(parts) + len(buttons) + rows + 2 * len(menus) + bool(file)  # the container, but one line less
    has_room = with_lines <= _PART_LIMIT
    for index, part in enumerate(parts):
        if index and has_room:
            container.add_item(discord.ui.Separator())
        container.add_item(discord.ui.TextDisplay(part))
    if file:
        container.add_item(discord.ui.File(file))
    for start in range(0, len(buttons), _ROW):
        container.add_item(discord.ui.ActionRow(*buttons[start : start + _ROW]))
    for menu in menus:
        container.add_item(discord.ui.ActionRow(menu))
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(container)
    # Buttons are answered by their custom_id alone (cogs/), so discord.py need not remember this view.
    view.stop()
    return CardView(view, [file] if file else [])
