-- Of a long list that its user has stopped, what was not sent is kept as a number: its orders cost nothing then.
ALTER TABLE requests ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
