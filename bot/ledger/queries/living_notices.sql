-- name: begin_living(user_id, request_id, nonce, now, due_at)!
INSERT INTO notices (user_id, request_id, nonce, state, created_at, due_at, awaits_end)
VALUES (:user_id, :request_id, :nonce, 'gathering', :now, :due_at, 1);

-- name: newest_living(request_id)^
SELECT * FROM notices WHERE request_id = :request_id AND reply_to IS NULL ORDER BY id DESC LIMIT 1;

-- name: is_going_on(request_id)$
SELECT 1 FROM going_on g WHERE g.id = :request_id;

-- name: pushes(request_id)^
-- What has made a phone ring about a request, or may just be doing so.
SELECT COUNT(*) AS count, MAX(COALESCE(sent_at, first_attempt_at)) AS last_at FROM notices
WHERE request_id = :request_id AND (state = 'sending' OR message_id IS NOT NULL);

-- name: last_line(notice_id)$
SELECT COALESCE(MAX(id), 0) FROM notice_items WHERE notice_id = :notice_id;

-- name: ends_after(notice_id, after)
-- How orders ended of which a notice has lines behind that one.
SELECT DISTINCT c.state FROM notice_items i JOIN cancellations c ON c.id = i.cancellation_id
WHERE i.notice_id = :notice_id AND i.id > :after AND i.kind = 'ended';

-- name: push_by(due_at, id)!
UPDATE notices SET due_at = :due_at WHERE id = :id AND state = 'gathering' AND due_at > :due_at;

-- name: gather_reply(user_id, request_id, reply_to, nonce, now, due_at)!
INSERT INTO notices (user_id, request_id, reply_to, nonce, state, created_at, due_at)
VALUES (:user_id, :request_id, :reply_to, :nonce, 'gathering', :now, :due_at)
ON CONFLICT (request_id) WHERE state = 'gathering' AND reply_to IS NOT NULL
DO UPDATE SET due_at = CASE WHEN notices.due_at < excluded.due_at THEN notices.due_at ELSE excluded.due_at END;

-- name: gathering_reply(request_id)$
SELECT id FROM notices WHERE request_id = :request_id AND state = 'gathering' AND reply_to IS NOT NULL;

-- name: reply_becomes_living(id)!
UPDATE notices SET reply_to = NULL WHERE id = :id;

-- name: awaits_end_too(id, other)!
UPDATE notices SET awaits_end = COALESCE((SELECT awaits_end FROM notices WHERE id = :other), 0) WHERE id = :id;

-- name: close_reply(refusal, id)!
UPDATE notices SET state = 'delivered', due_at = NULL, refusal = :refusal
WHERE id = :id AND state = 'sending' AND reply_to IS NOT NULL;

-- name: drop_reply(id)!
DELETE FROM notices WHERE id = :id AND reply_to IS NOT NULL;

-- name: lines_behind(notice_id, after)
SELECT kind, cancellation_id FROM notice_items WHERE notice_id = :notice_id AND id > :after AND cancellation_id IS NOT NULL ORDER BY id;

-- name: drop_lines(notice_id, after)!
DELETE FROM notice_items WHERE notice_id = :notice_id AND id > :after AND cancellation_id IS NOT NULL;

-- name: add_lines(notice_id, kind, cancellation_id)*!
INSERT INTO notice_items (notice_id, kind, cancellation_id) VALUES (:notice_id, :kind, :cancellation_id);

-- name: requests_at_their_end(account_id)
SELECT DISTINCT n.request_id FROM accounts a CROSS JOIN notices n
WHERE a.id = :account_id AND n.user_id = a.user_id AND n.awaits_end = 1
  AND NOT EXISTS (SELECT 1 FROM going_on g WHERE g.id = n.request_id);

-- name: end_is_told(request_id)!
UPDATE notices SET awaits_end = 0 WHERE request_id = :request_id;

