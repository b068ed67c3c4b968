-- What queries go by stands beside them (bot/ledger/queries/views.sql), so that it can change without a migration.
DROP VIEW untold;
DROP VIEW first_passes;
DROP VIEW held;
DROP VIEW heirs;
DROP VIEW leases;
