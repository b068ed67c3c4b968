-- view: living
-- Processes that have shown themselves within `DEAD_AFTER`.
SELECT id FROM processes WHERE seen_at > now_here() - 15000;

-- view: leases
-- Which living process works on which account.
SELECT a.id AS account_id, a.held_by AS process FROM accounts a JOIN living l ON l.id = a.held_by;

-- view: busy
-- Accounts for which a process can do something, now or later; for one that is paused or removed it cannot.
SELECT a.id FROM accounts a WHERE a.state = 'active' AND (
    EXISTS (SELECT 1 FROM cancellations c WHERE c.account_id = a.id AND c.due_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM requests r WHERE r.account_id = a.id AND r.waiting > 0 AND r.began_at IS NOT NULL)
);

-- view: money_back
-- By how much charges have fallen, where that proves a refund: whole units and hundred-millionths, so that their sums are exact.
SELECT id, account_id, state, ended_at, currency,
       CAST(split_part(charge_first, '.', 1) AS BIGINT) - CAST(split_part(charge_last, '.', 1) AS BIGINT) AS whole,
       CAST(rpad(split_part(charge_first, '.', 2), 8, '0') AS BIGINT)
       - CAST(rpad(split_part(charge_last, '.', 2), 8, '0') AS BIGINT) AS fraction
FROM cancellations
WHERE refund = 'charge' AND length(charge_first) <= 21 AND length(charge_last) <= 21
  AND length(split_part(charge_first, '.', 1)) <= 12 AND length(split_part(charge_last, '.', 1)) <= 12;