-- name: edit_by(edit_at, id)!
-- The pause after a failure stays; a millisecond more tells whoever is just editing it that something has changed.
UPDATE notices SET edit_at = CASE WHEN edit_at < :edit_at THEN edit_at WHEN edit_failures > 0 AND edit_at IS NOT NULL THEN edit_at + 1
    ELSE CAST(:edit_at AS BIGINT) END
WHERE id = :id AND state IN ('sending', 'delivered');

-- name: edits_due(now, most)
SELECT * FROM notices WHERE edit_at <= :now AND state = 'delivered' AND channel_id IS NOT NULL ORDER BY edit_at, id LIMIT CAST(:most AS BIGINT);

-- name: next_edit_due()$
SELECT MIN(edit_at) FROM notices WHERE edit_at IS NOT NULL AND state = 'delivered' AND channel_id IS NOT NULL;

-- name: begin_edit(again_at, now, id)!
UPDATE notices SET edit_at = :again_at, tried_item = COALESCE((SELECT MAX(i.id) FROM notice_items i WHERE i.notice_id = notices.id), tried_item)
WHERE id = :id AND edit_at <= :now AND state = 'delivered' AND channel_id IS NOT NULL;

-- name: edited(shown_item, now, held_until, next_at, id)!
-- What has become due while it was being edited stays due. Where another process has edited it meanwhile, or is at it, nobody
-- knows whose edit Discord took last: it is edited once more.
UPDATE notices SET shown_item = :shown_item, edited_at = :now, edit_failures = 0, edit_at = CASE
    WHEN EXISTS (SELECT 1 FROM notice_items i WHERE i.notice_id = notices.id AND i.id > :shown_item) THEN
        CASE WHEN edit_at < :next_at THEN edit_at ELSE CAST(:next_at AS BIGINT) END
    WHEN edit_at IS NULL AND channel_id IS NOT NULL AND user_id NOT IN (SELECT user_id FROM erasures) THEN CAST(:next_at AS BIGINT)
    WHEN edit_at <> :held_until THEN edit_at + 1 END
WHERE id = :id;

-- name: edit_failed(again_at, tried_item, may_have_acted, id)!
UPDATE notices SET edit_at = :again_at, tried_item = :tried_item, edit_failures = edit_failures + 1
WHERE id = :id AND (edit_at IS NOT NULL OR :may_have_acted = 1 AND channel_id IS NOT NULL);

-- name: cannot_be_edited(id)!
UPDATE notices SET channel_id = NULL, edit_at = NULL WHERE id = :id;

-- name: give_up_edits(id)!
-- It is tried once more where a newer message takes its place, to say so.
UPDATE notices SET edit_at = NULL, edit_failures = edit_failures + 1 WHERE id = :id;

-- name: newer_living(id, request_id)^
-- The living messages of a request that are newer than this one and no longer to come, and how many of them were sent.
SELECT COUNT(*) AS count, COUNT(message_id) AS sent FROM notices
WHERE request_id = :request_id AND reply_to IS NULL AND id > :id AND state IN ('delivered', 'kept');

-- name: edit_older(id, edit_at)!
-- The last message before a living one; the pause after a failure stays, as in edit_by, but for one that was given up.
UPDATE notices SET edit_at = CASE WHEN edit_at < :edit_at THEN edit_at WHEN edit_failures > 0 AND edit_at IS NOT NULL THEN edit_at + 1
    ELSE CAST(:edit_at AS BIGINT) END
WHERE state = 'delivered' AND channel_id IS NOT NULL AND id = (
    SELECT MAX(o.id) FROM notices n JOIN notices o ON o.request_id = n.request_id
    WHERE n.id = :id AND n.reply_to IS NULL AND o.id < n.id AND o.reply_to IS NULL AND o.message_id IS NOT NULL);

-- name: follows_another(id, request_id)$
-- Whether a message about the request has been sent before.
SELECT 1 FROM notices WHERE request_id = :request_id AND id <> :id AND message_id IS NOT NULL LIMIT 1;

-- name: pull_in_edits(now, latest)!
UPDATE notices SET edit_at = :now WHERE edit_at > :latest;
