-- name: money_of_history(account_id, since, outcome)
SELECT currency, COUNT(*) AS count,
    CAST(SUM(CAST(split_part(charge_first, '.', 1) AS BIGINT) - CAST(split_part(charge_last, '.', 1) AS BIGINT)) AS BIGINT) AS whole,
    CAST(SUM(CAST(rpad(split_part(charge_first, '.', 2), 8, '0') AS BIGINT)
        - CAST(rpad(split_part(charge_last, '.', 2), 8, '0') AS BIGINT)) AS BIGINT) AS fraction
FROM cancellations
WHERE account_id = :account_id AND ended_at >= :since AND (CAST(:outcome AS TEXT) IS NULL OR state = :outcome)
  AND refund = 'charge' AND length(charge_first) <= 21 AND length(charge_last) <= 21
  AND length(split_part(charge_first, '.', 1)) <= 12 AND length(split_part(charge_last, '.', 1)) <= 12
GROUP BY currency;
