"""Discord's markup, read as whoever looks at a message sees it (pure); bot/domain/order_ids.py then finds the IDs."""

import re
from collections.abc import Iterator

from bot.domain.order_ids import SPACELESS

_HELD, _TAKEN = "\ue000", "\ue001"
"""Stand for a piece that has been read, and for a mark that is not seen; nothing else has a use for them."""
_RESERVED = str.maketrans({_HELD: " ", _TAKEN: " "})

_PIECE = re.compile(
    r"```(?P<block>.*?)```"
    r"|(?<!`)(?P<ticks>`{1,2})(?!`)(?P<code>.*?[^`])(?P=ticks)(?!`)"
    r"|\[(?P<label>(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]"
    r"\(\s*<?(?:https?|discord)://(?:\([^\s()]*\)|[^\s()<>])*>?(?:\s+(?P<quote>[\"'])[^\n\"']*(?P=quote))?\s*\)"
    r"|(?P<address>https?://[^\s<>]*[^\s<>_*~|.,:;\"')\]])"
    r"|(?P<emoji>\\?<a?:\w{1,40}:[0-9]{1,20}>)"
    r"|(?P<mention>\\?<(?:@[!&]?|#|t:-?|id:|/[^<>:\n]{1,100}:)\w{1,40}(?::[A-Za-z])?>)"
    r"|\\(?P<escaped>[^\w\s]|_)",
    re.DOTALL,
)
_LANGUAGE = re.compile(r"[A-Za-z+#.-]{1,20}\n")
"""Above a block: how it is to be coloured, which nobody sees. Where an ID stands there it is meant to be one."""

_MARK = re.compile(r"\*+|_+|~~")
_IN_WORD = re.compile(rf"[^\W_{SPACELESS}]")
_INSIDE = re.compile(rf"{_IN_WORD.pattern}[*~_]+{_IN_WORD.pattern}")
_SPACE = re.compile(r"\s")
_PARTED_ID = re.compile(rf"[oO][rR][dD]_(?:[0-9A-Za-z]|{_TAKEN}+(?=[0-9A-Za-z])(?![oO][rR][dD]_))+")
_BEFORE_ELLIPSIS = re.compile(rf"(?<!{_TAKEN}){_TAKEN}+(?=[.\u2025\u2026\u22ef])")


def as_read(text: str) -> str:
    """Return a message's text as its readers see it: without marks, and without what mentions and links stand for.

    Of a masked link the shown text counts and the target does not; code and addresses stand as they are. The numbers
    of mentions, emoji and times are nobody's orders. Marks come in pairs and around words, so that none cuts an ID:
    `__ord_A__` shows `ord_A`, while `ord_A_` alone may be an ID that is written so. Where a pair inside a word stands
    in an ID (`ord_A**1**`), the reader sees one ID, and so does this.
    """
    held: list[str] = []

    def hold(piece: re.Match[str]) -> str:
        held.append(_piece_as_read(piece))
        return _HELD

    unmarked = _without_marks(_PIECE.sub(hold, text.translate(_RESERVED)))
    pieces: Iterator[str] = iter(held)
    return re.sub(_HELD, lambda _: next(pieces), unmarked)


def _piece_as_read(piece: re.Match[str]) -> str:
    """Return what is seen in the place of code, a link, an address, a mention or an escaped character."""
    match piece.lastgroup:
        case "block":
            coloured = _LANGUAGE.match(piece["block"])
            return f"\n{piece['block'][coloured.end() if coloured else 0 :]}\n"
        case "code":
            return f" {piece['code']} "
        case "label" | "quote":
            return as_read(piece["label"])
        case "emoji":
            return " "
        case "mention":
            return " @someone "
        case _:
            return piece["address"] or piece["escaped"]


def _without_marks(text: str) -> str:
    """Take out the marks that come in pairs, of which the reader sees only how the words between them look."""
    parts: list[str] = []
    end = 0
    for start, stop in sorted(_paired(text)):
        parts += [text[end:start], _TAKEN]
        end = stop
    taken = "".join([*parts, text[end:]])
    whole = _PARTED_ID.sub(lambda order: order[0].replace(_TAKEN, ""), taken)
    return _BEFORE_ELLIPSIS.sub("", whole).replace(_TAKEN, " ")


def _paired(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the marks stand that have a partner.

    Underscores, and single asterisks at the end, are marks only at the edge of a word. Two that stand inside words
    are a pair only with no space between them: `ord_A**500` in two lines is a list.
    """
    opened: dict[str, re.Match[str]] = {}
    for mark in _MARK.finditer(text):
        sign, before, behind = mark[0], text[max(mark.start() - 1, 0) : mark.start()], text[mark.end() : mark.end() + 1]
        after_word, before_word = bool(_IN_WORD.match(before)), bool(_IN_WORD.match(behind))
        may_close = bool(before.strip()) and not (before_word and (sign == "*" or sign[0] == "_"))
        if may_close and (opener := opened.pop(sign, None)):
            close = not _SPACE.search(text, opener.end(), mark.start())
            yield from (one.span() for one in (opener, mark) if close or not _INSIDE.match(text, one.start() - 1))
        elif behind.strip() and not (after_word and sign[0] == "_"):
            opened[sign] = mark
