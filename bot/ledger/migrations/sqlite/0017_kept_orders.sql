-- What a user named while no key could be used: asked about once one is connected. For a day, and at most one of a user.
CREATE TABLE kept_orders (
    user_id     INTEGER PRIMARY KEY,
    action      TEXT NOT NULL CHECK (action IN ('cancel', 'status', 'refill')),
    key_name    TEXT NOT NULL,     -- the key that they are for, which was paused; empty: whichever is connected
    orders      TEXT NOT NULL,     -- JSON
    created_at  INTEGER NOT NULL
);
CREATE INDEX kept_orders_by_age ON kept_orders (created_at);

-- Questions that nobody answered in time keep their orders for a day, to be asked again.
CREATE INDEX requests_lapsed ON requests (created_at) WHERE state = 'lapsed' AND waiting > 0;
CREATE INDEX requests_lapsed_by_user ON requests (user_id, id) WHERE state = 'lapsed' AND waiting > 0;
