#!/bin/sh
# Run once by the image of PostgreSQL, when its volume is empty: a role that owns one database, and may do nothing else.
set -eu
export LEDGER_PASSWORD="${LEDGER_PASSWORD:-$(cat /run/secrets/ledger_password)}"
psql --username "${POSTGRES_USER:-postgres}" --dbname postgres --no-psqlrc --set ON_ERROR_STOP=1 <<'SQL'
\getenv password LEDGER_PASSWORD
CREATE ROLE notpanel LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE notpanel OWNER notpanel ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT, TEMPORARY ON DATABASE notpanel FROM PUBLIC;
\connect notpanel
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO notpanel;
SQL
