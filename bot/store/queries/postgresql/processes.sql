-- name: begin_process()$
INSERT INTO processes (seen_at) VALUES (now_here()) RETURNING id;

-- name: beat(process)!
INSERT INTO processes (id, seen_at) OVERRIDING SYSTEM VALUE VALUES (:process, now_here())
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: end_process(process)!
DELETE FROM processes WHERE id = :process;

-- name: bury_processes()!
DELETE FROM processes WHERE seen_at < now_here() - 86400000;

-- name: living()
SELECT id FROM living;

-- name: take_account(process, id)$
UPDATE accounts SET held_by = :process
WHERE id = :id AND (held_by IS NULL OR held_by = :process OR held_by NOT IN (SELECT id FROM living))
RETURNING id;

-- name: holder(id)^
SELECT held_by FROM accounts WHERE id = :id;

-- name: held(process)
SELECT id, (
    EXISTS (SELECT 1 FROM cancellations c WHERE c.account_id = a.id AND c.due_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM requests r WHERE r.account_id = a.id AND r.waiting > 0 AND r.began_at IS NOT NULL)
) AS busy
FROM accounts a WHERE held_by = :process;

-- name: count_busy()$
SELECT COUNT(*) FROM accounts a WHERE state = 'active' AND (
    EXISTS (SELECT 1 FROM cancellations c WHERE c.account_id = a.id AND c.due_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM requests r WHERE r.account_id = a.id AND r.waiting > 0 AND r.began_at IS NOT NULL)
);

-- name: let_go(process, ids)!
UPDATE accounts SET held_by = NULL
WHERE held_by = :process AND id IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(:ids AS JSON)));
