-- A cancel whose effect is not known is sent again only after status checks that show the order running.
ALTER TABLE cancellations ADD COLUMN running_checks INTEGER NOT NULL DEFAULT 0;  -- since the last cancel call, while unknown
ALTER TABLE cancellations ADD COLUMN resend_at INTEGER;  -- not before then; NULL: as the schedule has it

-- One order that the panel fails at no longer delays what users are told about the others.
ALTER TABLE cancellations ADD COLUMN failed_checks INTEGER NOT NULL DEFAULT 0;  -- in a row, that said nothing of it
DROP VIEW first_passes;
CREATE VIEW first_passes AS
SELECT r.id, r.account_id, r.began_at FROM requests r
WHERE r.began_at IS NOT NULL AND (r.waiting > 0 OR EXISTS (
    SELECT 1 FROM cancellations c
    WHERE c.request_id = r.id AND c.state IN ('requested', 'sending', 'accepted') AND c.looks = 0 AND c.failed_checks < 3
));
