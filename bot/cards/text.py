"""Text from outside, made safe to show; times the way Discord's clients localise them."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.cards.language import _, comma, isolated

_UNSAFE = re.compile(r"[`\s\x00-\x1f\x7f\u061c\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
_ALIVE = re.compile(r"[\\*_~|<>\[\]()#:@]|(?<=\w)\.(?=\w)")
"""What markup, links and mentions are made of; a dot within a word, for `discord.gg/…`."""
SAME_DAY = timedelta(hours=12)
"""Within this time of now, a time of day needs no date."""
_NOTHING = "\u200b"


def size(text: str) -> int:
    """Return how much of a message's room a text takes: its characters, or half its bytes in UTF-8 where that is more.

    Discord takes 4,000 characters in a message and answers 500 to more than about 10,170 bytes, labels and custom_ids
    perhaps among them (discord-api-docs #8554, #7310): in this measure 4,000 is at most 8,000 bytes of text.
    """
    if text.isascii():
        return len(text)
    return max(len(text), (len(text.encode(errors="surrogatepass")) + 1) // 2)


def clipped(text: str, most: int) -> str:
    """Return a text of at most that size; where it had to be cut short it ends in an ellipsis."""
    if size(text) <= most:
        return text
    fitting = bisect_right(range(len(text)), most, key=lambda end: size(f"{text[:end]}…"))
    return f"{text[: max(fitting - 1, 0)]}…"


def code(text: str, most: int = 200) -> str:
    """Show foreign text word for word: inside inline code neither links, mentions nor markup come alive."""
    clean = _UNSAFE.sub(" ", text.replace("`", "'")).strip()
    return isolated(f"`{clipped(clean, most)}`") if clean else _("(no words)")


def quoted(text: str, most: int = 160) -> str:
    """Show foreign text as a quotation in running text, where no box of code is to stand: nothing in it comes alive.

    Every sign that Discord could read as markup, a link, a mention or a time stands behind a backslash.
    """
    clean = _UNSAFE.sub(" ", text.replace("`", "'").replace("“", '"').replace("”", '"')).strip()
    if not clean:
        return _("(no words)")
    return isolated(f"“{_ALIVE.sub(_deadened, clipped(clean, most))}”")


def _deadened(sign: re.Match[str]) -> str:
    return f"@{_NOTHING}" if sign[0] == "@" else f"\\{sign[0]}"


def amount(text: str) -> str:
    """Show a number or a currency as the panel wrote it; anything else word for word."""
    return text if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,8})?|[A-Z]{3,4}", text) else code(text, 20)


def titled(title: str, *lines: str) -> str:
    """Return a heading with lines below it; empty lines are left out."""
    return "\n".join([f"### {title}", *filter(None, lines)])


def ago(time: datetime) -> str:
    """Return a time that Discord shows relative to now, in the reader's language."""
    return isolated(f"<t:{int(time.timestamp())}:R>")


def at(time: datetime) -> str:
    """Return a time of day in the reader's own zone."""
    return isolated(f"<t:{int(time.timestamp())}:t>")


def date(time: datetime) -> str:
    """Return a date in the reader's own zone, in figures."""
    return isolated(f"<t:{int(time.timestamp())}:d>")


def on(time: datetime) -> str:
    """Return a date and time of day in the reader's own zone and language."""
    return isolated(f"<t:{int(time.timestamp())}:f>")


def bar(done: int, total: int, width: int = 10) -> str:
    """Draw how much of something is done, in less than a line of a phone; full only when all of it is."""
    filled = done * width // total
    return "▰" * filled + "▱" * (width - filled)


def small(*facts: str) -> str:
    """Return a small line of some facts; nothing of none."""
    told = " · ".join(filter(None, facts))
    return f"-# {told}" if told else ""


def listed(items: Sequence[str], room: int, between: str = "") -> tuple[str, int]:
    """Join as many items as fit into a room of that size, by commas if by nothing else; return how many are missing."""
    between = between or comma()
    taken: list[str] = []
    for item in items:
        room -= size(item) + len(between)
        if room < 0:
            break
        taken.append(item)
    return between.join(taken), len(items) - len(taken)
