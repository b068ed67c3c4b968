-- view: leases
-- Here there is one process, and none that it would have to ask.
SELECT NULL AS account_id, NULL AS process WHERE FALSE;

-- view: money_back
-- By how much charges have fallen, where that proves a refund: whole units and hundred-millionths, so that their sums are exact.
SELECT id, account_id, state, ended_at, currency,
       CAST(charge_first AS INTEGER) - CAST(charge_last AS INTEGER) AS whole,
       CAST(substr(rtrim(substr(charge_first || '.', instr(charge_first || '.', '.') + 1), '.') || '00000000', 1, 8) AS INTEGER)
       - CAST(substr(rtrim(substr(charge_last || '.', instr(charge_last || '.', '.') + 1), '.') || '00000000', 1, 8) AS INTEGER)
       AS fraction
FROM cancellations
WHERE refund = 'charge' AND length(charge_first) <= 21 AND length(charge_last) <= 21
  AND instr(substr(charge_first, 1, 13) || '.', '.') <= 13 AND instr(substr(charge_last, 1, 13) || '.', '.') <= 13;
