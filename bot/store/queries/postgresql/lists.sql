-- name: add_orders(request_id, orders)!
INSERT INTO request_orders (request_id, position, order_id)
SELECT CAST(:request_id AS BIGINT), number - 1, named
FROM json_array_elements_text(CAST(:orders AS JSON)) WITH ORDINALITY AS listed (named, number);

-- name: touch_cards(now, ids)!
UPDATE requests SET revision = revision + 1, card_due_at = COALESCE(card_due_at, :now)
WHERE card_until > :now AND id IN (
    SELECT request_id FROM request_orders WHERE cancellation_id IN (
        SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(:ids AS JSON))
    )
);
