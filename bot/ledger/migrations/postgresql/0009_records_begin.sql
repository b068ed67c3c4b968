-- When the last of those orders ended that have been deleted for their age or number: since then all are on record.
ALTER TABLE accounts ADD COLUMN pruned_until BIGINT;

-- Without the id, which a row is found by anyway: of all indexes this is the largest.
DROP INDEX cancellations_by_order;
CREATE INDEX cancellations_by_order ON cancellations (user_id, order_id);
