"""What a user can put right; `bot.cards.errors` says how. Raised by use cases, answered by the client."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from bot.domain.accounts import AccountState
from bot.domain.order_ids import Found
from bot.domain.reasons import Reason


class UserError(Exception):
    """A request that cannot be met as it is; nothing of it was done."""


class NoUsableKey(UserError):
    """No key can be used for what was asked; `kept`: how many of its orders are kept until one can."""

    reason: Reason
    kept = 0


class NoKey(NoUsableKey):
    """The user has not connected a key."""

    reason = Reason.KEY_REMOVED


class NoSuchKey(UserError):
    """The user has keys, but none of that name."""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__()
        self.name = name
        self.names = names


class KeyPaused(NoUsableKey):
    """The panel rejected a stored key, or suspended its account; `several`: its user has other keys beside it."""

    def __init__(self, state: AccountState, name: str = "", *, several: bool = False) -> None:
        super().__init__(state)
        self.state = state
        self.reason = Reason(state)
        self.name = name
        self.several = several


class SameKey(UserError):
    """The key is stored under another name already: under two the same order could be cancelled twice."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class BadName(UserError):
    """The text cannot be the name of a key: wrong characters, or too many of them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most


class AlikeName(UserError):
    """The name looks like that of another key of the same user, and is written with other letters."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class TooManyKeys(UserError):
    """The user has as many keys, or has used as many names for them, as this bot takes."""

    def __init__(self, names: Sequence[str], most: int, most_names: int) -> None:
        super().__init__()
        self.names = names
        self.most = most
        self.most_names = most_names


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
    TOO_SLOW = "too slow"


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


class Throttled(UserError):
    """More at once than one person may ask for, so that others are served as well."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__(again_at)
        self.again_at = again_at


class RefusedTooOften(UserError):
    """The panel has refused several keys of one person, one after the other: it is asked about no other for a while."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__(again_at)
        self.again_at = again_at


class TooManyOpen(UserError):
    """With these more orders would be open than one person may have."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__(count, most)
        self.count = count
        self.most = most


class TooManyQuestions(UserError):
    """As many requests as one person may have wait for Confirm or Keep."""

    def __init__(self, most: int, again_at: datetime) -> None:
        super().__init__(most, again_at)
        self.most = most
        self.again_at = again_at


class TooManyLists(UserError):
    """As many whole lists of one person wait to be written as may."""


class NoOrders(UserError):
    """The text names no order."""

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found


class QuestionClosed(UserError):
    """The question was answered or has expired, and its orders were dropped."""


class UserErased(UserError):
    """The user had everything erased while this was under way."""


class RefillUnderWay(UserError):
    """The same user's refills are being asked for, or the question has been confirmed before."""


class NoWebhooks(UserError):
    """Whoever runs the bot has not given it a public address."""


class RegistrationUnderWay(UserError):
    """The panel is being asked to call an address of this user's already."""


class BeingErased(UserError):
    """Something is left of what the user has had erased; until that is gone no key is stored."""


class OutdatedControl(UserError):
    """What was pressed, chosen or filled in is not, or no longer, what this bot asks for."""


class NotOwner(UserError):
    """Somebody else asked for this."""
