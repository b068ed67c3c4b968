-- Users who have everything about them erased, as long as there is something left: it goes a little at a time. All that
-- is left of one is hidden from everybody, and no key of theirs is stored meanwhile.
CREATE TABLE erasures (
    user_id   BIGINT PRIMARY KEY,
    asked_at  BIGINT NOT NULL
);
