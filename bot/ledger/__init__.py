"""The ledger: the one truth, of which all that a user sees is a projection. The only room with SQL.

    accounts ──< requests ──< request_orders >── cancellations ──< transitions
    (one key of  (one /cancel  (what it names:    (one order:       (every step,
     a user)      and its card)  its turn to come)  its state)        by trigger)
        │                                              │
        └── user_id ──< notices ──< notice_items >─────┘
                        (one DM and its nonce)
                        living: of one request, edited as lines come; replies to it have no lines
        webhooks (where the panel may call for a user)
        kept_orders (named while no key could be used)

    a cancellation:  bot/domain/states.py draws its states
    a request:       awaiting confirmation ─► active | declined | expired   (CONFIRM_ABOVE: it may begin as active;
                     the orders of an expired one can be asked about again for a day)
    a notice:        gathering ─► sending ─► delivered
                                     └─► undelivered ─► delivered   (refused by Discord; shown at the next command)
    an account:      active ─► rejected | suspended | removed ─► active   (a new key)

Beside them stands what a user has chosen (preferences), by user_id.

Several processes may share a ledger in PostgreSQL: `holder.py` says which works on which account.
One open cancellation per (user, order), whichever of the user's keys it is under. A row's change, the mark that its
card is behind (`card_due_at`) and the line in the outbox that reports it are one transaction.
SQL stands in queries/ by name and migrations/ by number; `sqlite/` and `postgresql/` are the engines. A query that an
engine must have in its own words stands in the folder of its name, with the other engine's beside it.
"""

from bot.ledger.availability import Availability
from bot.ledger.cards import MessageRef
from bot.ledger.engine import Checkup, Database, ServerCheckup, Space
from bot.ledger.errors import (
    LeaseLost,
    LedgerDiffers,
    LedgerError,
    LedgerForbidden,
    LedgerForeign,
    LedgerFull,
    LedgerHeld,
    LedgerInUse,
    LedgerMigrationFailed,
    LedgerNeedsAsyncpg,
    LedgerNotEmpty,
    LedgerPooled,
    LedgerReadOnly,
    LedgerShortOfSpace,
    LedgerTooNew,
    LedgerUnreachable,
    LedgerUnreadable,
    LedgerUnsure,
    LedgerUnwritable,
)
from bot.ledger.holder import DEAD_AFTER, SURE_FOR, WIRE_CLEAR_AFTER, Held
from bot.ledger.kept import KEPT_FOR
from bot.ledger.ledger import Ledger, check_up_server, describe, migrate, move, only_process
from bot.ledger.lists import Group, Groups, Listed, ListKind, Past, Progress, Report
from bot.ledger.living_notices import SentMessage
from bot.ledger.notice_rows import (
    DMS_REFUSED,
    Notice,
    NoticeKind,
    NoticeState,
    NotifyVia,
    NotifyWhen,
    Preferences,
    Reach,
)
from bot.ledger.outcomes import Outcome
from bot.ledger.overviews import Checked, Money, RequestTally
from bot.ledger.postgresql.address import has_password
from bot.ledger.reader import Reader
from bot.ledger.row import to_ms
from bot.ledger.rows import (
    Account,
    Cancellation,
    Due,
    KeptOrders,
    Keyring,
    OrderAction,
    Preview,
    PreviewState,
    Request,
    RequestState,
    SealedKey,
    Standing,
    Stored,
    Webhook,
    folded,
)
from bot.ledger.sqlite.backup import backup, backup_into
from bot.ledger.sqlite.checkup import check_up
from bot.ledger.sqlite.compact import compact
from bot.ledger.sqlite.restore import Restored, restore
from bot.ledger.sqlite.set_aside import SET_ASIDE_DAYS
from bot.ledger.transaction import Work
from bot.ledger.writer import Writer

__all__ = [
    "DEAD_AFTER",
    "DMS_REFUSED",
    "KEPT_FOR",
    "SET_ASIDE_DAYS",
    "SURE_FOR",
    "WIRE_CLEAR_AFTER",
    "Account",
    "Availability",
    "Cancellation",
    "Checked",
    "Checkup",
    "Database",
    "Due",
    "Group",
    "Groups",
    "Held",
    "KeptOrders",
    "Keyring",
    "LeaseLost",
    "Ledger",
    "LedgerDiffers",
    "LedgerError",
    "LedgerForbidden",
    "LedgerForeign",
    "LedgerFull",
    "LedgerHeld",
    "LedgerInUse",
    "LedgerMigrationFailed",
    "LedgerNeedsAsyncpg",
    "LedgerNotEmpty",
    "LedgerPooled",
    "LedgerReadOnly",
    "LedgerShortOfSpace",
    "LedgerTooNew",
    "LedgerUnreachable",
    "LedgerUnreadable",
    "LedgerUnsure",
    "LedgerUnwritable",
    "ListKind",
    "Listed",
    "MessageRef",
    "Money",
    "Notice",
    "NoticeKind",
    "NoticeState",
    "NotifyVia",
    "NotifyWhen",
    "OrderAction",
    "Outcome",
    "Past",
    "Preferences",
    "Preview",
    "PreviewState",
    "Progress",
    "Reach",
    "Reader",
    "Report",
    "Request",
    "RequestState",
    "RequestTally",
    "Restored",
    "SealedKey",
    "SentMessage",
    "ServerCheckup",
    "Space",
    "Standing",
    "Stored",
    "Webhook",
    "Work",
    "Writer",
    "backup",
    "backup_into",
    "check_up",
    "check_up_server",
    "compact",
    "describe",
    "folded",
    "has_password",
    "migrate",
    "move",
    "only_process",
    "restore",
    "to_ms",
]
