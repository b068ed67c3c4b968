#!/bin/sh
# Copies a ledger in PostgreSQL to $BACKUP_FOLDER, and keeps the newest $BACKUP_KEEP copies. With "daily" it stays, and
# makes one as soon as the newest is 23 hours old. Which ledger: libpq's own variables (PGHOST, PGUSER, PGDATABASE, ...);
# its password: the file ledger_password among the secrets, for it must be in no list of processes.
set -eu
umask 077
folder=${BACKUP_FOLDER:-/backups}
keep=${BACKUP_KEEP:-14}
password=${CREDENTIALS_DIRECTORY:-/run/secrets}/ledger_password
digit='[0-9]'
day=$digit$digit$digit$digit$digit$digit$digit$digit
names="ledger-${day}T$digit$digit$digit$digit$digit${digit}Z.dump"

if [ "${1:-}" = daily ]; then
    trap 'kill $! 2>/dev/null || :; exit 0' TERM INT
    while :; do
        # Not one of the future, made while the clock was wrong: until then it would be the newest.
        if [ -z "$(find "$folder" -maxdepth 1 -name "$names" -mmin -1380 ! -mmin -0)" ]; then
            timeout -k 60 21600 sh "$0" & # it may hang; a failure is on stderr, and tried again
            wait $! || echo "no copy was made (exit code $?); it is tried again in 15 minutes" >&2
        fi
        sleep 900 &
        wait $!
    done
fi

[ "$keep" -ge 1 ] || { echo "BACKUP_KEEP must be a whole number, 1 or more; nothing was done" >&2; exit 2; }
[ -d "$folder" ] || { echo "$folder: there is no such folder; nothing was done" >&2; exit 1; }
copy=ledger-$(date -u +%Y%m%dT%H%M%SZ).dump
aside=$folder/.$copy.half
secret=$(mktemp)
trap 'rm -f "$aside" "$secret"' EXIT
trap 'exit 1' TERM INT HUP
rm -f "$folder"/.ledger-*.dump.half # of one that was killed

if [ -e "$password" ]; then
    printf '*:*:*:*:%s\n' "$(sed 's/[\\:]/\\&/g' "$password")" >"$secret"
    export PGPASSFILE="$secret"
fi
# Without indexes and with compression a copy is smaller than its database: where that has room the copy has.
size=$(psql --no-psqlrc --no-password --tuples-only --no-align --command 'SELECT pg_database_size(current_database()) / 1024')
free=$(df -Pk "$folder" | awk 'NR == 2 {print $4}')
if [ "$free" -lt "$size" ]; then
    echo "$folder: too little free space, $free KB for a database of $size KB; nothing was copied" >&2
    exit 1
fi
# Not for ever behind whoever has locked a table: milliseconds.
pg_dump --no-password --format=custom --file="$aside" --lock-wait-timeout=60000
pg_restore --file=/dev/null "$aside" # reads all of it
sync "$aside"
mv "$aside" "$folder/$copy"
sync "$folder"
echo "$folder/$copy: complete. It opens only with the encryption keys, which are not in it."

# shellcheck disable=SC2086 # a pattern, which the shell sorts: the oldest first
set -- "$folder"/$names
while [ $# -gt "$keep" ]; do
    if [ "$1" != "$folder/$copy" ]; then # whatever the clock said
        rm -f "$1"
        echo "$1: removed; the newest $keep stay"
    fi
    shift
done
