-- name: tally_of_request(request_id)
-- With what was stopped before it was started, of which only the number is known.
SELECT state, ambiguous_attempts > 0 AS is_ambiguous, SUM(one) AS count FROM (
    SELECT state, ambiguous_attempts, 1 AS one FROM cancellations WHERE request_id = :request_id
    UNION ALL
    SELECT c.state, c.ambiguous_attempts, 1 FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
    WHERE ro.request_id = :request_id AND ro.linked = 1
    UNION ALL
    SELECT 'withdrawn', 0, stopped FROM requests WHERE id = :request_id AND stopped > 0
) AS shown GROUP BY state, is_ambiguous;

-- name: first_of_request(request_id, state, is_ambiguous, most)
-- Those that are only watched first, then those with most ambiguous attempts: their group says what that means.
SELECT * FROM (
    SELECT * FROM cancellations WHERE request_id = :request_id AND state = CAST(:state AS TEXT) AND (ambiguous_attempts > 0) = :is_ambiguous
    UNION ALL
    SELECT c.* FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
    WHERE ro.request_id = :request_id AND ro.linked = 1 AND c.state = CAST(:state AS TEXT) AND (c.ambiguous_attempts > 0) = :is_ambiguous
) AS shown ORDER BY given_up DESC, ambiguous_attempts DESC, id LIMIT CAST(:most AS BIGINT);

-- name: page_of_request(request_id, after, most)
SELECT ro.position AS cursor, ro.order_id AS waiting, r.account_id AS list_account, c.*
FROM requests r JOIN request_orders ro ON ro.request_id = r.id LEFT JOIN cancellations c ON c.id = ro.cancellation_id
WHERE r.id = :request_id AND ro.position > :after ORDER BY ro.position LIMIT CAST(:most AS BIGINT);

-- name: count_of_request(request_id)$
-- As many as its pages have: what was stopped before it was started is not among them.
SELECT COUNT(*) FROM request_orders WHERE request_id = :request_id;

-- name: page_of_open(account_id, after, most)
SELECT id AS cursor, NULL AS waiting, * FROM cancellations
WHERE account_id = :account_id AND ended_at IS NULL AND id > :after ORDER BY id LIMIT CAST(:most AS BIGINT);

-- name: recent_orders(account_id, pattern, considered, most)
-- The newest of each order, open ones first. It runs at every key press, so it reads a limited number of rows of each index.
WITH considered (id) AS (
    SELECT * FROM (
        SELECT c.id FROM cancellations c WHERE c.account_id = :account_id AND c.due_at IS NOT NULL
        ORDER BY c.due_at DESC LIMIT CAST(:considered AS BIGINT)
    ) AS still_open
    UNION
    SELECT * FROM (
        SELECT ro.cancellation_id FROM requests r JOIN request_orders ro
          ON ro.request_id = r.id AND ro.position < r.orders - r.waiting
        WHERE r.account_id = :account_id ORDER BY r.id DESC, ro.position LIMIT CAST(:considered AS BIGINT)
    ) AS named_last
)
SELECT c.* FROM considered CROSS JOIN cancellations c
WHERE c.id = considered.id AND lower(c.order_id) LIKE CAST(:pattern AS TEXT) ESCAPE '!'
  AND c.id = (
      SELECT MAX(n.id) FROM cancellations n
      WHERE n.user_id = c.user_id AND n.order_id = c.order_id AND n.account_id = c.account_id
  )
ORDER BY c.ended_at IS NULL DESC, c.id DESC LIMIT CAST(:most AS BIGINT);

-- name: count_requested(account_id, now, most)$
-- What is sent again goes in calls of its own, and takes no room in that of a list.
SELECT COUNT(*) FROM (
    SELECT 1 FROM cancellations
    WHERE account_id = :account_id AND state = 'requested' AND ambiguous_attempts = 0 AND due_at <= :now LIMIT CAST(:most AS BIGINT)
) AS ready;

-- name: claim_for_sending(now, account_id, ambiguous_attempts, most)
-- What its user has asked to be tried once more is tried no more after that. An earlier call may have gone out with another key.
UPDATE cancellations SET state = 'sending', sent_at = :now, changed_at = :now, running_checks = 0,
    given_up = CASE WHEN resend_at IS NULL THEN given_up ELSE 1 END, resend_at = NULL,
    key_version = CASE WHEN ambiguous_attempts = 0
        THEN (SELECT a.key_version FROM accounts a WHERE a.id = cancellations.account_id) ELSE key_version END
