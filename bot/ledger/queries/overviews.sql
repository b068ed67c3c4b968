-- name: open_by_request(account_id, overdue_before)
-- What is started and open, by the request that holds its cancellation: an order that several requests name counts with the
-- first of them alone, so that each is counted once.
SELECT r.id AS request_id, r.account_id, r.began_at, r.orders, o.state, o.is_ambiguous, o.count, o.overdue, o.given_up,
       0 AS unproven, o.oldest_at, o.checked_at
FROM (
    SELECT c.request_id, c.state, c.ambiguous_attempts > 0 AS is_ambiguous, COUNT(*) AS count,
           SUM(CASE WHEN c.created_at < :overdue_before THEN 1 ELSE 0 END) AS overdue,
           SUM(CASE WHEN c.state = 'unknown' THEN c.given_up ELSE 0 END) AS given_up, MIN(c.created_at) AS oldest_at, MAX(c.checked_at) AS checked_at
    FROM cancellations c WHERE c.account_id = :account_id AND c.ended_at IS NULL
    GROUP BY c.request_id, c.state, c.ambiguous_attempts > 0
) AS o CROSS JOIN requests r WHERE r.id = o.request_id;

-- name: unsent_by_request(account_id)
-- What is not started of an account's requests.
SELECT id AS request_id, account_id, began_at, orders, 'requested' AS state, FALSE AS is_ambiguous, waiting AS count,
       0 AS overdue, 0 AS given_up, 0 AS unproven, began_at AS oldest_at, NULL AS checked_at
FROM requests
WHERE account_id = :account_id AND waiting > 0 AND began_at IS NOT NULL;

-- name: tally_of_history(account_id, since, outcome)
SELECT state, COUNT(*) AS count FROM cancellations
WHERE account_id = :account_id AND ended_at >= :since AND (CAST(:outcome AS TEXT) IS NULL OR state = :outcome) GROUP BY state;

-- name: history_by_request(account_id, since, outcome)
-- How orders ended, by the request that holds their cancellation.
SELECT r.id AS request_id, r.account_id, r.began_at, r.orders, e.state, FALSE AS is_ambiguous, e.count,
       0 AS overdue, 0 AS given_up, e.unproven, r.began_at AS oldest_at, NULL AS checked_at
FROM (
    SELECT c.request_id, c.state, COUNT(*) AS count,
           SUM(CASE WHEN c.state = 'cancelled' AND c.refund IS NULL THEN 1 ELSE 0 END) AS unproven
    FROM cancellations c
    WHERE c.account_id = :account_id AND c.ended_at >= :since AND (CAST(:outcome AS TEXT) IS NULL OR c.state = :outcome)
    GROUP BY c.request_id, c.state
) AS e CROSS JOIN requests r WHERE r.id = e.request_id;

-- name: count_ended_again(account_id, since, outcome)$
-- Orders that had ended before in the same time, under whichever key: they were asked for more than once.
SELECT COUNT(*) FROM cancellations c
WHERE c.account_id = :account_id AND c.ended_at >= :since AND (CAST(:outcome AS TEXT) IS NULL OR c.state = :outcome)
  AND EXISTS (
    SELECT 1 FROM cancellations e WHERE e.user_id = c.user_id AND e.order_id = c.order_id AND e.id < c.id
      AND e.ended_at >= :since AND (CAST(:outcome AS TEXT) IS NULL OR e.state = :outcome)
  );

-- name: is_being_checked(account_id, since)$
-- Whether anything of an account that was due for a status check then is so still; what has failed since is due again later.
SELECT 1 FROM cancellations
WHERE account_id = :account_id AND due_at <= :since AND state IN ('accepted', 'queued', 'unknown') LIMIT 1;

-- name: checked_since(account_id, since)^
-- How many orders were checked since then and have ended, have not, or are unclear; and how many could have been checked.
SELECT (
    SELECT COUNT(*) FROM cancellations WHERE account_id = :account_id AND ended_at >= :since AND checked_at > :since
      AND state NOT IN ('expired', 'withdrawn')
) AS ended, (
    SELECT COUNT(*) FROM cancellations
    WHERE account_id = :account_id AND ended_at IS NULL AND checked_at > :since AND state <> 'unknown'
) AS waiting, (
    SELECT COUNT(*) FROM cancellations
    WHERE account_id = :account_id AND ended_at IS NULL AND checked_at > :since AND state = 'unknown'
) AS unclear, (
    SELECT COUNT(*) FROM cancellations
    WHERE account_id = :account_id AND ended_at IS NULL AND state IN ('accepted', 'queued', 'unknown')
      AND (checked_at IS NULL OR checked_at <= :since)
) AS unchecked;
