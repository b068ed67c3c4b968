-- name: account_of_user(user_id)^
SELECT * FROM accounts WHERE user_id = :user_id;

-- name: account(id)^
SELECT * FROM accounts WHERE id = :id;

-- name: save_key(user_id, key_sealed, now)$
-- A removed or rejected account wakes up with the new key; what waits in it goes on.
INSERT INTO accounts (user_id, key_sealed, state, trouble, created_at, changed_at)
VALUES (:user_id, :key_sealed, 'active', NULL, :now, :now)
ON CONFLICT (user_id) DO UPDATE
SET key_sealed = excluded.key_sealed, state = 'active', trouble = NULL, changed_at = excluded.changed_at
RETURNING id;

-- name: remove_key(now, id)!
UPDATE accounts SET key_sealed = NULL, state = 'removed', trouble = NULL, changed_at = :now WHERE id = :id;

-- name: pause_account(state, now, id, key_sealed)!
-- Only the first rejection of this very key counts, so that one notice is written and a newer key survives.
UPDATE accounts SET state = :state, trouble = NULL, changed_at = :now
WHERE id = :id AND state = 'active' AND key_sealed = :key_sealed;

-- name: set_trouble(trouble, now, id)!
UPDATE accounts SET trouble = :trouble, changed_at = :now WHERE id = :id AND trouble IS NOT :trouble;

-- name: accounts_due()
-- Urgent is what nobody has looked at yet: somebody has just asked for it and is reading the card.
SELECT id, user_id, urgent_at, due_at FROM (
    SELECT a.id AS id, a.user_id AS user_id,
           (SELECT MIN(at) FROM (
                SELECT MIN(c.due_at) AS at FROM cancellations c
                WHERE c.account_id = a.id AND c.ended_at IS NULL AND c.looks = 0
                UNION ALL
                SELECT MIN(r.began_at) FROM requests r
                WHERE r.account_id = a.id AND r.waiting > 0 AND r.began_at IS NOT NULL)) AS urgent_at,
           (SELECT MIN(at) FROM (
                SELECT MIN(c.due_at) AS at FROM cancellations c WHERE c.account_id = a.id AND c.due_at IS NOT NULL
                UNION ALL
                SELECT MIN(r.began_at) FROM requests r
                WHERE r.account_id = a.id AND r.waiting > 0 AND r.began_at IS NOT NULL)) AS due_at
    FROM accounts a WHERE a.state = 'active'
) AS waiting
WHERE due_at IS NOT NULL ORDER BY due_at;

-- name: sealed_keys()
SELECT id, user_id, key_sealed AS sealed FROM accounts WHERE key_sealed IS NOT NULL;

-- name: reseal_key(sealed, id)*!
UPDATE accounts SET key_sealed = :sealed WHERE id = :id;
