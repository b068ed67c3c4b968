"""A ledger in a PostgreSQL database, which several processes may share. All but the address needs the extra asyncpg."""
