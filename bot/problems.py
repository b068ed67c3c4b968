"""What a user can put right; `bot.ui.words` says how. Raised by use cases, answered by the client."""

from enum import StrEnum

from bot.orders import Found
from bot.store import AccountState


class UserError(Exception):
    """A request that cannot be met as it is; nothing of it was done."""


class NoKey(UserError):
    """The user has not connected a key."""


class KeyPaused(UserError):
    """The panel rejected the stored key, or suspended its account."""

    def __init__(self, state: AccountState) -> None:
        super().__init__(state)
        self.state = state


class KeyFault(StrEnum):
    """What is wrong with a text that is meant to be an API key."""

    EMPTY = "empty"
    SPACES = "spaces"
    CHARACTERS = "characters"
    LENGTH = "length"


class BadKey(UserError):
    """The text cannot be an API key; it was not sent anywhere."""

    def __init__(self, fault: KeyFault) -> None:
        super().__init__(fault)
        self.fault = fault


class FileFault(StrEnum):
    """Why an attached list cannot be read."""

    TOO_LARGE = "too large"
    NOT_TEXT = "not text"
    NOT_GIVEN = "not given"


class BadFile(UserError):
    """The attached file cannot be read as a list of orders."""

    def __init__(self, fault: FileFault) -> None:
        super().__init__(fault)
        self.fault = fault


class TooMany(UserError):
    """More orders at once than this bot takes."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class NoOrders(UserError):
    """The text names no order."""

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found


class Erased(UserError):
    """The user had everything erased while this was under way."""


class RefillUnderWay(UserError):
    """The same user's refills are being asked for, or the question has been confirmed before."""


class NotYours(UserError):
    """Somebody else asked for this."""
