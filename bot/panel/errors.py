"""Why a call to the panel gave no answer for its orders; each docstring is the message a person reads."""

from datetime import datetime
from typing import Literal

Layer = Literal["ip", "key", "tier"]


class PanelError(Exception):
    """The panel did not answer the question."""

    reached = False
    """Whether the panel may have acted on the call: then only `status` can tell what happened."""

    def __init__(self, words: str = "") -> None:
        super().__init__(words)
        self.words = words

    def __str__(self) -> str:
        said = f' The panel says: "{self.words}"' if self.words else ""
        return f"{type(self).__doc__}{said}"


class InvalidKey(PanelError):
    """The panel does not accept the API key."""


class Suspended(PanelError):
    """The panel has suspended the account."""


class Refused(PanelError):
    """The panel refused the whole call; nothing was done."""


class RateLimited(PanelError):
    """A rate limit is used up; nothing was done."""

    def __init__(self, words: str = "", *, layer: Layer | None = None, reset: datetime | None = None) -> None:
        super().__init__(words)
        self.layer: Layer | None = layer
        self.reset = reset


class TurnedAway(PanelError):
    """The panel, or something in front of it, lets no call through; nothing was done."""


class Unavailable(PanelError):
    """The panel could not be reached, or broke off."""

    def __init__(self, words: str = "", *, reached: bool) -> None:
        super().__init__(words)
        self.reached = reached


class Unintelligible(PanelError):
    """The panel answered with something that is not its protocol."""

    reached = True


_INVALID_KEY = ("invalid api key", "incorrect api key", "invalid key")


def error_for(status: int, words: str, layer: Layer | None, reset: datetime | None) -> PanelError | None:
    """Return what an HTTP status and an answer's error words say of a whole call; None: go on reading.

    The words count before the status: the status of `Invalid API key` is unknown (NotPanel docs), and
    others of the v2 family send every error with 200.
    """
    said = words.casefold()
    if any(text in said for text in _INVALID_KEY):
        return InvalidKey(words)
    if "account suspended" in said or (status == 403 and "suspended" in said):
        return Suspended(words)
    if status == 429 or "rate limit exceeded" in said:
        return RateLimited(words, layer=layer, reset=reset)
    if status == 401:
        return InvalidKey(words)
    if status >= 500:
        return Unavailable(words, reached=True)
    if 300 <= status < 400 or (status >= 400 and not words):
        return Unintelligible(words)
    return TurnedAway(words) if status == 403 else None
