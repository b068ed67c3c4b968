-- name: fact(name)$
SELECT value FROM facts WHERE name = :name;

-- name: set_fact(name, value)!
INSERT INTO facts (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: touch_accounts()!
-- These change no row, but wait for whoever has locked the table against those that do.
UPDATE accounts SET state = state WHERE 1 = 0;

-- name: touch_requests()!
UPDATE requests SET state = state WHERE 1 = 0;

-- name: touch_request_orders()!
UPDATE request_orders SET request_id = request_id WHERE 1 = 0;

-- name: touch_cancellations()!
UPDATE cancellations SET state = state WHERE 1 = 0;

-- name: touch_transitions()!
UPDATE transitions SET cancellation_id = cancellation_id WHERE 1 = 0;

-- name: touch_notices()!
UPDATE notices SET state = state WHERE 1 = 0;

-- name: touch_notice_items()!
UPDATE notice_items SET notice_id = notice_id WHERE 1 = 0;

-- name: touch_preferences()!
UPDATE preferences SET user_id = user_id WHERE 1 = 0;

-- name: touch_webhooks()!
UPDATE webhooks SET user_id = user_id WHERE 1 = 0;

-- name: touch_kept_orders()!
UPDATE kept_orders SET user_id = user_id WHERE 1 = 0;

-- name: touch_erasures()!
UPDATE erasures SET user_id = user_id WHERE 1 = 0;
