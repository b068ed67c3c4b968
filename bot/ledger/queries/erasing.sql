-- name: count_stored(user_id)^
SELECT (SELECT COUNT(*) FROM requests WHERE user_id = :user_id) AS requests,
       (SELECT COUNT(*) FROM requests r JOIN request_orders ro ON ro.request_id = r.id
        WHERE r.user_id = :user_id) AS orders,
       (SELECT COUNT(*) FROM preferences WHERE user_id = :user_id) AS preferences,
       (SELECT COUNT(*) FROM kept_orders WHERE user_id = :user_id) AS kept_orders,
       (SELECT COUNT(*) FROM notices WHERE user_id = :user_id) AS messages;

-- name: erase_webhook(user_id)!
DELETE FROM webhooks WHERE user_id = :user_id;

-- name: erase_preferences(user_id)!
DELETE FROM preferences WHERE user_id = :user_id;

-- name: erase_kept(user_id)!
DELETE FROM kept_orders WHERE user_id = :user_id;

-- name: erase_keys(user_id, now)!
UPDATE accounts SET key_sealed = NULL, key_fingerprint = NULL, state = 'removed', is_default = 0, changed_at = :now
WHERE user_id = :user_id AND state <> 'removed';

-- name: erase_cards(user_id, now)!
-- No card is edited once it is past: those of years ago need not be touched one by one.
UPDATE requests SET token_sealed = NULL, card_due_at = NULL, card_until = 0
WHERE user_id = :user_id AND (card_until > CAST(:now AS BIGINT) OR token_sealed IS NOT NULL OR card_due_at IS NOT NULL);

-- name: hold_notices(user_id)!
UPDATE notices SET edit_at = NULL, state = CASE WHEN due_at IS NULL THEN state ELSE 'kept' END, due_at = NULL
WHERE user_id = :user_id AND (due_at IS NOT NULL OR edit_at IS NOT NULL);

-- name: begin_erasure(user_id, now)!
INSERT INTO erasures (user_id, asked_at) SELECT CAST(:user_id AS BIGINT), CAST(:now AS BIGINT)
WHERE EXISTS (SELECT 1 FROM accounts WHERE user_id = :user_id)
   OR EXISTS (SELECT 1 FROM requests WHERE user_id = :user_id)
   OR EXISTS (SELECT 1 FROM notices WHERE user_id = :user_id)
ON CONFLICT (user_id) DO NOTHING;

-- name: is_being_erased(user_id)$
SELECT 1 FROM erasures WHERE user_id = :user_id;

-- name: next_erasure()$
SELECT user_id FROM erasures ORDER BY asked_at LIMIT 1;

-- name: cancellations_to_erase(user_id, most)
SELECT id FROM cancellations WHERE user_id = :user_id LIMIT CAST(:most AS BIGINT);

-- name: erase_transitions(id)*!
DELETE FROM transitions WHERE cancellation_id = :id;

-- name: erase_items(id)*!
DELETE FROM notice_items WHERE cancellation_id = :id;

-- name: erase_named_orders(id)*!
DELETE FROM request_orders WHERE cancellation_id = :id;

-- name: erase_cancellations(id)*!
DELETE FROM cancellations WHERE id = :id;

-- name: erase_request_orders(user_id, most)!
DELETE FROM request_orders WHERE (request_id, position) IN (
    SELECT ro.request_id, ro.position FROM requests r JOIN request_orders ro ON ro.request_id = r.id
    WHERE r.user_id = :user_id LIMIT CAST(:most AS BIGINT)
);

-- name: erase_requests(user_id, most)!
DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE user_id = :user_id LIMIT CAST(:most AS BIGINT));

-- name: erase_notice_items(user_id, most)!
DELETE FROM notice_items WHERE id IN (
    SELECT i.id FROM notices n JOIN notice_items i ON i.notice_id = n.id WHERE n.user_id = :user_id LIMIT CAST(:most AS BIGINT)
);

-- name: erase_notices(user_id, most)!
DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE user_id = :user_id LIMIT CAST(:most AS BIGINT));

-- name: erase_accounts(user_id)!
DELETE FROM accounts WHERE user_id = :user_id;

-- name: end_erasure(user_id)!
DELETE FROM erasures WHERE user_id = :user_id;