WHERE id IN (
    SELECT id FROM cancellations
    WHERE account_id = :account_id AND state = 'requested' AND ambiguous_attempts = :ambiguous_attempts AND due_at <= :now
    ORDER BY due_at, id LIMIT CAST(:most AS BIGINT)
)
RETURNING *;

-- name: follow_same_key(account_id, ambiguous_attempts, now, most)
-- Of what would be claimed next: what another user has sent with this very key is not sent again. It stands as theirs does and
-- is watched from now on. Where it is not known what became of theirs, what was never sent waits for a check as well; what
-- was, only for one that was asked for before and may still be sent again, so that not each waits for the other. That it was seen
-- pending proves nothing: of when the other was sent, and of what it was then, that tells too little.
UPDATE cancellations SET state = CASE WHEN theirs.taken = 1 THEN 'accepted' ELSE 'unknown' END,
    ambiguous_attempts = CASE WHEN theirs.ambiguous_attempts > cancellations.ambiguous_attempts THEN theirs.ambiguous_attempts ELSE cancellations.ambiguous_attempts END,
    given_up = theirs.only_watched, key_version = CASE WHEN cancellations.ambiguous_attempts = 0
        THEN (SELECT a.key_version FROM accounts a WHERE a.id = cancellations.account_id) ELSE key_version END,
    pending_at = NULL, sent_at = theirs.sent_at, changed_at = :now, due_at = :now, running_checks = 0, resend_at = NULL
FROM (
    SELECT s.id, MAX(CASE WHEN s.state IN ('accepted', 'queued') THEN 1 ELSE 0 END) AS taken,
           MAX(s.ambiguous_attempts) AS ambiguous_attempts, MAX(s.only_watched) AS only_watched, MAX(s.sent_at) AS sent_at
    FROM (
        SELECT id FROM cancellations
        WHERE account_id = :account_id AND state = 'requested' AND ambiguous_attempts = :ambiguous_attempts AND due_at <= :now
        ORDER BY due_at, id LIMIT CAST(:most AS BIGINT)
    ) AS claimable CROSS JOIN same_key s
    WHERE s.id = claimable.id AND (s.state IN ('accepted', 'queued') OR s.state <> 'sending' AND (
        :ambiguous_attempts = 0 OR s.other < s.id AND s.only_watched = 0 AND s.key_state = 'active'
    ))
    GROUP BY s.id
) AS theirs
WHERE cancellations.id = theirs.id
RETURNING cancellations.id;

-- name: wait_for_same_key(account_id, ambiguous_attempts, now, most, until)!
-- Of the same, what another user is just sending with this very key.
UPDATE cancellations SET due_at = :until
WHERE id IN (
    SELECT s.id FROM (
        SELECT id FROM cancellations
        WHERE account_id = :account_id AND state = 'requested' AND ambiguous_attempts = :ambiguous_attempts AND due_at <= :now
        ORDER BY due_at, id LIMIT CAST(:most AS BIGINT)
    ) AS claimable CROSS JOIN same_key s
    WHERE s.id = claimable.id AND s.state = 'sending'
);

-- name: next_to_resend(account_id, now)^
-- The orders that are due to be sent again after as many unclear calls as the first of them.
SELECT ambiguous_attempts, COUNT(*) AS count FROM cancellations
WHERE account_id = :account_id AND state = 'requested' AND ambiguous_attempts > 0 AND due_at <= :now
GROUP BY ambiguous_attempts ORDER BY MIN(due_at), ambiguous_attempts LIMIT 1;

-- name: fewest_to_send(account_id, now)$
-- 0: some are ready; else what the shortest list has left; NULL: nothing. What is to be sent again counts as a long list: it
-- goes out in small calls, and checks do not wait for all of them.
SELECT CASE WHEN EXISTS (
    SELECT 1 FROM cancellations WHERE account_id = :account_id AND state = 'requested' AND ambiguous_attempts = 0 AND due_at <= :now
) THEN 0 ELSE COALESCE((
    SELECT MIN(waiting) FROM requests WHERE account_id = :account_id AND waiting > 0 AND began_at IS NOT NULL
), CASE WHEN EXISTS (
    SELECT 1 FROM cancellations WHERE account_id = :account_id AND state = 'requested' AND due_at <= :now
) THEN 1000000 END) END;

