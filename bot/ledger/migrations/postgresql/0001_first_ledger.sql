-- The same ledger in PostgreSQL: what ../sqlite says of tables and columns holds here too.
-- Texts that are compared or sorted are so byte for byte, as in SQLite, whatever the database's own collation is.

-- The processes that share this ledger. One that has not been seen for fifteen seconds counts as dead; it is the
-- database's clock that tells, since no two machines' agree. SQLite has one process only, and none of this.
CREATE TABLE processes (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seen_at  BIGINT NOT NULL
);
CREATE FUNCTION now_here() RETURNS BIGINT LANGUAGE sql
    AS 'SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)';
CREATE VIEW living AS SELECT id FROM processes WHERE seen_at > now_here() - 15000;

-- An account is one key of one user, under the name that the user has given it.
CREATE TABLE accounts (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id         BIGINT NOT NULL,
    name            TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 32),
    folded          TEXT COLLATE "C" NOT NULL,   -- the name without the difference of capitals
    is_default      INTEGER NOT NULL DEFAULT 0,  -- 1: takes what names no key
    key_sealed      BYTEA,
    state           TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'rejected', 'suspended', 'removed')),
    trouble         TEXT,
    created_at      BIGINT NOT NULL,
    changed_at      BIGINT NOT NULL,
    looks_asked_at  BIGINT,  -- its user last had all that is open looked at
    held_by         BIGINT,  -- the process that works on it, as long as that lives; no foreign key: it may be long gone
    CHECK ((state = 'removed') = (key_sealed IS NULL)),
    CHECK (is_default = 0 OR state <> 'removed')
);
CREATE UNIQUE INDEX accounts_by_name ON accounts (user_id, folded);
CREATE UNIQUE INDEX accounts_default ON accounts (user_id) WHERE is_default = 1;
CREATE INDEX accounts_held ON accounts (held_by) WHERE held_by IS NOT NULL;
CREATE VIEW leases AS SELECT a.id AS account_id, a.held_by AS process FROM accounts a JOIN living l ON l.id = a.held_by;

-- What a user has chosen at /settings; all is as it comes for whoever has no row.
CREATE TABLE preferences (
    user_id   BIGINT PRIMARY KEY,
    news      TEXT COLLATE "C" NOT NULL CHECK (news IN ('direct', 'channel', 'off')),
    timing    TEXT COLLATE "C" NOT NULL CHECK (timing IN ('each', 'finished')),
    language  TEXT,              -- NULL: as their Discord client says
    silent    INTEGER NOT NULL   -- messages come without a push notification
);

CREATE TABLE requests (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id     BIGINT NOT NULL REFERENCES accounts (id),
    user_id        BIGINT NOT NULL,
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('asking', 'going', 'kept', 'lapsed')),
    orders         INTEGER NOT NULL,  -- how many it names
    waiting        INTEGER NOT NULL,  -- of these the last so many have not been taken up
    ignored        TEXT NOT NULL,     -- JSON: shortened words that were no order IDs
    repeats        INTEGER NOT NULL,
    preview        TEXT,              -- JSON: what the panel said of the first orders; only while it asks
    channel_id     BIGINT NOT NULL,
    guild_id       BIGINT,
    message_id     BIGINT,            -- the card; edited by token, or by the bot itself where there is none
    token_sealed   BYTEA,
    card_until     BIGINT NOT NULL,   -- the card can be edited until then; 0: no longer
    card_due_at    BIGINT,            -- the card is behind the ledger and is to be edited then
    card_failures  INTEGER NOT NULL DEFAULT 0,
    revision       INTEGER NOT NULL DEFAULT 0,
    language       TEXT,              -- what its user's Discord client spoke; NULL: not known
    created_at     BIGINT NOT NULL,
    began_at       BIGINT,            -- confirmed, or asked for where no question was needed
    CHECK ((state = 'going') = (began_at IS NOT NULL))
);
CREATE INDEX requests_by_card_due ON requests (card_due_at) WHERE card_due_at IS NOT NULL;
CREATE INDEX requests_asking ON requests (created_at) WHERE state = 'asking';
CREATE INDEX requests_asking_by_user ON requests (user_id, created_at) WHERE state = 'asking';
CREATE INDEX requests_by_user ON requests (user_id, id);
CREATE INDEX requests_by_account ON requests (account_id, id);
CREATE INDEX requests_begun ON requests (account_id, began_at) WHERE began_at IS NOT NULL;
CREATE INDEX requests_to_send ON requests (account_id, waiting, began_at) WHERE waiting > 0 AND began_at IS NOT NULL;
CREATE INDEX requests_with_token ON requests (card_until) WHERE token_sealed IS NOT NULL;

