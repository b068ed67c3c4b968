-- 1: not sent again by itself; while it is unknown it is only watched, until its user asks for one more try.
ALTER TABLE cancellations ADD COLUMN given_up INTEGER NOT NULL DEFAULT 0 CHECK (given_up IN (0, 1));
-- It was written down as five unclear calls, of which there may have been fewer.
UPDATE cancellations SET given_up = 1, ambiguous_attempts = CASE
    WHEN attempts BETWEEN 1 AND ambiguous_attempts THEN attempts ELSE ambiguous_attempts END
WHERE state = 'unknown' AND ambiguous_attempts >= 5;
DROP INDEX cancellations_by_request;
CREATE INDEX cancellations_by_request ON cancellations (request_id, state, given_up DESC, ambiguous_attempts DESC);

-- Grows when another key, by its fingerprint, takes the place of an account's key.
ALTER TABLE accounts ADD COLUMN key_version INTEGER NOT NULL DEFAULT 1;
-- Which version of its account's key an order was sent with, as far as it was sent; 0: with the key of another account, which
-- has handed it over.
ALTER TABLE cancellations ADD COLUMN key_version INTEGER NOT NULL DEFAULT 1;
UPDATE cancellations SET key_version = 0 WHERE other_key = 1;

-- What nothing reads, and the views that stood in the way of that: they are queries now (0012).
DROP VIEW joinable;
DROP VIEW same_key;
ALTER TABLE cancellations DROP COLUMN other_key;
ALTER TABLE cancellations DROP COLUMN attempts;
ALTER TABLE accounts DROP COLUMN created_at;
ALTER TABLE notices DROP COLUMN delivered_at;
ALTER TABLE notices DROP COLUMN message_id;
