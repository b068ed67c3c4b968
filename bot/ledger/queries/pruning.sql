-- name: prune_transitions(before, most)!
-- Rows are numbered in the order of time.
DELETE FROM transitions WHERE id IN (
    SELECT id FROM (SELECT id, at FROM transitions ORDER BY id LIMIT CAST(:most AS BIGINT)) AS oldest WHERE at < :before
);

-- name: cancellations_to_prune(before, most)
-- Account by account through the index; without an order PostgreSQL goes through the table, past all that is deleted already.
SELECT c.id, c.account_id, c.request_id, c.ended_at FROM accounts a CROSS JOIN cancellations c
WHERE c.account_id = a.id AND c.ended_at < :before ORDER BY a.id LIMIT CAST(:most AS BIGINT);

-- name: users_behind(after, most)
SELECT DISTINCT user_id FROM accounts WHERE user_id > :after ORDER BY user_id LIMIT CAST(:most AS BIGINT);

-- name: surplus_before(user_id, keep)$
-- Of what has ended for a user, under any key, when the first did that is one too many. Counting is quick, sorting is not.
SELECT CASE WHEN (
    SELECT COUNT(*) FROM accounts a JOIN cancellations c ON c.account_id = a.id
    WHERE a.user_id = :user_id AND c.ended_at IS NOT NULL
) > :keep THEN (
    SELECT c.ended_at FROM accounts a JOIN cancellations c ON c.account_id = a.id
    WHERE a.user_id = :user_id AND c.ended_at IS NOT NULL ORDER BY c.ended_at DESC LIMIT 1 OFFSET CAST(:keep AS BIGINT)
) END;

-- name: surplus_to_prune(user_id, until, most)
SELECT c.id, c.account_id, c.request_id, c.ended_at FROM accounts a CROSS JOIN cancellations c
WHERE a.user_id = :user_id AND c.account_id = a.id AND c.ended_at <= :until LIMIT CAST(:most AS BIGINT);

-- name: note_pruned(account_id, until)*!
UPDATE accounts SET pruned_until = :until WHERE id = :account_id AND (pruned_until IS NULL OR pruned_until < :until);

-- name: prune_emptied(request_id)*!
-- A request of which no order is left, its own or linked; nobody can see it any more.
DELETE FROM requests WHERE id = :request_id AND waiting = 0 AND state = 'going'
  AND NOT EXISTS (SELECT 1 FROM request_orders ro WHERE ro.request_id = requests.id)
  AND NOT EXISTS (SELECT 1 FROM cancellations c WHERE c.request_id = requests.id);

-- name: surplus_requests(user_id, keep, most)
-- Of a user's requests those that are one too many, oldest first, and have no order of their own: of orders that have ended
-- already whoever likes can ask again and again.
SELECT r.id AS request_id FROM requests r
WHERE r.user_id = :user_id AND r.waiting = 0 AND r.state <> 'asking'
  AND r.id <= (SELECT n.id FROM requests n WHERE n.user_id = :user_id ORDER BY n.id DESC LIMIT 1 OFFSET CAST(:keep AS BIGINT))
  AND NOT EXISTS (SELECT 1 FROM cancellations c WHERE c.request_id = r.id)
  AND NOT EXISTS (
      SELECT 1 FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
      WHERE ro.request_id = r.id AND c.ended_at IS NULL
  )
ORDER BY r.id LIMIT CAST(:most AS BIGINT);

-- name: forget_named(request_id)*!
DELETE FROM request_orders WHERE request_id = :request_id;

-- name: forget_request(request_id)*!
DELETE FROM requests WHERE id = :request_id;

-- name: prune_requests(before, most)!
DELETE FROM requests WHERE id IN (
    SELECT id FROM (SELECT id, created_at FROM requests ORDER BY id LIMIT CAST(:most AS BIGINT)) AS oldest
    WHERE created_at < :before AND NOT EXISTS (SELECT 1 FROM request_orders ro WHERE ro.request_id = oldest.id)
      AND NOT EXISTS (SELECT 1 FROM cancellations c WHERE c.request_id = oldest.id)
);

-- name: prune_pauses(before, most)!
-- What is of no order is of an account: those alone are in an index.
DELETE FROM notice_items WHERE account_id IS NOT NULL AND notice_id IN (
    SELECT id FROM (SELECT id, created_at FROM notices ORDER BY id LIMIT CAST(:most AS BIGINT)) AS oldest WHERE created_at < :before
);

-- name: prune_notices(before, most)!
DELETE FROM notices WHERE id IN (
    SELECT id FROM (SELECT id, created_at, due_at, edit_at FROM notices ORDER BY id LIMIT CAST(:most AS BIGINT)) AS oldest
    WHERE created_at < :before AND due_at IS NULL AND edit_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM notice_items i WHERE i.notice_id = oldest.id)
);

-- name: drop_waiting(request_id)!
DELETE FROM request_orders WHERE request_id = :request_id
  AND position >= (SELECT orders - waiting FROM requests WHERE id = :request_id);

-- name: count_stopped(request_id)!
UPDATE requests SET stopped = stopped + waiting, waiting = 0 WHERE id = :request_id;
