"""Nobody but bot/panel looks into what the panel says."""

import ast

import pytest

from tests.rules.sources import ROOT, imports_of, name_of, sources, tree_of


def test_only_the_panel_room_reads_the_panels_words() -> None:
    """Others decide on what it makes of them: a Reason or an OrderStatus."""
    outside = [path for path in sources("bot", "cogs") if not {ROOT / "bot/panel", ROOT / "bot/demo"} & {*path.parents}]
    reading = [
        f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
        for path in outside
        for node in ast.walk(tree_of(path))
        if reads_words(node)
    ]
    assert reading == []
    importers = [name_of(path) for path in outside if "bot.panel.phrases" in imports_of(path)]
    assert importers == ["bot/services/reasons.py"]  # of rows that earlier releases stored without a reason


def reads_words(node: ast.AST) -> bool:
    """Tell whether this looks into the panel's words: folds them, or searches them for a text or a pattern."""
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr="casefold" | "lower" | "startswith" | "endswith" | "find")):
            return _is_said(owner)
        case ast.Call(func=ast.Attribute(attr="search" | "match" | "fullmatch" | "findall" | "finditer"), args=given):
            return any(_is_said(part) for one in given for part in ast.walk(one))
        case ast.Compare(left=ast.Constant(value=str()), ops=[ast.In() | ast.NotIn()], comparators=[where]):
            return any(map(_is_said, ast.walk(where)))
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[ast.Constant(value=str())]):
            return any(map(_is_said, ast.walk(left)))
        case _:
            return False


def _is_said(node: ast.AST) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in {"words", "panel_message", "status_word", "refusal"}


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("order.words.casefold()", True),
        ("'already' in (row.panel_message or '').lower()", True),
        ("re.search('not found', error.words)", True),
        ("_PATTERN.match(words)", True),
        ("order.status_word == 'pending'", True),
        ("code(order.words)", False),
        ("order.reason is Reason.NOT_FOUND", False),
    ],
)
def test_reading_words_is_told_from_quoting_them(text: str, reads: bool) -> None:
    assert any(map(reads_words, ast.walk(ast.parse(text, mode="eval")))) is reads