-- name: record(id, from_state, from_ambiguous, from_given_up, state, ambiguous_attempts, given_up, running_checks, checked, failed, panel_message, reason, status_word, remains, charge_first, charge_last, currency, pending_at, refund, due_at, queued_at, ended_at, now)*!
-- Where its user has asked for one more try while it was checked, that check does not count: the next is due at once.
-- SQLite takes many such lines of VALUES in one statement (`change_many`).
WITH n (
    id, from_state, from_ambiguous, from_given_up, state, ambiguous_attempts, given_up, running_checks, checked, failed, panel_message, reason,
    status_word, remains, charge_first, charge_last, currency, pending_at, refund, due_at, queued_at, ended_at, now
) AS (
    VALUES (CAST(:id AS BIGINT), :from_state, CAST(:from_ambiguous AS BIGINT), CAST(:from_given_up AS BIGINT), :state, CAST(:ambiguous_attempts AS BIGINT), CAST(:given_up AS BIGINT), CAST(:running_checks AS BIGINT), CAST(:checked AS BIGINT), CAST(:failed AS BIGINT), :panel_message, :reason, :status_word, :remains, :charge_first, :charge_last, :currency, CAST(:pending_at AS BIGINT), :refund, CAST(:due_at AS BIGINT), CAST(:queued_at AS BIGINT), CAST(:ended_at AS BIGINT), CAST(:now AS BIGINT))
)
UPDATE cancellations SET
    state = n.state, ambiguous_attempts = n.ambiguous_attempts, given_up = n.given_up, running_checks = n.running_checks, checks = checks + n.checked,
    failed_checks = CASE WHEN n.checked > 0 THEN 0 ELSE failed_checks + n.failed END,
    panel_message = COALESCE(n.panel_message, cancellations.panel_message),
    reason = CASE WHEN n.panel_message IS NULL THEN cancellations.reason ELSE n.reason END,
    status_word = COALESCE(n.status_word, cancellations.status_word), remains = COALESCE(n.remains, cancellations.remains),
    charge_first = n.charge_first, charge_last = n.charge_last, currency = n.currency, pending_at = n.pending_at,
    refund = n.refund, changed_at = n.now, due_at = n.due_at,
    checked_at = CASE WHEN n.checked > 0 THEN n.now ELSE checked_at END,
    queued_at = COALESCE(cancellations.queued_at, n.queued_at), ended_at = n.ended_at
FROM n WHERE cancellations.id = n.id AND cancellations.state = n.from_state
  AND cancellations.ambiguous_attempts = n.from_ambiguous AND cancellations.given_up = n.from_given_up;

-- name: recover_sending(now, most, account_id)
-- A process that died between the call and its answer leaves it unknown whether the panel got it.
UPDATE cancellations SET state = 'unknown', ambiguous_attempts = ambiguous_attempts + 1, changed_at = :now, due_at = :now,
    given_up = CASE WHEN ambiguous_attempts + 1 >= :most THEN 1 ELSE given_up END
WHERE state = 'sending' AND (CAST(:account_id AS BIGINT) IS NULL OR account_id = :account_id) RETURNING id, account_id;

-- name: withdraw_request(now, notified_at, request_id)!
-- What another request is linked to is still wanted by that one.
UPDATE cancellations SET state = 'withdrawn', changed_at = :now, ended_at = :now, notified_at = :notified_at, due_at = NULL
WHERE request_id = :request_id AND state = 'requested' AND ambiguous_attempts = 0 AND NOT EXISTS (
    SELECT 1 FROM request_orders ro WHERE ro.cancellation_id = cancellations.id AND ro.request_id <> :request_id
);

-- name: withdraw(now, notified_at, account_id)!
UPDATE cancellations SET state = 'withdrawn', changed_at = :now, ended_at = :now, notified_at = :notified_at, due_at = NULL
WHERE account_id = :account_id AND state = 'requested' AND ambiguous_attempts = 0;

-- name: expire_request(now, notified_at, request_id)!
UPDATE cancellations SET state = 'expired', changed_at = :now, ended_at = :now, notified_at = :notified_at, due_at = NULL
WHERE request_id = :request_id AND ended_at IS NULL AND state <> 'sending' AND (state <> 'requested' OR ambiguous_attempts > 0)
  AND NOT EXISTS (
    SELECT 1 FROM request_orders ro WHERE ro.cancellation_id = cancellations.id AND ro.request_id <> :request_id
);

