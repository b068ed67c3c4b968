-- Which accounts, of whichever users, hold the same key: an order is cancelled once for all of them, and their calls are counted
-- together. It is made with the encryption key, so that nobody without that can tell one API key from another.
ALTER TABLE accounts ADD COLUMN key_fingerprint BYTEA;
CREATE INDEX accounts_by_key ON accounts (key_fingerprint) WHERE key_fingerprint IS NOT NULL;

-- Open orders as another account with the same key sees them: those of its own with that key, sent or perhaps sent.
CREATE VIEW same_key AS
SELECT c.id, o.id AS other, o.state, o.doubts, o.sent_at
FROM cancellations c JOIN accounts a ON a.id = c.account_id
JOIN accounts b ON b.key_fingerprint = a.key_fingerprint AND b.id <> a.id
JOIN cancellations o ON o.user_id = b.user_id AND o.order_id = c.order_id AND o.account_id = b.id AND o.ended_at IS NULL
WHERE o.other_key = 0 AND (o.state <> 'requested' OR o.doubts > 0);
