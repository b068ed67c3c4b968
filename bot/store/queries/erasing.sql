-- name: count_stored(user_id)^
SELECT (SELECT COUNT(*) FROM requests WHERE user_id = :user_id) AS requests,
       (SELECT COUNT(*) FROM requests r JOIN request_orders ro ON ro.request_id = r.id
        WHERE r.user_id = :user_id) AS orders,
       (SELECT COUNT(*) FROM preferences WHERE user_id = :user_id) AS preferences,
       (SELECT COUNT(*) FROM notices WHERE user_id = :user_id) AS messages;

-- name: erase_webhook(user_id)!
DELETE FROM webhooks WHERE user_id = :user_id;

-- name: erase_notice_items(user_id)!
DELETE FROM notice_items WHERE notice_id IN (SELECT id FROM notices WHERE user_id = :user_id);

-- name: erase_notices(user_id)!
DELETE FROM notices WHERE user_id = :user_id;

-- name: erase_transitions(user_id)!
DELETE FROM transitions WHERE cancellation_id IN (
    SELECT c.id FROM accounts a JOIN cancellations c ON c.account_id = a.id WHERE a.user_id = :user_id
);

-- name: erase_request_orders(user_id)!
DELETE FROM request_orders WHERE request_id IN (SELECT id FROM requests WHERE user_id = :user_id);

-- name: erase_cancellations(user_id)!
DELETE FROM cancellations WHERE account_id IN (SELECT id FROM accounts WHERE user_id = :user_id);

-- name: erase_requests(user_id)!
DELETE FROM requests WHERE user_id = :user_id;

-- name: erase_preferences(user_id)!
DELETE FROM preferences WHERE user_id = :user_id;

-- name: erase_accounts(user_id)!
DELETE FROM accounts WHERE user_id = :user_id;
