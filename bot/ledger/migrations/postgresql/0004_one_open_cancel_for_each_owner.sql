-- One open cancellation for each order of a user, whichever of their keys names it: keys of one panel account see the same
-- orders, and an order could be cancelled twice.

-- Accounts that are found to see the same order are keys of one panel account: all of them name the one with the least id.
ALTER TABLE accounts ADD COLUMN panel_account BIGINT;
-- What was seen before then was seen with another key.
ALTER TABLE accounts ADD COLUMN key_stored_at BIGINT;
UPDATE accounts SET key_stored_at = changed_at;

ALTER TABLE cancellations ADD COLUMN user_id BIGINT;
-- 1: beside another that is open, since before this was refused.
ALTER TABLE cancellations ADD COLUMN twin INTEGER NOT NULL DEFAULT 0;
UPDATE cancellations SET user_id = (SELECT a.user_id FROM accounts a WHERE a.id = cancellations.account_id);
ALTER TABLE cancellations ALTER COLUMN user_id SET NOT NULL;
DROP INDEX cancellations_by_order;
CREATE INDEX cancellations_by_order ON cancellations (user_id, order_id, id);

-- Of those that are open under two keys now, what was not sent yet joins the other, as it would have from now on. Where both
-- were sent, both go on being watched.
CREATE TABLE doubles AS SELECT id, first, unsent FROM (
    SELECT id, FIRST_VALUE(id) OVER (PARTITION BY user_id, order_id ORDER BY unsent, id) AS first, unsent FROM (
        SELECT id, user_id, order_id, CASE WHEN state = 'requested' AND doubts = 0 THEN 1 ELSE 0 END AS unsent
        FROM cancellations WHERE ended_at IS NULL
    ) AS still_open
) AS ranked WHERE id <> first;
UPDATE request_orders SET joined = 1, cancellation_id = (SELECT d.first FROM doubles d WHERE d.id = cancellation_id)
WHERE cancellation_id IN (SELECT id FROM doubles WHERE unsent = 1);
DELETE FROM notice_items WHERE cancellation_id IN (SELECT id FROM doubles WHERE unsent = 1);
DELETE FROM transitions WHERE cancellation_id IN (SELECT id FROM doubles WHERE unsent = 1);
DELETE FROM cancellations WHERE id IN (SELECT id FROM doubles WHERE unsent = 1);
UPDATE cancellations SET twin = 1 WHERE id IN (SELECT id FROM doubles);
DROP TABLE doubles;
DROP INDEX cancellations_one_open;
CREATE UNIQUE INDEX cancellations_one_open ON cancellations (user_id, order_id) WHERE ended_at IS NULL AND twin = 0;

-- What answers an order of a request instead of one more cancel: one that is open or has proved it cancelled, or has ended
-- otherwise since the request was made. What the panel has refused to another key proves nothing.
CREATE VIEW joinable AS
SELECT r.id AS request_id, c.order_id, c.id AS cancellation_id, c.state, c.ended_at
FROM requests r JOIN cancellations c ON c.user_id = r.user_id
WHERE c.ended_at IS NULL OR c.state = 'cancelled' OR c.ended_at > r.began_at AND c.state NOT IN ('withdrawn', 'expired')
  AND (c.state <> 'refused' OR c.account_id = r.account_id AND c.other_key = 0);

-- Requests that have joined a cancellation under another key, and could go on under their own. One that was stopped could not.
-- (The plus keeps SQLite from going through all that was ever joined.)
CREATE VIEW heirs AS
SELECT ro.cancellation_id, r.id AS request_id
FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id JOIN requests r ON r.id = ro.request_id
JOIN accounts a ON a.id = r.account_id
WHERE +ro.joined = 1 AND r.account_id <> c.account_id AND a.state = 'active'
  AND NOT EXISTS (SELECT 1 FROM cancellations w WHERE w.request_id = r.id AND w.state = 'withdrawn');
