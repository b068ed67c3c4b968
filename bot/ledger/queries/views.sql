-- view: unnotified
-- Ended, shown nowhere, and in no notice yet; `late_by`: how long after its user asked. One that was queued is always late.
SELECT c.id, c.account_id, c.request_id,
       CASE WHEN c.queued_at IS NOT NULL THEN 1125899906842624 ELSE c.ended_at - c.created_at END AS late_by
FROM cancellations c
WHERE c.ended_at IS NOT NULL AND c.notified_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM notice_items i WHERE i.cancellation_id = c.id AND i.kind = 'ended');

-- view: first_passes
-- Requests of which some orders have not been sent, or not been checked once. One order that the panel fails at delays nothing.
SELECT r.id, r.account_id, r.began_at FROM requests r
WHERE r.began_at IS NOT NULL AND (r.waiting > 0 OR EXISTS (
    SELECT 1 FROM cancellations c
    WHERE c.request_id = r.id AND c.state IN ('requested', 'sending', 'accepted') AND c.checks = 0 AND c.failed_checks < 3
));

-- view: going_on
-- Requests of which some orders, own or linked, have not ended.
SELECT r.id FROM requests r
WHERE r.waiting > 0 OR EXISTS (
    SELECT 1 FROM cancellations c
    WHERE c.request_id = r.id AND c.state IN ('requested', 'sending', 'accepted', 'queued', 'unknown')
) OR EXISTS (
    SELECT 1 FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
    WHERE ro.linked = 1 AND ro.request_id = r.id AND c.ended_at IS NULL
);

-- view: unfinished
-- Requests that their user wants to hear of at their end, while some of their orders, own or linked, have not ended.
SELECT r.id, r.account_id, r.began_at FROM accounts a CROSS JOIN preferences p CROSS JOIN requests r
WHERE p.user_id = a.user_id AND p.notify_when = 'finished' AND r.account_id = a.id
  AND r.began_at IS NOT NULL AND (r.waiting > 0 OR EXISTS (
    SELECT 1 FROM cancellations c
    WHERE c.request_id = r.id AND c.state IN ('requested', 'sending', 'accepted', 'queued', 'unknown')
) OR EXISTS (
    SELECT 1 FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
    WHERE ro.linked = 1 AND ro.request_id = r.id AND c.ended_at IS NULL
));

-- view: linkable
-- What answers an order of a request instead of one more cancel: one that is open or has proved it cancelled, or has ended
-- otherwise since the request was made. What the panel has refused to another key proves nothing.
SELECT r.id AS request_id, c.order_id, c.id AS cancellation_id, c.state, c.ended_at
FROM requests r JOIN accounts a ON a.id = r.account_id JOIN cancellations c ON c.user_id = r.user_id
WHERE c.ended_at IS NULL OR c.state = 'cancelled' OR c.ended_at > r.began_at AND c.state NOT IN ('withdrawn', 'expired')
  AND (c.state <> 'refused' OR c.account_id = r.account_id AND c.key_version = a.key_version);

-- view: heirs
-- Requests that are linked to a cancellation under another key, and could go on under their own; one that was stopped could not.
-- (The plus keeps SQLite from going through all that was ever linked.)
SELECT ro.cancellation_id, r.id AS request_id
FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id JOIN requests r ON r.id = ro.request_id
JOIN accounts a ON a.id = r.account_id
WHERE +ro.linked = 1 AND r.account_id <> c.account_id AND a.state = 'active'
  AND NOT EXISTS (SELECT 1 FROM cancellations w WHERE w.request_id = r.id AND w.state = 'withdrawn');

-- view: same_key
-- Open orders as another account with the same key sees them: those of its own with that key, sent or perhaps sent. The order of
-- the joins is fixed, since of neither account all orders may be gone through: `id` finds one.
SELECT c.id, o.id AS other, o.state, o.ambiguous_attempts, CASE WHEN o.state = 'unknown' THEN o.given_up ELSE 0 END AS only_watched,
       o.sent_at, b.state AS key_state
FROM cancellations c CROSS JOIN accounts a CROSS JOIN accounts b CROSS JOIN cancellations o
WHERE a.id = c.account_id AND b.key_fingerprint = a.key_fingerprint AND b.id <> a.id
  AND o.user_id = b.user_id AND o.order_id = c.order_id AND o.account_id = b.id AND o.ended_at IS NULL
  AND o.key_version = b.key_version AND (o.state <> 'requested' OR o.ambiguous_attempts > 0);
