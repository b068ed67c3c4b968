-- name: gather(user_id, nonce, now, due_at)!
INSERT INTO notices (user_id, nonce, state, created_at, due_at)
VALUES (:user_id, :nonce, 'gathering', :now, :due_at)
ON CONFLICT (user_id) WHERE state = 'gathering' AND request_id IS NULL DO NOTHING;

-- name: gathering_notice(user_id)$
SELECT id FROM notices WHERE user_id = :user_id AND state = 'gathering' AND request_id IS NULL;

-- name: add_pause(notice_id, kind, account_id)!
INSERT INTO notice_items (notice_id, kind, account_id) VALUES (:notice_id, :kind, :account_id);

-- name: notices_due(now, tries, begun_by, most)
-- One at a time a user, oldest first: what comes later goes on gathering until then. What is to be sent later delays
-- nothing. Where the oldest is due and has long failed the next is tried right behind it, never before or without it: so
-- they keep their order when all is well again. `+id`: SQLite would go through all notices there are in their order, and
-- PostgreSQL through all of them without `IS NOT NULL`, as it would take a third to be due.
SELECT * FROM notices n WHERE due_at IS NOT NULL AND due_at <= :now AND NOT EXISTS (
    SELECT 1 FROM notices o WHERE o.user_id = n.user_id AND o.due_at IS NOT NULL AND o.id < n.id
      AND (o.state = 'sending' OR o.due_at <= :now)
      AND (o.due_at > :now OR o.attempts < :tries OR o.first_attempt_at > :begun_by OR EXISTS (
        SELECT 1 FROM notices p WHERE p.user_id = o.user_id AND p.due_at IS NOT NULL AND p.id < o.id
          AND (p.state = 'sending' OR p.due_at <= :now))))
ORDER BY +id LIMIT CAST(:most AS BIGINT);

-- name: next_notice_due()$
SELECT MIN(due_at) FROM notices n WHERE due_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM notices o WHERE o.user_id = n.user_id AND o.due_at IS NOT NULL AND o.id < n.id
                  AND (o.state = 'sending' OR o.due_at <= n.due_at));

-- name: pull_in_notices(now, latest)!
-- But for what is to be sent later on purpose: that about a request, up to a day.
UPDATE notices SET due_at = :now WHERE due_at > CASE WHEN request_id IS NULL OR state = 'sending' THEN 0 ELSE 86400000 END + CAST(:latest AS BIGINT);

-- name: notice(id)^
SELECT * FROM notices WHERE id = :id AND user_id NOT IN (SELECT user_id FROM erasures);

-- name: begin_sending(again_at, now, id)!
-- What it shows is settled now: whichever attempt arrives, it has the same lines.
UPDATE notices SET state = 'sending', attempts = attempts + 1, due_at = :again_at,
                   first_attempt_at = COALESCE(first_attempt_at, :now),
                   tried_item = COALESCE(tried_item, (SELECT MAX(i.id) FROM notice_items i WHERE i.notice_id = notices.id), 0)
WHERE id = :id AND state IN ('gathering', 'sending') AND due_at <= :now;

-- name: postpone_notice(again_at, refusal, id)!
UPDATE notices SET due_at = :again_at, refusal = :refusal
WHERE id = :id AND state IN ('gathering', 'sending');

-- name: set_undelivered(refusal, pinged_at, id)!
UPDATE notices SET state = 'kept', due_at = NULL, edit_at = NULL, refusal = :refusal, pinged_at = :pinged_at
WHERE id = :id AND state = 'sending';

-- name: notice_delivered(channel_id, message_id, sent_at, shown_item, id)!
-- One that was sent was refused no longer; one that is shown at a command was, and so was one that needs no sending any more.
UPDATE notices SET state = 'delivered', due_at = NULL, channel_id = :channel_id, message_id = :message_id, sent_at = :sent_at,
    shown_item = :shown_item,
    refusal = CASE WHEN state = 'kept' OR (refusal = 'CLOSED' AND CAST(:message_id AS BIGINT) IS NULL) THEN refusal END
WHERE id = :id;

-- name: pauses_of_notice(notice_id)
-- That a key is needed again is not worth a notification once there is one.
SELECT DISTINCT a.* FROM notice_items i JOIN accounts a ON a.id = i.account_id
WHERE i.notice_id = :notice_id AND i.kind = a.state ORDER BY a.id;

-- name: accounts_of_notice(notice_id)
SELECT a.* FROM notices n JOIN accounts a ON a.user_id = n.user_id WHERE n.id = :notice_id
ORDER BY a.is_default DESC, a.id;

-- name: last_line_of_message(notice_id)$
-- Once it is being sent, it shows no more than was settled then.
SELECT CASE WHEN n.state IN ('sending', 'delivered') AND n.tried_item IS NOT NULL THEN n.tried_item
       ELSE (SELECT COALESCE(MAX(i.id), 0) FROM notice_items i WHERE i.notice_id = n.id) END
FROM notices n WHERE n.id = :notice_id;

-- name: tally_of_notice(notice_id, last, kind)
-- What has ended since it was reported as overdue is reported by its own line.
SELECT c.state, c.ambiguous_attempts > 0 AS is_ambiguous, COUNT(*) AS count
FROM notice_items i JOIN cancellations c ON c.id = i.cancellation_id
WHERE i.notice_id = :notice_id AND i.id <= :last AND i.kind = :kind AND (i.kind = 'ended' OR c.ended_at IS NULL)
GROUP BY c.state, is_ambiguous;

