-- The words of docs/glossary.md: a status check, an ambiguous attempt, a user who is notified, the panel's own message.
ALTER TABLE accounts RENAME COLUMN looks_asked_at TO checks_asked_at;
ALTER TABLE cancellations RENAME COLUMN looks TO checks;
ALTER TABLE cancellations RENAME COLUMN looked_at TO checked_at;
ALTER TABLE cancellations RENAME COLUMN doubts TO ambiguous_attempts;
ALTER TABLE cancellations RENAME COLUMN words TO panel_message;
ALTER TABLE cancellations RENAME COLUMN told_at TO notified_at;
ALTER TABLE request_orders RENAME COLUMN joined TO linked;
ALTER TABLE notices RENAME COLUMN pointed_at TO pinged_at;
ALTER TABLE preferences RENAME COLUMN news TO notify_via;
ALTER TABLE preferences RENAME COLUMN timing TO notify_when;
ALTER VIEW same_key RENAME COLUMN doubts TO ambiguous_attempts;  -- SQLite does so by itself
