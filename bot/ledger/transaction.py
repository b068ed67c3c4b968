"""What every change of the ledger shares: the time of its transaction, and what that transaction made due."""

from datetime import datetime, timedelta
from enum import Enum, auto

from bot.ledger.named import Connection
from bot.ledger.reader import Reader
from bot.ledger.row import to_ms


class Work(Enum):
    """What a loop waits for, and is woken for when a transaction that made some due is committed."""

    ORDERS = auto()
    """To be sent or checked."""
    CARDS = auto()
    NOTICES = auto()
    CHECKS = auto()
    """Status checks have been recorded, which somebody may be waiting for."""


class Transaction(Reader):
    """One transaction: what is read and changed in it is from one time, and stands or falls together."""

    def __init__(self, connection: Connection, now: datetime, notify_window: timedelta) -> None:
        """`notify_window`: for how long a user's updates are gathered for one message."""
        super().__init__(connection)
        self.now = now
        self.made_due: set[Work] = set()
        self._now_ms = to_ms(now)
        self._notify_window = notify_window

    def _in_ms(self, pause: timedelta) -> int:
        """Return when a pause that begins now is over, as it is stored."""
        return to_ms(self.now + pause)

    def _make_due(self, work: Work, changed: object = True) -> None:
        """Have the loops woken for this at the commit, if anything was `changed`."""
        if changed:
            self.made_due.add(work)
