-- A webhook call proves nothing and only makes a status check due, so its signature is no longer checked.
-- A dropped column keeps its values in rows that are not written anew.
UPDATE webhooks SET secret_sealed = NULL;
ALTER TABLE webhooks DROP COLUMN secret_sealed;
ALTER TABLE webhooks DROP COLUMN believed_at;
