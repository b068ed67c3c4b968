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

-- name: touch_cancellations()!
UPDATE cancellations SET state = state WHERE 1 = 0;

-- name: touch_notices()!
UPDATE notices SET state = state WHERE 1 = 0;