-- name: first_of_notice(notice_id, last, kind, state, is_ambiguous, most)
SELECT c.* FROM notice_items i JOIN cancellations c ON c.id = i.cancellation_id
WHERE i.notice_id = :notice_id AND i.id <= :last AND i.kind = :kind AND c.state = CAST(:state AS TEXT) AND (c.ambiguous_attempts > 0) = :is_ambiguous
ORDER BY i.id LIMIT CAST(:most AS BIGINT);

-- name: page_of_notice(notice_id, after, most)
SELECT i.id AS cursor, NULL AS waiting, c.* FROM notice_items i JOIN cancellations c ON c.id = i.cancellation_id
WHERE i.notice_id = :notice_id AND i.id > :after ORDER BY i.id LIMIT CAST(:most AS BIGINT);

-- name: count_of_notice(notice_id)$
SELECT COUNT(*) FROM notice_items i JOIN cancellations c ON c.id = i.cancellation_id WHERE i.notice_id = :notice_id;

-- name: undelivered_notices(user_id)
SELECT * FROM notices WHERE user_id = :user_id AND state = 'kept' AND user_id NOT IN (SELECT user_id FROM erasures) ORDER BY id;

-- name: merge_undelivered(user_id)!
-- Into the newest, which nobody can be reading yet: one that is being shown loses lines, and so tells of none too many.
UPDATE notice_items SET notice_id = (SELECT MAX(id) FROM notices WHERE user_id = :user_id AND state = 'kept')
WHERE notice_id IN (SELECT id FROM notices WHERE user_id = :user_id AND state = 'kept');

-- name: date_merged(user_id)!
-- It is about several requests now, and no request's living message.
UPDATE notices SET request_id = NULL, awaits_end = 0,
    created_at = (SELECT MIN(created_at) FROM notices WHERE user_id = :user_id AND state = 'kept'),
    pinged_at = (SELECT MAX(pinged_at) FROM notices WHERE user_id = :user_id AND state = 'kept')
WHERE id = (SELECT MAX(id) FROM notices WHERE user_id = :user_id AND state = 'kept');

-- name: drop_merged(user_id)!
-- All but the newest, and the last by which it is known that DMs are refused.
DELETE FROM notices WHERE user_id = :user_id AND state = 'kept'
  AND id < (SELECT MAX(id) FROM notices WHERE user_id = :user_id AND state = 'kept')
  AND id <> COALESCE((
    SELECT MAX(id) FROM notices WHERE user_id = :user_id AND state = 'kept' AND refusal IN ('CLOSED', 'NO_ACCESS')), 0);

-- name: close_merged(user_id)!
UPDATE notices SET state = 'delivered', request_id = NULL, awaits_end = 0 WHERE user_id = :user_id AND state = 'kept'
  AND id < (SELECT MAX(id) FROM notices WHERE user_id = :user_id AND state = 'kept');

-- name: was_pinged(user_id)$
SELECT 1 FROM notices WHERE user_id = :user_id AND state = 'kept' AND pinged_at IS NOT NULL LIMIT 1;

-- name: unsaid_hello(user_id)$
-- A user's newest notice, where it is a hello: nothing is owed by it, and it says nothing of orders.
SELECT id FROM notices n WHERE id = (SELECT MAX(id) FROM notices WHERE user_id = :user_id)
  AND state = 'delivered' AND request_id IS NULL AND NOT EXISTS (SELECT 1 FROM notice_items i WHERE i.notice_id = n.id);

-- name: begin_hello(user_id, nonce, now)$
INSERT INTO notices (user_id, nonce, state, created_at) VALUES (:user_id, :nonce, 'delivered', :now) RETURNING id;

-- name: end_hello(message_id, refusal, now, id)!
UPDATE notices SET attempts = attempts + 1, first_attempt_at = COALESCE(first_attempt_at, :now), refusal = :refusal,
    message_id = :message_id
WHERE id = :id;

-- name: last_dm(user_id)^
-- How the last DM to a user went of which that is known: only a message proves that it arrived. What was kept for another
-- reason (as its user wishes, say) tells nothing, and a missing access nothing before it is believed.
-- The last by time: one that was begun before may be sent, or refused, after it.
SELECT message_id FROM (
    SELECT id, message_id, first_attempt_at FROM notices WHERE user_id = :user_id AND (
        message_id IS NOT NULL OR refusal = 'CLOSED' OR (refusal = 'NO_ACCESS' AND state IN ('delivered', 'kept')))
    ORDER BY id DESC LIMIT 20
) AS known
ORDER BY COALESCE(first_attempt_at, 0) DESC, id DESC LIMIT 1;

-- name: mark_notified(now, notice_id, last)!
-- Of many that a message shows only those are written that it did not show before.
UPDATE cancellations SET notified_at = :now
WHERE ended_at IS NOT NULL AND notified_at IS NULL AND id IN (
    SELECT cancellation_id FROM notice_items WHERE notice_id = :notice_id AND id <= :last AND kind = 'ended'
);
