-- name: standing()^
-- What the operator is shown. Each part reads an index that holds nothing else, however many rows there are; that is why
-- a column is counted instead of rows. What is open and in no state named here was accepted by the panel and not
-- checked yet.
SELECT
    (SELECT COALESCE(SUM(waiting), 0) FROM requests WHERE waiting > 0 AND began_at IS NOT NULL) AS waiting,
    (SELECT COUNT(created_at) FROM cancellations WHERE ended_at IS NULL) AS still_open,
    (SELECT COUNT(due_at) FROM cancellations WHERE state = 'requested') AS requested,
    (SELECT COUNT(sent_at) FROM cancellations WHERE state = 'sending') AS sending,
    (SELECT COUNT(created_at) FROM cancellations WHERE state = 'queued') AS queued,
    (SELECT COUNT(created_at) FROM cancellations WHERE state = 'unknown') AS unknown,
    (SELECT MIN(created_at) FROM cancellations WHERE state = 'queued') AS oldest_queued_at,
    (SELECT MIN(created_at) FROM cancellations WHERE state = 'unknown') AS oldest_unknown_at,
    (SELECT COUNT(*) FROM notices WHERE due_at IS NOT NULL) AS outbox,
    (SELECT created_at FROM notices WHERE id = (
        SELECT MIN(id) FROM notices WHERE due_at IS NOT NULL AND (state = 'sending' OR request_id IS NULL)
    )) AS oldest_notice_at,
    (SELECT COUNT(*) FROM notices WHERE state = 'kept') AS undelivered,
    (SELECT COUNT(*) FROM requests WHERE card_due_at IS NOT NULL) AS cards,
    (SELECT MIN(card_due_at) FROM requests WHERE card_due_at IS NOT NULL) AS oldest_card_at,
    (SELECT MIN((SELECT MIN(c.due_at) FROM cancellations c WHERE c.account_id = a.id AND c.due_at IS NOT NULL))
     FROM accounts a WHERE a.state = 'active') AS oldest_due_at;
