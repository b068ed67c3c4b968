"""Why a call to the panel gave no answer for its orders; each docstring is the message a person reads."""

import re
from datetime import datetime
from typing import Literal

from bot.domain.panel_words import folded

Layer = Literal["ip", "key", "tier"]


class PanelError(Exception):
    """The panel did not answer the question."""

    may_have_acted = False
    """Whether the panel may have acted on the call: then only `status` can tell what happened."""

    def __init__(self, panel_message: str = "") -> None:
        super().__init__(panel_message)
        self.panel_message = panel_message

    def __str__(self) -> str:
        said = f' The panel says: "{self.panel_message}"' if self.panel_message else ""
        return f"{type(self).__doc__}{said}"


class InvalidKey(PanelError):
    """The panel does not accept the API key."""


class Suspended(PanelError):
    """The panel has suspended the account."""


class Refused(PanelError):
    """The panel refused the whole call; nothing was done."""


class RateLimited(PanelError):
    """A rate limit is used up; nothing was done."""

    def __init__(self, panel_message: str = "", *, layer: Layer | None = None, reset: datetime | None = None) -> None:
        super().__init__(panel_message)
        self.layer: Layer | None = layer
        self.reset = reset


class Blocked(PanelError):
    """The panel, or something in front of it, lets no call through; nothing was done."""


class Unavailable(PanelError):
    """The panel could not be reached, or broke off."""

    def __init__(self, panel_message: str = "", *, may_have_acted: bool) -> None:
        super().__init__(panel_message)
        self.may_have_acted = may_have_acted


class UnexpectedResponse(PanelError):
    """The panel answered with something that is not its protocol."""

    may_have_acted = True


_INVALID_KEY = re.compile(
    r"(?:invalid|incorrect|wrong) api key|api key (?:is )?(?:invalid|incorrect|wrong|not valid)|invalid key\W*$"
)
_SUSPENDED = re.compile(r"\b(?:account|user)\b.*\bsuspended")
_ELSEWHERE = re.compile(r"provider|supplier|upstream")
"""Beside these, an invalid key, a suspended account or a limit is not the user's own."""


def error_for(
    status: int, panel_message: str, layer: Layer | None, reset: datetime | None, quoted: str = ""
) -> PanelError | None:
    """Return what an HTTP status and an answer's error words say of a whole call; None: go on reading.

    `words` are those of an error in the documented shape, `quoted` whatever text there is to show. The words count
    before the status: that of `Invalid API key` is unknown (NotPanel docs), and others of the v2 family send every
    error with 200. Of orders only 200 and the documented 400 speak; a gateway's or framework's error may come after
    the panel has acted.
    """
    said, quoted = folded(panel_message), panel_message or quoted
    ours = not _ELSEWHERE.search(said)
    if ours and _INVALID_KEY.search(said):
        return InvalidKey(panel_message)
    if ours and _SUSPENDED.search(said):
        return Suspended(panel_message)
    if status == 429 or (ours and status < 500 and "rate limit exceeded" in said):
        return RateLimited(quoted, layer=layer, reset=reset)
    if status >= 500:
        return Unavailable(quoted, may_have_acted=True)
    if status in (401, 403) and panel_message:
        return Blocked(panel_message)
    if status not in (200, 400) or (status == 400 and not panel_message):
        return UnexpectedResponse(quoted)
    return None
