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