-- name: expire_account(now, notified_at, account_id)!
UPDATE cancellations SET state = 'expired', changed_at = :now, ended_at = :now, notified_at = :notified_at, due_at = NULL
WHERE account_id = :account_id AND ended_at IS NULL AND state <> 'sending' AND (state <> 'requested' OR ambiguous_attempts > 0);

-- name: accounts_with_old(before)
SELECT DISTINCT +account_id AS account_id FROM cancellations WHERE ended_at IS NULL AND state <> 'sending' AND created_at < :before;

-- name: expire_old(now, account_id, before)!
-- What certainly was not sent is known not to have been.
UPDATE cancellations SET state = CASE WHEN state = 'requested' AND ambiguous_attempts = 0 THEN 'withdrawn' ELSE 'expired' END,
    changed_at = :now, ended_at = :now, due_at = NULL
WHERE account_id = :account_id AND ended_at IS NULL AND state <> 'sending' AND created_at < :before;

-- name: hurry(now, account_id)!
UPDATE cancellations SET due_at = :now WHERE account_id = :account_id AND due_at > :now;

-- name: hurry_checks(now, account_id)!
-- But not the first check of a list that is still being sent: sending goes first.
UPDATE cancellations SET due_at = :now
WHERE account_id = :account_id AND due_at > :now AND state IN ('accepted', 'queued', 'unknown')
  AND (checks > 0 OR request_id NOT IN (
      SELECT id FROM requests WHERE account_id = :account_id AND waiting > 0 AND began_at IS NOT NULL
  ));

-- name: pull_in(now, latest)!
UPDATE cancellations SET due_at = :now WHERE due_at > :latest;

-- name: pull_in_resends(now, pause)!
-- Of a call that lies ahead nobody knows how long ago it was: it counts as just made. `pause`: in milliseconds.
UPDATE cancellations SET sent_at = :now, resend_at = CASE WHEN resend_at > :now THEN CAST(:now AS BIGINT) + :pause END
WHERE due_at IS NOT NULL AND sent_at > :now;

-- name: hurry_request(now, request_id)!
-- Only what has not been checked: what is unknown for longer has a pause of its own.
UPDATE cancellations SET due_at = :now
WHERE request_id = :request_id AND state IN ('accepted', 'unknown') AND checks = 0 AND due_at > :now;

-- name: notified_by_card(now, patience, id, revision)!
-- What ended while its user was watching the card; of all else they get a message as well. Only where nothing has
-- changed since what the card shows was read.
UPDATE cancellations SET notified_at = :now
WHERE ended_at IS NOT NULL AND notified_at IS NULL AND queued_at IS NULL AND ended_at <= created_at + :patience
  AND EXISTS (SELECT 1 FROM requests WHERE id = :id AND revision = :revision)
  AND id IN (
    SELECT c.id FROM requests r JOIN cancellations c ON c.account_id = r.account_id AND c.request_id = r.id
    WHERE r.id = :id AND c.ended_at <= r.began_at + :patience AND c.notified_at IS NULL AND c.ended_at IS NOT NULL
    UNION ALL
    SELECT ro.cancellation_id FROM request_orders ro WHERE ro.request_id = :id AND ro.linked = 1
);

-- name: accounts_with_overdue(before, after)
-- Only where they are being checked: of an account that is paused its user was notified.
SELECT DISTINCT a.id, a.user_id FROM cancellations c JOIN accounts a ON a.id = c.account_id
WHERE a.state = 'active' AND c.ended_at IS NULL AND c.overdue_at IS NULL AND c.created_at < :before AND c.created_at >= :after;

-- name: enqueue_overdue(notice_id, account_id, before, after)!
INSERT INTO notice_items (notice_id, kind, cancellation_id)
SELECT CAST(:notice_id AS BIGINT), 'overdue', id FROM cancellations
WHERE account_id = :account_id AND ended_at IS NULL AND overdue_at IS NULL AND created_at < :before AND created_at >= :after
ORDER BY id
ON CONFLICT (cancellation_id, kind) WHERE cancellation_id IS NOT NULL DO NOTHING;

-- name: mark_overdue(now, account_id, before, after)!
UPDATE cancellations SET overdue_at = :now
WHERE account_id = :account_id AND ended_at IS NULL AND overdue_at IS NULL AND created_at < :before AND created_at >= :after;

-- name: accounts_to_notify()
SELECT DISTINCT account_id FROM cancellations WHERE ended_at IS NOT NULL AND notified_at IS NULL;

