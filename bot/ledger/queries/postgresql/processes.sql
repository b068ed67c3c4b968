-- name: begin_process()$
INSERT INTO processes (seen_at) VALUES (now_here()) RETURNING id;

-- name: heartbeat(process)!
INSERT INTO processes (id, seen_at) OVERRIDING SYSTEM VALUE VALUES (:process, now_here())
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: end_process(process)!
DELETE FROM processes WHERE id = :process;

-- name: prune_dead_processes()!
DELETE FROM processes WHERE seen_at < now_here() - 86400000;

-- name: living()
SELECT l.id FROM living l;

-- name: take_account(process, id, wire_clear)$
-- From a dead process, but where it was sending something only once that cannot be on its way to the panel any more.
UPDATE accounts SET held_by = :process
WHERE id = :id AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.account_id = accounts.id AND l.process <> :process)
  AND NOT EXISTS (
    SELECT 1 FROM processes p JOIN cancellations c ON c.account_id = accounts.id AND c.state = 'sending'
    WHERE p.id = accounts.held_by AND p.id <> :process AND p.seen_at > now_here() - :wire_clear
  )
RETURNING id;

-- name: holder(id)^
SELECT held_by FROM accounts WHERE id = :id;

-- name: held(process)
SELECT id, EXISTS (SELECT 1 FROM busy b WHERE b.id = a.id) AS busy FROM accounts a WHERE held_by = :process;

-- name: count_busy()$
SELECT COUNT(*) FROM busy b;

-- name: orphaned()
-- With orders that a dead process was sending, and a key out of use: of these nothing is due, so nobody takes them.
SELECT DISTINCT a.id FROM cancellations c JOIN accounts a ON a.id = c.account_id
WHERE c.state = 'sending' AND a.state <> 'active' AND a.id NOT IN (SELECT l.account_id FROM leases l);

-- name: release(process, ids)!
-- What is being sent stays with whoever sends it.
UPDATE accounts SET held_by = NULL
WHERE held_by = :process AND id IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(:ids AS JSON)))
  AND NOT EXISTS (SELECT 1 FROM cancellations c WHERE c.account_id = accounts.id AND c.state = 'sending');
