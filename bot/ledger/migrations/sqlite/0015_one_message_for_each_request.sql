-- The default: one message for each request, which is edited as more of its orders end. SQLite changes no CHECK.
CREATE TABLE chosen (
    user_id      INTEGER PRIMARY KEY,
    notify_via   TEXT NOT NULL CHECK (notify_via IN ('direct', 'channel', 'off')),
    notify_when  TEXT NOT NULL CHECK (notify_when IN ('request', 'each', 'finished')),
    language     TEXT,              -- NULL: as their Discord client says
    silent       INTEGER NOT NULL   -- messages come without a push notification
);
INSERT INTO chosen (user_id, notify_via, notify_when, language, silent)
SELECT user_id, notify_via, notify_when, language, silent FROM preferences;
DROP TABLE preferences;
ALTER TABLE chosen RENAME TO preferences;

-- A notice with a request is its living message, or a reply to that; all others gather what there is for a user.
ALTER TABLE notices ADD COLUMN request_id INTEGER;
ALTER TABLE notices ADD COLUMN reply_to INTEGER;       -- the living message that it answers; it has no lines of its own
ALTER TABLE notices ADD COLUMN channel_id INTEGER;     -- where the message can be edited; NULL: it cannot
ALTER TABLE notices ADD COLUMN message_id INTEGER;     -- NULL: no message, or one sent before this was noted
ALTER TABLE notices ADD COLUMN sent_at INTEGER;
ALTER TABLE notices ADD COLUMN tried_item INTEGER;     -- the last line that the message may show
ALTER TABLE notices ADD COLUMN shown_item INTEGER;     -- the last line that it is known to show
ALTER TABLE notices ADD COLUMN edit_at INTEGER;        -- the message is behind and is to be edited then
ALTER TABLE notices ADD COLUMN edited_at INTEGER;
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

-- Lines are told from each other by their numbers, so that none may be given twice.
CREATE TABLE lines (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    notice_id        INTEGER NOT NULL REFERENCES notices (id),
    kind             TEXT NOT NULL CHECK (kind IN ('ended', 'overdue', 'rejected', 'suspended')),
    cancellation_id  INTEGER REFERENCES cancellations (id),
    account_id       INTEGER REFERENCES accounts (id),  -- whose key is needed again
    CHECK ((cancellation_id IS NULL) = (kind IN ('rejected', 'suspended'))),
    CHECK ((account_id IS NULL) <> (cancellation_id IS NULL))
);
INSERT INTO lines (id, notice_id, kind, cancellation_id, account_id)
SELECT id, notice_id, kind, cancellation_id, account_id FROM notice_items ORDER BY id;
DROP TABLE notice_items;
ALTER TABLE lines RENAME TO notice_items;
CREATE INDEX notice_items_by_notice ON notice_items (notice_id, id);
CREATE INDEX notice_items_by_account ON notice_items (account_id) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX notice_items_once ON notice_items (cancellation_id, kind) WHERE cancellation_id IS NOT NULL;
