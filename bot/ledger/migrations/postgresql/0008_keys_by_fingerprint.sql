-- Which accounts, of whichever users, hold the same key: an order is cancelled once for all of them, and their calls are counted
-- together. It is made with the encryption key, so that nobody without that can tell one API key from another.
ALTER TABLE accounts ADD COLUMN key_fingerprint BYTEA;
CREATE INDEX accounts_by_key ON accounts (key_fingerprint) WHERE key_fingerprint IS NOT NULL;

-- Open orders as another account with the same key sees them: those of its own with that key, sent or perhaps sent. The order of
-- the joins is fixed, since of neither account all orders may be gone through: `id` finds one.
CREATE VIEW same_key AS
SELECT c.id, o.id AS other, o.state, o.doubts, o.sent_at, b.state AS key_state
FROM cancellations c CROSS JOIN accounts a CROSS JOIN accounts b CROSS JOIN cancellations o
WHERE a.id = c.account_id AND b.key_fingerprint = a.key_fingerprint AND b.id <> a.id
  AND o.user_id = b.user_id AND o.order_id = c.order_id AND o.account_id = b.id AND o.ended_at IS NULL
  AND o.other_key = 0 AND (o.state <> 'requested' OR o.doubts > 0);
