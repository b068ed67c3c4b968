-- name: add_orders(request_id, first, orders)!
-- Thousands in one statement: a hundred thousand take as long as a commit does.
INSERT INTO request_orders (request_id, position, order_id)
SELECT :request_id, :first + key, value FROM json_each(:orders);

-- name: touch_cards(now, ids)!
UPDATE requests SET revision = revision + 1, card_due_at = COALESCE(card_due_at, :now)
WHERE card_until > CAST(:now AS BIGINT) AND id IN (
    SELECT request_id FROM request_orders WHERE cancellation_id IN (SELECT value FROM json_each(:ids))
);

-- name: accounts_seeing(account_id, orders)
-- Accounts of the same user whose key, as it is now, the panel has shown any of these orders to, or has taken a cancel from.
SELECT DISTINCT o.id FROM accounts a JOIN cancellations c ON c.user_id = a.user_id JOIN accounts o ON o.id = c.account_id
WHERE a.id = :account_id AND o.id <> a.id AND o.state <> 'removed' AND c.key_version = o.key_version
  AND c.order_id IN (SELECT value FROM json_each(:orders))
  AND (c.checked_at >= o.key_stored_at OR c.state = 'accepted' AND c.sent_at >= o.key_stored_at);

-- name: due_checks(account_id, now, most, without)
-- Once anything is due, whatever falls due next is asked in the same call: a batch costs as much as one order.
SELECT * FROM cancellations
WHERE account_id = :account_id AND due_at IS NOT NULL AND state IN ('accepted', 'queued', 'unknown')
  AND id NOT IN (SELECT value FROM json_each(:without)) AND EXISTS (
    SELECT 1 FROM cancellations
    WHERE account_id = :account_id AND due_at <= :now AND state IN ('accepted', 'queued', 'unknown')
      AND id NOT IN (SELECT value FROM json_each(:without))
)
ORDER BY due_at, id LIMIT CAST(:most AS BIGINT);

-- name: first_checks_of_short(account_id, now, most, without)
-- Of the newest requests that one call is enough for, what has not been checked yet.
SELECT c.* FROM (
    SELECT id FROM requests WHERE account_id = :account_id AND began_at IS NOT NULL AND orders <= :most ORDER BY began_at DESC LIMIT 20
) AS short CROSS JOIN cancellations c
WHERE c.request_id = short.id AND c.state IN ('accepted', 'unknown') AND c.checks = 0 AND c.due_at <= :now
  AND c.id NOT IN (SELECT value FROM json_each(:without))
ORDER BY c.due_at, c.id LIMIT CAST(:most AS BIGINT);
