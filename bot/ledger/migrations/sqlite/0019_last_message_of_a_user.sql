-- The last message of a user is found without reading all of theirs.
DROP INDEX notices_by_user;
CREATE INDEX notices_by_user ON notices (user_id, id);
