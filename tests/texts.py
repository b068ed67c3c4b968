"""How tests read what is shown: commands that can be pressed are written as a user would type them."""

import re


def as_typed(text: str) -> str:
    """Return a text with `</queued:123>` as it is written in the sources: a command in inline code."""
    return re.sub(r"</([a-z -]+):\d+>", r"`/\1`", text)
