-- name: webhook_of(user_id)^
SELECT * FROM webhooks WHERE user_id = :user_id;

-- name: webhook_at(address_hash)^
SELECT * FROM webhooks WHERE address_hash = :address_hash;

-- name: has_key(user_id)$
SELECT 1 FROM accounts WHERE user_id = :user_id AND key_sealed IS NOT NULL LIMIT 1;

-- name: save_webhook(user_id, address_hash, now)!
INSERT INTO webhooks (user_id, address_hash, created_at)
VALUES (:user_id, :address_hash, :now)
ON CONFLICT (user_id) DO UPDATE
SET address_hash = excluded.address_hash, created_at = excluded.created_at, arrived_at = NULL;

-- name: webhook_arrived(arrived_at, user_id, address_hash)!
UPDATE webhooks SET arrived_at = :arrived_at WHERE user_id = :user_id AND address_hash = :address_hash;

-- name: hurry_order(now, user_id, order_id)!
-- A status check of one order of a user's, if it is open. But not the first one of a list that is still being sent: sending
-- goes first.
UPDATE cancellations SET due_at = :now
WHERE user_id = :user_id AND account_id IN (SELECT id FROM accounts WHERE user_id = :user_id AND state = 'active')
  AND order_id = :order_id AND ended_at IS NULL AND due_at > :now AND state IN ('accepted', 'queued', 'unknown')
  AND (checks > 0 OR NOT EXISTS (
      SELECT 1 FROM requests r WHERE r.id = cancellations.request_id AND r.waiting > 0 AND r.began_at IS NOT NULL
  ));

-- name: erase_idle_webhook(user_id)!
-- Without a key there is nothing left that a call could have checked.
DELETE FROM webhooks WHERE user_id = :user_id
AND NOT EXISTS (SELECT 1 FROM accounts WHERE user_id = :user_id AND state <> 'removed');
