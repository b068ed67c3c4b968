"""The sources as the rules read them."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_MODULE = re.compile(r"(?:bot|cogs|httpx|sqlite3|asyncpg|discord)(?:\.\w+)+")
"""A module's name in a string: what importlib, discord.py's load_extension or `python -m` would import."""
README = ROOT / "README.md"


def sources(*folders: str) -> list[Path]:
    """Return the Python files below some of the project's folders."""
    found = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert found
    return found


def name_of(path: Path) -> str:
    """Return a file's path as a person writes it."""
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text("utf-8"))


def imports_of(path: Path) -> set[str]:
    """Return the full names of all that a file imports, wherever in it, and of modules that it names in strings."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE.fullmatch(node.value):
            found.add(node.value)
    return found
