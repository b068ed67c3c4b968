-- name: money_of_history(account_id, since, outcome)
SELECT m.currency, COUNT(*) AS count, CAST(SUM(m.whole) AS BIGINT) AS whole, CAST(SUM(m.fraction) AS BIGINT) AS fraction
FROM money_back m
WHERE m.account_id = :account_id AND m.ended_at >= :since AND (CAST(:outcome AS TEXT) IS NULL OR m.state = :outcome)
GROUP BY m.currency;

-- name: money_of_request(request_id, state)
-- Of its own orders and those it is linked to. (The order of the joins is fixed: SQLite is not to go through all orders.)
SELECT m.currency, COUNT(*) AS count, CAST(SUM(m.whole) AS BIGINT) AS whole, CAST(SUM(m.fraction) AS BIGINT) AS fraction
FROM (
    SELECT id FROM cancellations WHERE request_id = :request_id
    UNION ALL
    SELECT cancellation_id FROM request_orders WHERE request_id = :request_id AND linked = 1
) AS shown CROSS JOIN money_back m WHERE m.id = shown.id AND m.state = CAST(:state AS TEXT)
GROUP BY m.currency;

-- name: money_of_notice(notice_id, last, kind, state)
SELECT m.currency, COUNT(*) AS count, CAST(SUM(m.whole) AS BIGINT) AS whole, CAST(SUM(m.fraction) AS BIGINT) AS fraction
FROM notice_items i CROSS JOIN money_back m
WHERE i.notice_id = :notice_id AND i.id <= :last AND i.kind = :kind AND m.id = i.cancellation_id AND m.state = CAST(:state AS TEXT)
GROUP BY m.currency;
