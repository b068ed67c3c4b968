"""Commands as people can press them: `/queued` in a text of ours becomes `</queued:ID>` once Discord has told its ID.

Texts name commands in inline code, which is also what is shown as long as no ID is known. What comes from outside, such
as the panel's words, goes by `code` in text.py and is left as it is.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar

_COMMAND = re.compile(r"`/([a-z][a-z -]*)`")


class CommandIds:
    """The IDs of the commands that Discord knows, by what a user types."""

    def __init__(self) -> None:
        self._ids: Mapping[str, int] = {}

    def update(self, ids: Mapping[str, int]) -> None:
        """Take these in place of what was known: of subcommands such as "key set" it is the ID of their group."""
        self._ids = dict(ids)

    def __call__(self, text: str) -> str:
        """Return a text with all commands in it that can be pressed."""
        return _COMMAND.sub(self._mention, text) if self._ids and "`/" in text else text

    def _mention(self, found: re.Match[str]) -> str:
        known = self._ids.get(found[1])
        return f"</{found[1]}:{known}>" if known else found[0]


_commands: ContextVar[CommandIds] = ContextVar("command_ids", default=CommandIds())  # noqa: B039 one bot a process
"""Not set by the bot: its tasks are begun in many contexts, and all see the default. Tests give each bot its own."""


def current_commands() -> CommandIds:
    """Return what texts are made by: whoever learns the IDs updates it."""
    return _commands.get()


def use_commands(ids: CommandIds) -> None:
    """Name commands by these IDs in whatever the current task and those that it begins build."""
    _commands.set(ids)


def with_mentions(text: str) -> str:
    """Return a text of ours with its commands as they can be pressed."""
    return current_commands()(text)
