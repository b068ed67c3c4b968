-- name: cancellations_of_request(request_id)
SELECT c.* FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
WHERE ro.request_id = :request_id ORDER BY c.id;

-- name: open_of_account(account_id)
SELECT * FROM cancellations WHERE account_id = :account_id AND ended_at IS NULL ORDER BY created_at, id;

-- name: claim_for_sending(now, account_id, most)
UPDATE cancellations SET state = 'sending', attempts = attempts + 1, sent_at = :now, changed_at = :now
WHERE id IN (
    SELECT id FROM cancellations WHERE account_id = :account_id AND state = 'requested' AND due_at <= :now
    ORDER BY due_at, id LIMIT :most
)
RETURNING *;

-- name: due_looks(account_id, most)
-- Whatever falls due next is asked in the same call: a batch costs as much as one order.
SELECT * FROM cancellations
WHERE account_id = :account_id AND due_at IS NOT NULL AND state IN ('accepted', 'queued', 'unknown')
ORDER BY due_at, id LIMIT :most;

-- name: has_due_look(account_id, now)$
SELECT 1 FROM cancellations
WHERE account_id = :account_id AND due_at <= :now AND state IN ('accepted', 'queued', 'unknown') LIMIT 1;

-- name: record(state, doubts, looked, words, status_word, remains, charge, currency, now, due_at, queued_at, ended_at, id, from_state)*!
UPDATE cancellations SET
    state = :state, doubts = :doubts, looks = looks + :looked, words = COALESCE(:words, words),
    status_word = COALESCE(:status_word, status_word), remains = COALESCE(:remains, remains),
    charge_first = COALESCE(charge_first, :charge), charge_last = COALESCE(:charge, charge_last),
    currency = COALESCE(:currency, currency), changed_at = :now, due_at = :due_at,
    queued_at = COALESCE(queued_at, :queued_at), ended_at = :ended_at
WHERE id = :id AND state = :from_state;

-- name: recover_sending(now)
-- A process that died between the call and its answer leaves it unknown whether the panel got it.
UPDATE cancellations SET state = 'unknown', doubts = doubts + 1, changed_at = :now, due_at = :now
WHERE state = 'sending' RETURNING id, account_id;

-- name: withdraw(now, account_id)
UPDATE cancellations SET state = 'withdrawn', changed_at = :now, ended_at = :now, due_at = NULL
WHERE account_id = :account_id AND state = 'requested' AND doubts = 0 RETURNING id;

-- name: expire_account(now, account_id)
UPDATE cancellations SET state = 'expired', changed_at = :now, ended_at = :now, due_at = NULL
WHERE account_id = :account_id AND ended_at IS NULL AND state <> 'sending' AND (state <> 'requested' OR doubts > 0)
RETURNING id;

-- name: expire_old(now, before)
UPDATE cancellations SET state = 'expired', changed_at = :now, ended_at = :now, due_at = NULL
WHERE ended_at IS NULL AND state <> 'sending' AND created_at < :before RETURNING id, account_id;

-- name: hurry(now, account_id)!
UPDATE cancellations SET due_at = :now WHERE account_id = :account_id AND due_at > :now;

-- name: pull_in(now, latest)!
UPDATE cancellations SET due_at = :now WHERE due_at > :latest;

-- name: mark_other_key(account_id)!
UPDATE cancellations SET other_key = 1
WHERE account_id = :account_id AND ended_at IS NULL AND (state <> 'requested' OR doubts > 0);

-- name: revive(now, most, account_id, order_id)*!
-- Asked for once more after all tries: one more, if the next look shows the order running.
UPDATE cancellations SET doubts = :most - 1, sent_at = NULL, due_at = :now, changed_at = :now
WHERE account_id = :account_id AND order_id = :order_id AND state = 'unknown' AND doubts >= :most;

-- name: told(now, patience, id)*!
-- What ended while its user was watching the card; of all else they get a message as well.
UPDATE cancellations SET told_at = COALESCE(told_at, :now)
WHERE id = :id AND ended_at <= created_at + :patience AND queued_at IS NULL;

-- name: overdue(before, after)
-- Only where they are being looked at: of an account that is paused its user has been told.
SELECT c.id, a.user_id FROM cancellations c JOIN accounts a ON a.id = c.account_id
WHERE a.state = 'active' AND c.ended_at IS NULL AND c.overdue_at IS NULL AND c.created_at < :before AND c.created_at >= :after LIMIT 500;

-- name: mark_overdue(now, id)*!
UPDATE cancellations SET overdue_at = :now WHERE id = :id;

-- name: untold(account_id, patience, now)
-- Ended, told nowhere, in no notice yet; and either waited for, or on no card that can still be edited. While a list is
-- still being gone through for the first time its card tells; then one message tells all that took long.
SELECT c.id, a.user_id FROM cancellations c JOIN accounts a ON a.id = c.account_id
WHERE c.account_id = :account_id AND c.ended_at IS NOT NULL AND c.told_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM notice_items i WHERE i.cancellation_id = c.id AND i.kind = 'ended')
  AND (c.queued_at IS NOT NULL OR c.ended_at > c.created_at + :patience OR NOT EXISTS (
      SELECT 1 FROM request_orders ro JOIN requests r ON r.id = ro.request_id
      WHERE ro.cancellation_id = c.id AND r.card_until > :now
  ))
  AND NOT EXISTS (
      SELECT 1 FROM cancellations u JOIN requests r ON r.id = u.request_id
      WHERE u.request_id = c.request_id AND u.ended_at IS NULL AND u.looks = 0
        AND u.state IN ('requested', 'sending', 'accepted') AND r.card_until > :now
  );

-- name: lives(most)
-- How long the provider took for what it ended last, in milliseconds.
SELECT ended_at - queued_at AS life FROM cancellations
WHERE queued_at IS NOT NULL AND ended_at IS NOT NULL AND state IN ('refunded', 'partial', 'completed', 'failed')
ORDER BY ended_at DESC LIMIT :most;

-- name: count_open(account_id)$
SELECT COUNT(*) FROM cancellations WHERE account_id = :account_id AND ended_at IS NULL;
