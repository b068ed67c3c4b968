"""Why there is no answer, or a no: of one order or of a call. bot/panel reads it, bot/cards says what to do."""

from enum import StrEnum


class Reason(StrEnum):
    """A cause, as the ledger stores it beside the panel's message."""

    # Of a call; some are those of an account that is paused, and have the values of AccountState
    INVALID_KEY = "rejected"
    SUSPENDED = "suspended"
    KEY_REMOVED = "removed"
    """The panel was not asked: its user removed the key."""
    KEYS_REFUSED = "keys_refused"
    """The panel refuses many users' keys at once, so that this says nothing of one."""
    RATE_LIMITED = "rate_limited"
    BLOCKED = "turned_away"
    UNAVAILABLE = "unavailable"
    UNEXPECTED_RESPONSE = "unintelligible"
    REFUSED = "refused"
    """The whole call, in words of the panel's own."""

    # Of the bot's own
    INTERRUPTED = "interrupted"
    BROKEN = "broken"

    # Of an order
    NOT_FOUND = "not_found"
    ALREADY_COMPLETED = "already_completed"
    """NotPanel's word for every final state, a cancelled order included."""
    MAYBE_CANCELLED = "maybe_cancelled"
    """It may be refused for the sake of an earlier cancel."""
    CANCEL_UNSUPPORTED = "cancel_unsupported"
    UNSUPPORTED = "unsupported"
    """The service lacks something, and the words don't say that it is cancelling."""
    FAULT = "fault"
    """Something failed at the panel or in front of it, so nothing was refused."""
    REFILL_UNSUPPORTED = "refill_unsupported"
    REFILL_OPEN = "refill_open"
    REFILL_LIMIT = "refill_limit"
    REFILL_TOO_EARLY = "refill_too_early"
    OTHER = "other"
