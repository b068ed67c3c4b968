-- When the last of those orders ended that have been deleted for their age or number: since then all are on record.
ALTER TABLE accounts ADD COLUMN pruned_until BIGINT;
