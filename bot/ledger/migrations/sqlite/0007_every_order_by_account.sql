-- Of all orders, not of those alone that have ended: before an account is deleted the database looks whether any order is
-- still of it, and would go through all that there are.
DROP INDEX cancellations_history;
CREATE INDEX cancellations_history ON cancellations (account_id, ended_at, state);
