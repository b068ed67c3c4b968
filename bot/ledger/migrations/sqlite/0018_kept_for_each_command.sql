-- What was named for one command takes the place of nothing that was named for another, or for another key.
CREATE TABLE kept (
    user_id     INTEGER NOT NULL,
    action      TEXT NOT NULL CHECK (action IN ('cancel', 'status', 'refill')),
    key_name    TEXT NOT NULL,     -- the key that they are for, which was paused; empty: whichever is connected
    orders      TEXT NOT NULL,     -- JSON
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (user_id, action, key_name)
);
INSERT INTO kept (user_id, action, key_name, orders, created_at)
SELECT user_id, action, key_name, orders, created_at FROM kept_orders;
DROP TABLE kept_orders;
ALTER TABLE kept RENAME TO kept_orders;
CREATE INDEX kept_orders_by_age ON kept_orders (created_at);
