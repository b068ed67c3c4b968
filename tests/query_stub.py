"""Writes the types of the named queries, as their heads in bot/ledger/queries say: `python -m tests.query_stub`."""

import re

from tests.rules.sources import ROOT

FOLDER = ROOT / "bot/ledger/queries"
STUB = FOLDER / "__init__.pyi"

_HEAD = re.compile(r"^-- name: (\w+)\((.*)\)(\*!|[!^$]?)$", re.MULTILINE)
_RESULTS = {
    "": "AsyncIterator[Row]",
    "^": "Awaitable[Row | None]",
    "$": "Awaitable[Any]",
    "!": "Awaitable[int]",
    "*!": "Awaitable[None]",
}
_TOP = '''"""Made by `make queries` from the heads of the named queries. A query's `_` is the connection to run it on.

It returns rows, the first row (^), the first row's first value ($), how many rows were changed (!), or is run once for
each set of parameters (*!).
"""
# ruff: noqa: E501
# fmt: off

from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from typing import Any, Protocol

from bot.ledger.named import Connection

Row = Mapping[str, Any]

class _Queries(Protocol):
'''


def stub() -> str:
    """Return the stub of what QUERIES offers; both engines' own queries must have the same heads."""
    heads = {head for file in FOLDER.rglob("*.sql") for head in _HEAD.findall(file.read_text("utf-8"))}
    assert len({name for name, *_ in heads}) == len(heads)
    return _TOP + "\n".join(_method(*head) for head in sorted(heads)) + "\n\nQUERIES: _Queries\n"


def _method(name: str, parameters: str, kind: str) -> str:
    named = "".join(f", {each}: object" for each in parameters.split(", ") if each)
    given = ", each: Iterable[Mapping[str, object]], /" if kind == "*!" else f", /{', *' if named else ''}{named}"
    return f"    def {name}(self, _: Connection{given}) -> {_RESULTS[kind]}: ..."


if __name__ == "__main__":
    STUB.write_text(stub(), "utf-8")
