"""Text that runs from right to left: keeps IDs, amounts and commands in it as they are written (Unicode's UAX #9).

In an Arabic line `-0.50 USD` or `/cancel` would be shown with its signs at the wrong end. So what runs otherwise than
its line stands between an isolate's marks, and each line says which way it runs, whatever the client around it does.
The marks are invisible. They stand outside inline code, where copying would take them along, and in no file.
"""

import re

_FIRST_STRONG, _LEFT_TO_RIGHT, _RIGHT_TO_LEFT, _END = "\u2068", "\u2066", "\u2067", "\u2069"
_MARK = "\u200f"
"""A letter without width from right to left, for clients that take a line's direction from its first letter."""
MARKS = _FIRST_STRONG + _LEFT_TO_RIGHT + _RIGHT_TO_LEFT + _END + _MARK

_OPEN, _REST = f"[{_FIRST_STRONG}{_LEFT_TO_RIGHT}]", f"[^{_FIRST_STRONG}{_LEFT_TO_RIGHT}{_END}]*"
_ISOLATED = f"{_OPEN}{_REST}(?:{_OPEN}{_REST}{_END}{_REST})*{_END}"
_TYPED = r"(?<!`)`[^`\n]+`(?!`)|</[^<>\n]+>|<t:[^<>\n]+>|(?<![^\s(])/[a-z][a-z-]*(?: [a-z]+)*"
"""Inline code, commands that can be pressed or only typed, and times."""
_KEPT = re.compile(f"{_ISOLATED}|{_TYPED}")
_BLOCK = re.compile(r"(```.*?(?:```|\Z))", re.DOTALL)
_LINE = re.compile(r"^((?:#{1,3} |-# |> |[-*] |\d+\. )*)(?=.)", re.MULTILINE)
"""Where the text of a line begins: behind what makes a heading, small text, a quotation or a list of it."""


def isolate(text: str) -> str:
    """Return a value that keeps its own direction in a line, which is that of its first letter."""
    if not text or "\n" in text or (text[0] in _FIRST_STRONG + _LEFT_TO_RIGHT and text.find(_END) == len(text) - 1):
        return text  # a paragraph's end would close the isolate; and one is enough
    return f"{_FIRST_STRONG}{text}{_END}"


def isolate_typed(text: str) -> str:
    """Return a text with what people type or press in it running from left to right, where it is not isolated yet."""
    return _KEPT.sub(_apart, text)


def _apart(found: re.Match[str]) -> str:
    text = found[0]
    return text if text.endswith(_END) else f"{_LEFT_TO_RIGHT}{text}{_END}"


def right_to_left(text: str) -> str:
    """Return a text whose lines run from right to left, but for blocks of code."""
    parts = _BLOCK.split(text)
    parts[::2] = [_LINE.sub(rf"\1{_MARK}{_RIGHT_TO_LEFT}", isolate_typed(part)) for part in parts[::2]]
    return "".join(parts)
