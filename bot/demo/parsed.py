"""Makes SimCord's page quick: it parses each text of a conversation anew whenever anything is shown."""

import marshal
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from simcord.preview import (
    _component_projection,  # pyright: ignore[reportPrivateUsage]
    _markdown,  # pyright: ignore[reportPrivateUsage]
    _messages,  # pyright: ignore[reportPrivateUsage]
    _queries,  # pyright: ignore[reportPrivateUsage]
    _snapshot,  # pyright: ignore[reportPrivateUsage]
)

_REMEMBERED = 4_000
"""Texts; a conversation of 50 cards has some hundreds."""
_parse: Any = _markdown.markdown_tokens


def remember_parsed_texts() -> None:
    """Have each text parsed once."""
    modules: tuple[Any, ...] = (_component_projection, _messages, _queries, _snapshot)
    for module in modules:
        module.markdown_tokens = _tokens


def _tokens(value: Any, profile: str = "message", *, context: Mapping[str, Any] | None = None) -> Any:
    # Written down as bytes, since whoever asks for the tokens goes on to change them.
    return marshal.loads(_parsed(marshal.dumps((value, profile, dict(context or {})))))


@lru_cache(_REMEMBERED)
def _parsed(asked: bytes) -> bytes:
    value, profile, context = marshal.loads(asked)
    return marshal.dumps(_parse(value, profile, context=context))
