"""What a ledger promises at any time, whoever wrote it in whatever order, as queries past all of the bot's code."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from bot.demo.panel import Call
from bot.domain.states import State
from bot.ledger.named import with_views
from tests.rules.sources import ROOT

Rows = list[tuple[Any, ...]]

_VIEWS = (ROOT / "bot/ledger/queries/views.sql").read_text("utf-8")

_OPEN = ", ".join(f"'{state}'" for state in State if state.is_open)
_BREACHES = {
    "two open cancellations of one order": """
        SELECT user_id, order_id FROM cancellations WHERE ended_at IS NULL AND twin = 0
        GROUP BY user_id, order_id HAVING COUNT(*) > 1""",
    "a cancellation of another user than its account's, or its request's": """
        SELECT c.id FROM cancellations c JOIN accounts a ON a.id = c.account_id JOIN requests r ON r.id = c.request_id
        WHERE c.user_id <> a.user_id OR c.user_id <> r.user_id OR c.account_id <> r.account_id""",
    "joined, or not, against whose request's own it is": """
        SELECT ro.request_id, c.id FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
        WHERE (ro.request_id = c.request_id) = (ro.linked = 1)""",
    "keys of different users in one panel account": """
        SELECT a.id FROM accounts a JOIN accounts o ON o.panel_account = a.panel_account
        WHERE o.user_id <> a.user_id""",
    "dates that belie the state": f"""
        SELECT id, state, ended_at, due_at FROM cancellations
        WHERE (ended_at IS NULL) <> (state IN ({_OPEN})) OR (due_at IS NOT NULL) <> (state IN ({_OPEN}))""",
    # It is told, in the outbox, on a card that is to be edited, or on one whose token will be found to have run out;
    # or others of its list have not been gone through, or have not ended, which will be told together.
    "an end that nobody will hear of": """
        SELECT id, state FROM cancellations c WHERE ended_at IS NOT NULL AND notified_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM notice_items i JOIN notices n ON n.id = i.notice_id
            WHERE i.cancellation_id = c.id AND i.kind = 'ended' AND (n.state <> 'delivered' OR n.edit_at IS NOT NULL))
        AND NOT EXISTS (
            SELECT 1 FROM request_orders ro JOIN requests r ON r.id = ro.request_id
            WHERE ro.cancellation_id = c.id AND (r.card_due_at IS NOT NULL OR r.token_sealed IS NOT NULL))
        AND c.request_id NOT IN (SELECT f.id FROM first_passes f)
        AND EXISTS (
            SELECT 1 FROM request_orders ro
            WHERE ro.cancellation_id = c.id AND ro.request_id NOT IN (SELECT h.id FROM unfinished h))""",
    "an order sent anew that was asked for before it had been answered": """
        SELECT later.id, c.state FROM cancellations later JOIN cancellations c
        ON c.user_id = later.user_id AND c.order_id = later.order_id AND c.id < later.id
        WHERE c.ended_at > later.created_at AND c.state NOT IN ('withdrawn', 'expired')
        AND (c.state <> 'refused' OR c.key_version = later.key_version AND c.account_id = later.account_id)""",
    "orders that wait and are not counted, or out of turn": """
        SELECT r.id, r.state, r.orders, r.waiting FROM requests r WHERE r.waiting <> (
            SELECT COUNT(*) FROM request_orders ro
            WHERE ro.request_id = r.id AND ro.cancellation_id IS NULL AND ro.position >= r.orders - r.waiting)
        OR EXISTS (
            SELECT 1 FROM request_orders ro
            WHERE ro.request_id = r.id AND ro.cancellation_id IS NULL AND ro.position < r.orders - r.waiting)""",
    "orders that wait for a key that was removed": """
        SELECT r.id FROM requests r JOIN accounts a ON a.id = r.account_id
        WHERE a.key_sealed IS NULL AND r.waiting > 0 AND r.began_at IS NOT NULL""",
    "an end in two lines": """
        SELECT cancellation_id FROM notice_items WHERE kind = 'ended' GROUP BY cancellation_id HAVING COUNT(*) > 1""",
    "an end in a line that is none": """
        SELECT c.id, c.state FROM notice_items i JOIN cancellations c ON c.id = i.cancellation_id
        WHERE i.kind = 'ended' AND c.ended_at IS NULL""",
    "a message about what was told before": """
        SELECT c.id, n.id FROM notice_items i JOIN notices n ON n.id = i.notice_id
        JOIN cancellations c ON c.id = i.cancellation_id WHERE i.kind = 'ended' AND c.notified_at < n.created_at""",
    "a removed account with a key, or another without": """
        SELECT id, state FROM accounts WHERE (state = 'removed') <> (key_sealed IS NULL)""",
    "a user with keys and no default, or more than one": """
        SELECT user_id FROM accounts GROUP BY user_id
        HAVING SUM(is_default) <> MAX(CASE WHEN state <> 'removed' THEN 1 ELSE 0 END)""",
    "a default without a key": """
        SELECT id FROM accounts WHERE is_default = 1 AND key_sealed IS NULL""",
    "a line about the key of another user": """
        SELECT i.id FROM notice_items i JOIN notices n ON n.id = i.notice_id JOIN accounts a ON a.id = i.account_id
        WHERE a.user_id <> n.user_id""",
    "given up without an unclear call": """
        SELECT id FROM cancellations WHERE state = 'unknown' AND given_up = 1 AND ambiguous_attempts = 0""",
    "sent with a key that its account has never had": """
        SELECT c.id FROM cancellations c JOIN accounts a ON a.id = c.account_id WHERE c.key_version > a.key_version""",
    "a fingerprint without a key": """
        SELECT id FROM accounts WHERE key_sealed IS NULL AND key_fingerprint IS NOT NULL""",
    "a message that is over and due, or neither": """
        SELECT id, state FROM notices WHERE (due_at IS NULL) <> (state IN ('delivered', 'kept'))""",
    "a line that no edit will show": """
        SELECT i.id, n.id FROM notice_items i JOIN notices n ON n.id = i.notice_id
        WHERE n.state = 'delivered' AND n.request_id IS NOT NULL AND n.edit_at IS NULL
        AND i.id > COALESCE(n.shown_item, 0)""",
    "an edit of what is no message": """
        SELECT id, state FROM notices WHERE edit_at IS NOT NULL AND (
            state NOT IN ('sending', 'delivered') OR request_id IS NULL OR reply_to IS NOT NULL
            OR state = 'delivered' AND (channel_id IS NULL OR message_id IS NULL))""",
    "a message that shows more than it was to show": """
        SELECT id FROM notices WHERE shown_item > tried_item AND message_id IS NOT NULL""",
    "a reply with lines, or to no message about its request": """
        SELECT n.id FROM notices n JOIN notice_items i ON i.notice_id = n.id WHERE n.reply_to IS NOT NULL
        UNION ALL SELECT n.id FROM notices n LEFT JOIN notices l ON l.id = n.reply_to
        WHERE n.reply_to IS NOT NULL AND (l.id IS NULL OR l.request_id <> n.request_id OR l.user_id <> n.user_id)""",
    "a living message of another user's request, or with another request's orders": """
        SELECT n.id FROM notices n JOIN requests r ON r.id = n.request_id WHERE r.user_id <> n.user_id
        UNION ALL SELECT n.id FROM notices n JOIN notice_items i ON i.notice_id = n.id
        JOIN cancellations c ON c.id = i.cancellation_id WHERE n.request_id <> c.request_id""",
    "a request of which two messages take the next lines": """
        SELECT request_id FROM notices WHERE request_id IS NOT NULL AND reply_to IS NULL AND state = 'gathering'
        GROUP BY request_id HAVING COUNT(*) > 1""",
    "a webhook of a user without keys": """
        SELECT user_id FROM webhooks WHERE user_id NOT IN (SELECT user_id FROM accounts WHERE state <> 'removed')""",
    "a secret of a user who is being erased, or a card or message that is due": """
        SELECT user_id FROM erasures WHERE user_id IN (
            SELECT user_id FROM accounts WHERE key_sealed IS NOT NULL
            UNION ALL SELECT user_id FROM requests WHERE token_sealed IS NOT NULL OR card_due_at IS NOT NULL
            UNION ALL SELECT user_id FROM notices WHERE due_at IS NOT NULL OR edit_at IS NOT NULL
            UNION ALL SELECT user_id FROM webhooks UNION ALL SELECT user_id FROM preferences)""",
    "something open that no key can settle": """
        SELECT c.id, c.state FROM cancellations c JOIN accounts a ON a.id = c.account_id
        WHERE a.key_sealed IS NULL AND c.ended_at IS NULL AND c.state <> 'sending'""",
    "a cancelled order that was asked for again": """
        SELECT c.id FROM cancellations c JOIN cancellations done ON done.user_id = c.user_id
        AND done.order_id = c.order_id AND done.id < c.id WHERE done.state = 'cancelled'""",
    "a refund that its row does not prove": """
        SELECT id, refund, status_word FROM cancellations WHERE refund IS NOT NULL AND (
            state NOT IN ('cancelled', 'partial', 'completed', 'failed')
            OR refund = 'charge' AND charge_first = charge_last
            OR refund = 'word' AND lower(status_word) <> 'refunded'
            OR refund = 'pending' AND (state <> 'cancelled' OR pending_at IS NULL))""",
    "a request with another user's orders": """
        SELECT r.id, c.id FROM requests r JOIN accounts a ON a.id = r.account_id
        JOIN request_orders ro ON ro.request_id = r.id JOIN cancellations c ON c.id = ro.cancellation_id
        JOIN requests first ON first.id = c.request_id
        WHERE r.user_id <> a.user_id OR c.user_id <> r.user_id OR first.user_id <> r.user_id""",
    "something of a user of whom there is nothing": """
        SELECT 'request', id FROM requests WHERE account_id NOT IN (SELECT id FROM accounts)
        UNION ALL SELECT 'order', request_id FROM request_orders WHERE request_id NOT IN (SELECT id FROM requests)
        UNION ALL SELECT 'cancellation', id FROM cancellations WHERE request_id NOT IN (SELECT id FROM requests)
        UNION ALL SELECT 'step', id FROM transitions WHERE cancellation_id NOT IN (SELECT id FROM cancellations)
        UNION ALL SELECT 'notice', id FROM notices WHERE user_id NOT IN (SELECT user_id FROM accounts)
        UNION ALL SELECT 'line', id FROM notice_items WHERE notice_id NOT IN (SELECT id FROM notices)
        UNION ALL SELECT 'key', id FROM notice_items WHERE account_id NOT IN (SELECT id FROM accounts)""",
    "a message with another user's orders": """
        SELECT n.id, c.id FROM notices n JOIN notice_items i ON i.notice_id = n.id
        JOIN cancellations c ON c.id = i.cancellation_id JOIN accounts a ON a.id = c.account_id
        WHERE a.user_id <> n.user_id""",
}
"""What must never be found in a ledger, and the query that would find it."""


def breaches(sql: Callable[[str], Rows]) -> dict[str, Rows]:
    """Return what should not be in a ledger, by what is wrong with it."""
    return {breach: rows for breach, query in _BREACHES.items() if (rows := sql(with_views(_VIEWS + query)))}


OF_OTHERS = {
    "accounts": "SELECT * FROM accounts WHERE user_id <> ? ORDER BY id",
    "requests": "SELECT * FROM requests WHERE user_id <> ? ORDER BY id",
    "request_orders": """
        SELECT ro.* FROM request_orders ro JOIN requests r ON r.id = ro.request_id WHERE r.user_id <> ?
        ORDER BY ro.request_id, ro.position""",
    "cancellations": """
        SELECT c.* FROM cancellations c JOIN accounts a ON a.id = c.account_id WHERE a.user_id <> ? ORDER BY c.id""",
    "transitions": """
        SELECT t.* FROM transitions t JOIN cancellations c ON c.id = t.cancellation_id
        JOIN accounts a ON a.id = c.account_id WHERE a.user_id <> ? ORDER BY t.id""",
    "notices": "SELECT * FROM notices WHERE user_id <> ? ORDER BY id",
    "notice_items": """
        SELECT i.* FROM notice_items i JOIN notices n ON n.id = i.notice_id WHERE n.user_id <> ? ORDER BY i.id""",
}
"""All that there is of users, but for one."""


def hasty(calls: Iterable[Call], pause: timedelta, lives: Callable[[str, datetime], int] = lambda *_: 0) -> list[str]:
    """Return the orders sent again within a pause, or before two status checks have been made.

    `lives` tells which of an order's cancellations a call belongs to: what is asked for anew is not sent again.
    """
    found, last = list[str](), dict[tuple[str, int], tuple[datetime | None, int]]()
    for call in calls:
        for order in call.orders:
            life = order, lives(order, call.at)
            sent_at, checks = last.get(life, (None, 0))
            if call.action == "status":
                last[life] = sent_at, checks + 1
            elif call.action == "cancel":
                if sent_at and (call.at - sent_at < pause or checks < 2):
                    gap = (call.at - sent_at).total_seconds()
                    found.append(f"{order}: again after {gap:.1f} s and {checks} checks")
                last[life] = call.at, 0
    return found
