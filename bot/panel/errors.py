"""Why a call to the panel gave no answer for its orders."""

import re
from datetime import datetime
from typing import ClassVar, Literal

from bot.domain.reasons import Reason
from bot.panel.phrases import fold_phrase

Layer = Literal["ip", "key", "tier"]


class PanelError(Exception):
    """The panel did not answer the question; `may_have_acted` says whether it may have acted.

    Where it may, only `status` can tell what happened.
    """

    reason: ClassVar[Reason] = Reason.UNEXPECTED_RESPONSE
    summary: ClassVar[str] = "The panel did not answer the question."
    may_have_acted = False

    def __init__(self, panel_message: str = "") -> None:
        super().__init__(panel_message)
        self.panel_message = panel_message

    def __str__(self) -> str:
        said = f' The panel says: "{self.panel_message}"' if self.panel_message else ""
        return f"{self.summary}{said}"


class InvalidKey(PanelError):
    reason, summary = Reason.INVALID_KEY, "The panel does not accept the API key."


class Suspended(PanelError):
    reason, summary = Reason.SUSPENDED, "The panel has suspended the account."


class Refused(PanelError):
    """A refusal of the whole call; `why` is what that means for each of its orders."""

    reason, summary = Reason.REFUSED, "The panel refused the whole call; nothing was done."

    def __init__(self, panel_message: str = "", why: Reason = Reason.OTHER) -> None:
        super().__init__(panel_message)
        self.why = why


class RateLimited(PanelError):
    reason, summary = Reason.RATE_LIMITED, "A rate limit is used up; nothing was done."

    def __init__(self, panel_message: str = "", *, layer: Layer | None = None, reset: datetime | None = None) -> None:
        super().__init__(panel_message)
        self.layer: Layer | None = layer
        self.reset = reset


class Blocked(PanelError):
    reason = Reason.BLOCKED
    summary = "The panel, or something in front of it, lets no call through; nothing was done."


class Unavailable(PanelError):
    reason, summary = Reason.UNAVAILABLE, "The panel could not be reached, or broke off."

    def __init__(self, panel_message: str = "", *, may_have_acted: bool) -> None:
        super().__init__(panel_message)
        self.may_have_acted = may_have_acted


class UnexpectedResponse(PanelError):
    reason, summary = Reason.UNEXPECTED_RESPONSE, "The panel answered with something that is not its protocol."
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

    `panel_message` is that of an error in the documented shape, `quoted` any text to show. The words count
    before the status: that of `Invalid API key` is unknown (NotPanel docs), and others of the v2 family send every
    error with 200. Of orders only 200 and the documented 400 speak; a gateway's or framework's error may come after
    the panel has acted.
    """
    said, quoted = fold_phrase(panel_message), panel_message or quoted
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
