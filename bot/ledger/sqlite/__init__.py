"""A ledger in a SQLite file, worked on by one process."""
