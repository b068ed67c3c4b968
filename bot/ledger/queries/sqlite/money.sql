-- name: money_of_history(account_id, since, outcome)
-- By how much charges have fallen, where that proves a refund: whole units and hundred-millionths, so that both sums are exact.
SELECT currency, COUNT(*) AS count, SUM(CAST(charge_first AS INTEGER) - CAST(charge_last AS INTEGER)) AS whole, SUM(
    CAST(substr(rtrim(substr(charge_first || '.', instr(charge_first || '.', '.') + 1), '.') || '00000000', 1, 8) AS INTEGER)
    - CAST(substr(rtrim(substr(charge_last || '.', instr(charge_last || '.', '.') + 1), '.') || '00000000', 1, 8) AS INTEGER)
) AS fraction
FROM cancellations
WHERE account_id = :account_id AND ended_at >= :since AND (CAST(:outcome AS TEXT) IS NULL OR state = :outcome)
  AND refund = 'charge' AND length(charge_first) <= 21 AND length(charge_last) <= 21
  AND instr(substr(charge_first, 1, 13) || '.', '.') <= 13 AND instr(substr(charge_last, 1, 13) || '.', '.') <= 13
GROUP BY currency;
