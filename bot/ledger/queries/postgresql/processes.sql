-- name: begin_process()$
INSERT INTO processes (seen_at) VALUES (now_here()) RETURNING id;

-- name: heartbeat(process)!
INSERT INTO processes (id, seen_at) OVERRIDING SYSTEM VALUE VALUES (:process, now_here())
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: begin_transaction(process)^
-- The transaction's number, and its session. The process's row gets the number as well (xmin), so that it can be found out
-- later whether the transaction was committed: a server that dies may give a number once more, to somebody else.
WITH marked AS (UPDATE processes SET seen_at = seen_at WHERE id = :process RETURNING id)
SELECT CAST(pg_current_xact_id() AS TEXT) AS number, pg_backend_pid() AS session, EXISTS (SELECT 1 FROM marked) AS marked;

-- name: fate_of(number, process)^
-- What became of a transaction; whether this process's row is as that one left it; and which server says so.
SELECT pg_xact_status(CAST(CAST(:number AS TEXT) AS xid8)) IN ('committed', 'aborted') AS ended,
       (SELECT CAST(CAST(xmin AS TEXT) AS BIGINT) FROM processes WHERE id = :process) AS last,
       CAST(system_identifier AS TEXT) || ' ' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS server
FROM pg_control_system();

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
