-- name: kept_orders(user_id, since)
SELECT * FROM kept_orders WHERE user_id = :user_id AND created_at >= :since ORDER BY created_at, action, key_name;

-- name: keep_orders(user_id, action, key_name, orders, now)!
INSERT INTO kept_orders (user_id, action, key_name, orders, created_at)
VALUES (:user_id, :action, :key_name, :orders, :now)
ON CONFLICT (user_id, action, key_name) DO UPDATE SET orders = excluded.orders, created_at = excluded.created_at;

-- name: drop_kept(user_id, action, key_name, created_at)!
-- Unless more were kept meanwhile.
DELETE FROM kept_orders
WHERE user_id = :user_id AND action = :action AND key_name = :key_name AND created_at = :created_at;

-- name: prune_kept(before)!
DELETE FROM kept_orders WHERE created_at < :before;

-- name: lapsed_before(before)
SELECT id FROM requests WHERE state = 'lapsed' AND waiting > 0 AND created_at < :before;

-- name: lapsed_of_user(user_id)
SELECT id, orders FROM requests WHERE user_id = :user_id AND state = 'lapsed' AND waiting > 0 ORDER BY id DESC;

-- name: close_question(id)!
UPDATE requests SET waiting = 0 WHERE id = :id AND state = 'lapsed';
