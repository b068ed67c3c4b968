-- name: accounts_of_user(user_id)
-- The default first, then in the order of their first keys. What is being erased is seen by nobody, here and below.
SELECT * FROM accounts WHERE user_id = :user_id AND user_id NOT IN (SELECT user_id FROM erasures)
ORDER BY is_default DESC, id;

-- name: default_account(user_id)^
SELECT * FROM accounts WHERE user_id = :user_id AND is_default = 1;

-- name: account(id)^
SELECT * FROM accounts WHERE id = :id AND user_id NOT IN (SELECT user_id FROM erasures);

-- name: place_account(user_id, name, folded, now)$
-- The one of that name, or a new one that has no key yet; the name is spelled as it was written last.
INSERT INTO accounts (user_id, name, folded, state, changed_at)
VALUES (:user_id, :name, :folded, 'removed', :now)
ON CONFLICT (user_id, folded) DO UPDATE SET name = excluded.name
RETURNING id;

-- name: save_key(key_sealed, key_fingerprint, now, id)!
-- A removed or rejected account wakes up with the new key; what waits in it goes on. The only key is the default.
UPDATE accounts SET key_sealed = :key_sealed, key_fingerprint = :key_fingerprint, key_stored_at = :now,
    key_version = CASE WHEN key_fingerprint = :key_fingerprint THEN key_version ELSE key_version + 1 END,
    state = 'active', trouble = NULL, changed_at = :now,
    is_default = CASE WHEN EXISTS (
        SELECT 1 FROM accounts o WHERE o.user_id = accounts.user_id AND o.is_default = 1
    ) THEN is_default ELSE 1 END
WHERE id = :id;

-- name: set_panel_account(panel_account, id)!
UPDATE accounts SET panel_account = :panel_account WHERE id = :id;

-- name: accounts_beside(id)
-- The other accounts of the same user.
SELECT o.id FROM accounts a JOIN accounts o ON o.user_id = a.user_id AND o.id <> a.id WHERE a.id = :id;

-- name: remove_key(now, id)!
UPDATE accounts SET key_sealed = NULL, key_fingerprint = NULL, state = 'removed', trouble = NULL, is_default = 0, changed_at = :now
WHERE id = :id;

-- name: choose_other_default(user_id)!
-- Where the default was removed: of the other keys the one that was connected first, one in use if there is any.
UPDATE accounts SET is_default = 1
WHERE id = (
    SELECT o.id FROM accounts o WHERE o.user_id = :user_id AND o.state <> 'removed'
    ORDER BY (CASE WHEN o.state = 'active' THEN 0 ELSE 1 END), o.id LIMIT 1
) AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.user_id = :user_id AND o.is_default = 1);

-- name: clear_default(user_id)!
UPDATE accounts SET is_default = 0 WHERE user_id = :user_id AND is_default = 1;

-- name: make_default(id)!
UPDATE accounts SET is_default = 1 WHERE id = :id AND state <> 'removed';

-- name: pause_account(state, now, id, key_sealed)!
-- Only the first rejection of this very key counts, so that one notice is written and a newer key survives.
UPDATE accounts SET state = :state, trouble = NULL, changed_at = :now
WHERE id = :id AND state = 'active' AND key_sealed = :key_sealed;

-- name: set_trouble(trouble, now, id)!
UPDATE accounts SET trouble = :trouble, changed_at = :now WHERE id = :id AND COALESCE(trouble, '') <> COALESCE(:trouble, '');

-- name: ask_for_checks(now, before, id)!
-- A time that lies ahead was written by another clock.
UPDATE accounts SET checks_asked_at = :now
WHERE id = :id AND (checks_asked_at IS NULL OR checks_asked_at <= :before OR checks_asked_at > :now);

-- name: watched_accounts()
SELECT id FROM accounts a WHERE state = 'active'
  AND EXISTS (SELECT 1 FROM cancellations c WHERE c.account_id = a.id AND c.due_at IS NOT NULL);

-- name: accounts_with_keys()
SELECT * FROM accounts WHERE key_sealed IS NOT NULL;

-- name: reseal_key(sealed, fingerprint, stored_at, id)*!
UPDATE accounts SET key_sealed = :sealed, key_fingerprint = :fingerprint, key_stored_at = :stored_at WHERE id = :id;

-- name: others_with_same_key(id)
-- Accounts of others with the same key.
SELECT o.id FROM accounts a JOIN accounts o ON o.key_fingerprint = a.key_fingerprint AND o.id <> a.id
WHERE a.id = :id LIMIT 1;