CREATE TABLE cancellations (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id    BIGINT NOT NULL REFERENCES requests (id),
    account_id    BIGINT NOT NULL REFERENCES accounts (id),
    order_id      TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C" NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,  -- cancel calls begun
    doubts        INTEGER NOT NULL DEFAULT 0,  -- of these, calls whose effect is not known
    looks         INTEGER NOT NULL DEFAULT 0,  -- status calls answered
    words         TEXT,                        -- the panel's refusal, word for word
    status_word   TEXT,                        -- the last status, as the panel writes it
    remains       TEXT,
    charge_first  TEXT,
    charge_last   TEXT,
    currency      TEXT,
    created_at    BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,
    sent_at       BIGINT,                      -- the last cancel call began
    looked_at     BIGINT,                      -- the last status call answered
    queued_at     BIGINT,
    ended_at      BIGINT,
    told_at       BIGINT,
    overdue_at    BIGINT,                      -- told that it is open past 72 h
    due_at        BIGINT,                      -- act then; NULL once ended
    other_key     INTEGER NOT NULL DEFAULT 0,  -- the key was replaced since: perhaps of another account
    CHECK ((ended_at IS NULL) = (state IN ('requested', 'sending', 'accepted', 'queued', 'unknown'))),
    CHECK ((due_at IS NULL) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX cancellations_one_open ON cancellations (account_id, order_id) WHERE ended_at IS NULL;
CREATE INDEX cancellations_by_order ON cancellations (account_id, order_id, id);
CREATE INDEX cancellations_by_due ON cancellations (account_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX cancellations_ended ON cancellations (ended_at) WHERE queued_at IS NOT NULL AND ended_at IS NOT NULL;
CREATE INDEX cancellations_history ON cancellations (account_id, ended_at, state) WHERE ended_at IS NOT NULL;
CREATE INDEX cancellations_urgent ON cancellations (account_id, due_at) WHERE ended_at IS NULL AND looks = 0;
CREATE INDEX cancellations_by_request ON cancellations (request_id, state, doubts DESC);
CREATE INDEX cancellations_to_send ON cancellations (account_id, due_at) WHERE state = 'requested';
CREATE INDEX cancellations_in_flight ON cancellations (id) WHERE state = 'sending';
CREATE INDEX cancellations_open_by_age ON cancellations (created_at) WHERE ended_at IS NULL;
CREATE INDEX cancellations_queued ON cancellations (created_at) WHERE state = 'queued';
CREATE INDEX cancellations_unknown ON cancellations (created_at) WHERE state = 'unknown';
CREATE INDEX cancellations_untold ON cancellations (account_id, request_id, ended_at)
    WHERE ended_at IS NOT NULL AND told_at IS NULL;

-- What a request names, in its order. An order is taken up when its turn comes to be sent: it then has a cancellation,
-- its own or an earlier one that it joins.
CREATE TABLE request_orders (
    request_id       BIGINT NOT NULL REFERENCES requests (id),
    position         INTEGER NOT NULL,
    order_id         TEXT COLLATE "C",
    cancellation_id  BIGINT REFERENCES cancellations (id),
    joined           INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (request_id, position),
    CHECK ((order_id IS NULL) = (cancellation_id IS NOT NULL))
);
CREATE INDEX request_orders_by_cancellation ON request_orders (cancellation_id) WHERE cancellation_id IS NOT NULL;
CREATE INDEX request_orders_joined ON request_orders (joined, request_id, cancellation_id) WHERE joined = 1;

-- Every step ever taken, written by the database itself so that no code can forget it.
CREATE TABLE transitions (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cancellation_id  BIGINT NOT NULL REFERENCES cancellations (id),
    from_state       TEXT,
    to_state         TEXT NOT NULL,
    at               BIGINT NOT NULL
);
CREATE INDEX transitions_by_cancellation ON transitions (cancellation_id);
CREATE FUNCTION record_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transitions (cancellation_id, from_state, to_state, at)
    VALUES (NEW.id, CASE TG_OP WHEN 'UPDATE' THEN OLD.state END, NEW.state, NEW.changed_at);
    RETURN NULL;
END $$;
CREATE TRIGGER cancellations_begin AFTER INSERT ON cancellations FOR EACH ROW EXECUTE FUNCTION record_step();
CREATE TRIGGER cancellations_step AFTER UPDATE OF state ON cancellations FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION record_step();

-- The outbox: one row is one direct message to one user, its nonce fixed before the first attempt.
CREATE TABLE notices (
    id                BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id           BIGINT NOT NULL,
    nonce             TEXT COLLATE "C" NOT NULL UNIQUE,
    state             TEXT COLLATE "C" NOT NULL CHECK (state IN ('gathering', 'sending', 'delivered', 'kept')),
    attempts          INTEGER NOT NULL DEFAULT 0,
    created_at        BIGINT NOT NULL,
    due_at            BIGINT,         -- send then; NULL once delivered or kept
    first_attempt_at  BIGINT,
    delivered_at      BIGINT,
    pointed_at        BIGINT,         -- a hint without details went to the channel of the last command
    message_id        BIGINT,
    refusal           TEXT
);
CREATE UNIQUE INDEX notices_gathering ON notices (user_id) WHERE state = 'gathering';
CREATE INDEX notices_by_user ON notices (user_id);
CREATE INDEX notices_by_due ON notices (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notices_waiting ON notices (user_id, id) WHERE due_at IS NOT NULL;
CREATE INDEX notices_kept ON notices (user_id) WHERE state = 'kept';

CREATE TABLE notice_items (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id        BIGINT NOT NULL REFERENCES notices (id),
    kind             TEXT COLLATE "C" NOT NULL CHECK (kind IN ('ended', 'overdue', 'rejected', 'suspended')),
    cancellation_id  BIGINT REFERENCES cancellations (id),
    account_id       BIGINT REFERENCES accounts (id),  -- whose key is needed again
    CHECK ((cancellation_id IS NULL) = (kind IN ('rejected', 'suspended'))),
    CHECK ((account_id IS NULL) <> (cancellation_id IS NULL))
);
CREATE INDEX notice_items_by_notice ON notice_items (notice_id);
CREATE INDEX notice_items_by_account ON notice_items (account_id) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX notice_items_once ON notice_items (cancellation_id, kind) WHERE cancellation_id IS NOT NULL;

-- Ended, told nowhere, and in no notice yet; `late_by`: how long after its user asked. One that was queued is always late.
CREATE VIEW untold AS
SELECT c.id, c.account_id, c.request_id,
       CASE WHEN c.queued_at IS NOT NULL THEN 1125899906842624 ELSE c.ended_at - c.created_at END AS late_by
FROM cancellations c
WHERE c.ended_at IS NOT NULL AND c.told_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM notice_items i WHERE i.cancellation_id = c.id AND i.kind = 'ended');

-- Requests of which some orders have not been sent, or not been looked at once.
CREATE VIEW first_passes AS
SELECT r.id, r.account_id, r.began_at FROM requests r
WHERE r.began_at IS NOT NULL AND (r.waiting > 0 OR EXISTS (
    SELECT 1 FROM cancellations c
    WHERE c.request_id = r.id AND c.state IN ('requested', 'sending', 'accepted') AND c.looks = 0
));

-- Where a user has the panel call when an order changes. Of the address only a hash is kept: it is a secret.
CREATE TABLE webhooks (
    user_id        BIGINT PRIMARY KEY,
    address_hash   BYTEA NOT NULL,
    secret_sealed  BYTEA,             -- the panel signs with it, where that is known
    created_at     BIGINT NOT NULL,
    arrived_at     BIGINT,            -- a call last came
    believed_at    BIGINT             -- one last came that was not forged, as far as that can be told
);
CREATE UNIQUE INDEX webhooks_by_address ON webhooks (address_hash);

-- Requests that their user wants to hear of at their end, while some of their orders, own or joined, have not ended.
CREATE VIEW held AS
SELECT r.id, r.account_id, r.began_at FROM accounts a CROSS JOIN preferences p CROSS JOIN requests r
WHERE p.user_id = a.user_id AND p.timing = 'finished' AND r.account_id = a.id
  AND r.began_at IS NOT NULL AND (r.waiting > 0 OR EXISTS (
    SELECT 1 FROM cancellations c
    WHERE c.request_id = r.id AND c.state IN ('requested', 'sending', 'accepted', 'queued', 'unknown')
) OR EXISTS (
    SELECT 1 FROM request_orders ro JOIN cancellations c ON c.id = ro.cancellation_id
    WHERE ro.joined = 1 AND ro.request_id = r.id AND c.ended_at IS NULL
));

-- Accounts for which a process can do something, now or later; for one that is paused or removed it cannot.
CREATE VIEW busy AS
SELECT a.id FROM accounts a WHERE a.state = 'active' AND (
    EXISTS (SELECT 1 FROM cancellations c WHERE c.account_id = a.id AND c.due_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM requests r WHERE r.account_id = a.id AND r.waiting > 0 AND r.began_at IS NOT NULL)
);

-- Small facts about this installation, such as which command tree Discord was last told.
CREATE TABLE facts (
    name   TEXT COLLATE "C" PRIMARY KEY,
    value  TEXT NOT NULL
);
