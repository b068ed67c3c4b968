"""The rows of what users are told: notices, and how somebody wants to hear of things."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from bot.domain.languages import Language, resolve_locale
from bot.domain.notification_rules import MOST_EDIT_FAILURES
from bot.domain.polling import LONG_TRIED, MANY_TRIES
from bot.ledger.row import Row


class NoticeState(StrEnum):
    """Where one direct message stands in the outbox."""

    GATHERING = "gathering"
    SENDING = "sending"
    DELIVERED = "delivered"
    UNDELIVERED = "kept"


class NoticeKind(StrEnum):
    """What one line of a notice reports."""

    ENDED = "ended"
    OVERDUE = "overdue"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


class NotifyVia(StrEnum):
    """Where a user is notified: in a DM, by a ping in the channel where they asked, or at their next command only."""

    DM = "direct"
    CHANNEL = "channel"
    OFF = "off"


class Reach(StrEnum):
    """How an update does reach a user: the way they chose, unless Discord has refused the last DM to them.

    DM: the last one arrived. UNPROVEN_DM: nothing is known of any. CHANNEL: Discord may refuse a ping there.
    """

    DM = "direct"
    UNPROVEN_DM = "unproven"
    CHANNEL = "channel"
    COMMAND = "command"


class NotifyWhen(StrEnum):
    """When a user hears how orders ended: in one message for each request, each outcome as it comes, or at the end."""

    REQUEST = "request"
    EACH = "each"
    FINISHED = "finished"


DMS_REFUSED = ("CLOSED", "NO_ACCESS")
"""Refusals of a DM by which no other gets through either (bot/delivery/refusals.py; `last_dm` has them too)."""


@dataclass(frozen=True, slots=True)
class Notice(Row):
    """One direct message in the outbox; its nonce was fixed before the first attempt."""

    conversions: ClassVar[Mapping[str, Any]] = {"state": NoticeState}

    id: int
    user_id: int
    nonce: str
    state: NoticeState
    attempts: int
    created_at: datetime
    first_attempt_at: datetime | None
    refusal: str | None = None
    """Why Discord did not take it when it was last tried, or why it is undelivered."""
    request_id: int | None = None
    """The request whose living message it is, or is a reply to; None: it gathers what there is for its user."""
    reply_to: int | None = None
    """The living notice whose message it answers; it has no lines of its own."""
    channel_id: int | None = None
    """Where its message can be edited."""
    message_id: int | None = None
    sent_at: datetime | None = None
    tried_item: int | None = None
    """The last line that its message may show."""
    shown_item: int | None = None
    """The last line that its message is known to show."""
    edit_at: datetime | None = None
    edited_at: datetime | None = None
    edit_failures: int = 0

    def has_long_failed(self, now: datetime) -> bool:
        """Tell whether it was tried so often, and for so long, that the fault may be its own."""
        begun = self.first_attempt_at
        return self.attempts >= MANY_TRIES and begun is not None and begun <= now - LONG_TRIED

    @property
    def is_for_want_of_dms(self) -> bool:
        """Tell whether it is undelivered because Discord lets no DM through to its user."""
        return self.state is NoticeState.UNDELIVERED and self.refusal in DMS_REFUSED

    @property
    def takes_lines(self) -> bool:
        """Tell whether the next lines about its request belong into it: its message is to come, or can be edited."""
        if self.state is not NoticeState.DELIVERED:
            return True
        return self.channel_id is not None and self.edit_failures < MOST_EDIT_FAILURES

    @property
    def mark(self) -> int:
        """What its message is recognised by: the number of a component, which nobody sees."""
        return int(self.nonce[:7], 16) + 1

    @property
    def reference(self) -> str:
        """What a message of 0.1.0 shows of its nonce, to be recognised by."""
        return f"ref {self.nonce[:10]}"


@dataclass(frozen=True, slots=True)
class Preferences(Row):
    """How a user wants to hear from the bot; `language` None: as their Discord client says."""

    conversions: ClassVar[Mapping[str, Any]] = {
        "notify_via": NotifyVia,
        "notify_when": NotifyWhen,
        "language": resolve_locale,
        "silent": bool,
    }

    notify_via: NotifyVia = NotifyVia.DM
    notify_when: NotifyWhen = NotifyWhen.REQUEST
    language: Language | None = None
    silent: bool = False