-- name: requests_to_notify(account_id, patience, begun_before, waited_since, now)
-- Requests whose user is to be notified. It goes from request to request through the index: a long list that is being gone
-- through has tens of thousands of unnotified orders, and none to notify of yet. So does one that its user wants to hear of at its
-- end, for as long as that is waited for; but what another request is linked to is notified of when either has ended.
WITH RECURSIVE lists (id) AS (
    SELECT MIN(request_id) FROM cancellations
    WHERE account_id = :account_id AND ended_at IS NOT NULL AND notified_at IS NULL
    UNION ALL
    SELECT (SELECT MIN(request_id) FROM cancellations
            WHERE account_id = :account_id AND ended_at IS NOT NULL AND notified_at IS NULL AND request_id > lists.id)
    FROM lists WHERE lists.id IS NOT NULL
), waited_for (id) AS (
    SELECT h.id FROM accounts a CROSS JOIN accounts own CROSS JOIN unfinished h
    WHERE a.id = :account_id AND own.user_id = a.user_id AND h.account_id = own.id AND h.began_at > :waited_since
), linked (id) AS (
    SELECT c.request_id FROM accounts a CROSS JOIN preferences p CROSS JOIN accounts own CROSS JOIN requests r
    CROSS JOIN request_orders ro CROSS JOIN cancellations c
    WHERE a.id = :account_id AND p.user_id = a.user_id AND p.notify_when = 'finished'
      AND own.user_id = a.user_id AND r.account_id = own.id AND r.began_at > :waited_since AND r.id NOT IN (SELECT id FROM waited_for)
      AND ro.linked = 1 AND ro.request_id = r.id AND c.id = ro.cancellation_id
      AND c.ended_at IS NOT NULL AND c.notified_at IS NULL
)
SELECT id, (SELECT r.orders FROM requests r WHERE r.id = lists.id) AS orders FROM lists
WHERE id IS NOT NULL
  AND (id NOT IN (SELECT id FROM waited_for) OR id IN (SELECT id FROM linked))
  AND id NOT IN (SELECT p.id FROM first_passes p WHERE p.account_id = :account_id AND p.began_at > :begun_before)
  AND EXISTS (
    SELECT 1 FROM unnotified c WHERE c.account_id = :account_id AND c.request_id = lists.id
      AND (c.late_by > :patience OR NOT EXISTS (
          SELECT 1 FROM request_orders ro JOIN requests r ON r.id = ro.request_id
          WHERE ro.cancellation_id = c.id AND r.card_until > CAST(:now AS BIGINT)
      ))
      AND EXISTS (
          SELECT 1 FROM request_orders ro WHERE ro.cancellation_id = c.id AND ro.request_id NOT IN (SELECT id FROM waited_for)
      )
  );

-- name: enqueue_request(notice_id, account_id, request_id, patience, waited_since, now)!
WITH waited_for (id) AS (
    SELECT h.id FROM accounts a CROSS JOIN accounts own CROSS JOIN unfinished h
    WHERE a.id = :account_id AND own.user_id = a.user_id AND h.account_id = own.id AND h.began_at > :waited_since
)
INSERT INTO notice_items (notice_id, kind, cancellation_id)
SELECT CAST(:notice_id AS BIGINT), 'ended', c.id FROM unnotified c WHERE c.account_id = :account_id AND c.request_id = :request_id
  AND (c.late_by > :patience OR NOT EXISTS (
      SELECT 1 FROM request_orders ro JOIN requests r ON r.id = ro.request_id
      WHERE ro.cancellation_id = c.id AND r.card_until > CAST(:now AS BIGINT)
  ))
  AND EXISTS (
      SELECT 1 FROM request_orders ro WHERE ro.cancellation_id = c.id AND ro.request_id NOT IN (SELECT id FROM waited_for)
  )
ORDER BY c.id;

-- name: lives(most)
-- How long the provider took for what it ended last, in milliseconds.
SELECT ended_at - queued_at AS life FROM cancellations
WHERE queued_at IS NOT NULL AND ended_at IS NOT NULL AND state IN ('cancelled', 'partial', 'completed', 'failed')
ORDER BY ended_at DESC LIMIT CAST(:most AS BIGINT);

-- name: count_open_of_request(request_id)$
SELECT COUNT(*) FROM cancellations
WHERE request_id = :request_id AND state IN ('requested', 'sending', 'accepted', 'queued', 'unknown');

-- name: count_started(account_id)$
SELECT COUNT(*) FROM cancellations WHERE account_id = :account_id AND ended_at IS NULL;
