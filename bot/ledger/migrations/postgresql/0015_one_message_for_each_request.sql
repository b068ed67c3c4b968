-- The default: one message for each request, which is edited as more of its orders end.
ALTER TABLE preferences DROP CONSTRAINT preferences_timing_check;
ALTER TABLE preferences ADD CONSTRAINT preferences_notify_when_check CHECK (notify_when IN ('request', 'each', 'finished'));

-- A notice with a request is its living message, or a reply to that; all others gather what there is for a user.
ALTER TABLE notices ADD COLUMN request_id BIGINT;
ALTER TABLE notices ADD COLUMN reply_to BIGINT;       -- the living message that it answers; it has no lines of its own
ALTER TABLE notices ADD COLUMN channel_id BIGINT;     -- where the message can be edited; NULL: it cannot
ALTER TABLE notices ADD COLUMN message_id BIGINT;     -- NULL: no message, or one sent before this was noted
ALTER TABLE notices ADD COLUMN sent_at BIGINT;
ALTER TABLE notices ADD COLUMN tried_item BIGINT;     -- the last line that the message may show
ALTER TABLE notices ADD COLUMN shown_item BIGINT;     -- the last line that it is known to show
ALTER TABLE notices ADD COLUMN edit_at BIGINT;        -- the message is behind and is to be edited then
ALTER TABLE notices ADD COLUMN edited_at BIGINT;
ALTER TABLE notices ADD COLUMN edit_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notices ADD COLUMN awaits_end INTEGER NOT NULL DEFAULT 0;  -- 1: the end of its request is in no message yet
DROP INDEX notices_gathering;
CREATE UNIQUE INDEX notices_gathering ON notices (user_id) WHERE state = 'gathering' AND request_id IS NULL;
CREATE UNIQUE INDEX notices_gathering_of_request ON notices (request_id)
    WHERE state = 'gathering' AND request_id IS NOT NULL AND reply_to IS NULL;
CREATE UNIQUE INDEX notices_gathering_reply ON notices (request_id) WHERE state = 'gathering' AND reply_to IS NOT NULL;
CREATE INDEX notices_by_request ON notices (request_id, id) WHERE request_id IS NOT NULL;
CREATE INDEX notices_by_edit ON notices (edit_at) WHERE edit_at IS NOT NULL;
CREATE INDEX notices_awaiting_end ON notices (user_id) WHERE awaits_end = 1;

-- Lines are told from each other by their numbers; PostgreSQL gives none twice.
DROP INDEX notice_items_by_notice;
CREATE INDEX notice_items_by_notice ON notice_items (notice_id, id);
