-- A webhook call proves nothing and only makes a status check due, so its signature is no longer checked.
ALTER TABLE webhooks DROP COLUMN secret_sealed;
ALTER TABLE webhooks DROP COLUMN believed_at;
