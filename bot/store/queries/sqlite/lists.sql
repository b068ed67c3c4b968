-- name: add_orders(request_id, orders)!
-- All in one statement: a hundred thousand take as long as a commit does.
INSERT INTO request_orders (request_id, position, order_id) SELECT :request_id, key, value FROM json_each(:orders);

-- name: touch_cards(now, ids)!
UPDATE requests SET revision = revision + 1, card_due_at = COALESCE(card_due_at, :now)
WHERE card_until > :now AND id IN (
    SELECT request_id FROM request_orders WHERE cancellation_id IN (SELECT value FROM json_each(:ids))
);
