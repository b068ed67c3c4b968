"""What the doctor reads on this machine, in PostgreSQL and at an address; Discord and the panel: tests/wire."""

import os
import socket
import sqlite3
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.ledger import Ledger, LedgerUnreadable, ServerCheckup, check_up
from bot.ledger.schema import migrations
from bot.ops.doctor import installation
from bot.ops.doctor.finding import ATTENTION, FAILED, OK
from bot.ops.doctor.installation import check_address, check_files, check_keys
from bot.ops.doctor.ledger import LedgerServer, check_ledger, probe_file, probe_server
from bot.vault import KEY_FILE, Purpose, Vault
from tests.ledgers import Below, InPostgres
from tests.ops.test_doctor import states
from tests.panel.fakes import loopback
from tests.postgres import Postgres
from tests.sealed import seal_a_key, settings

NEWEST = migrations("sqlite")[-1][0]


@pytest.fixture
def sealed(tmp_path: Path) -> bytes:
    """A ledger with one stored key, and the key file it is sealed with."""
    return seal_a_key(tmp_path)


def test_a_ledger_is_read_and_left_as_it_is(tmp_path: Path, sealed: bytes) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    seen = probe_file(tmp_path / "ledger.sqlite3")
    assert seen.sealed == (sealed,)
    states(check_ledger(seen), OK, f"schema {NEWEST}")
    states(check_keys(settings(tmp_path), seen.sealed), OK, "opens all 1 stored")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    seen = probe_file(tmp_path / "data" / "ledger.sqlite3")
    states(check_ledger(seen), OK, "none yet")
    states(check_keys(settings(tmp_path / "data"), seen.sealed), OK, "none yet")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 300)  # as good as a folder that this user may not enter, and it holds for root too
    finding = check_ledger(probe_file(folder / "ledger.sqlite3"))
    states(finding, FAILED, "File name too long")
    hidden = f"can't be checked: {folder} {folder / KEY_FILE} {folder / 'ledger.sqlite3'}. Run"
    states(check_files(settings(folder)), ATTENTION, hidden)
    states(check_keys(settings(folder), None), FAILED, "File name too long")


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    states(check_ledger(probe_file(tmp_path / "data" / "ledger.sqlite3")), FAILED, "Not a directory")


def damaged(path: Path) -> Iterator[None]:
    """Yield once for each way in which a ledger was spoilt."""
    whole = path.read_bytes()
    for spoilt in (whole[:5_000], whole[:4096] + b"\xff" * 4096 + whole[8192:], b"my notes " * 500):
        path.write_bytes(spoilt)
        yield
        path.write_bytes(whole)


def test_a_damaged_ledger_is_told(tmp_path: Path, sealed: bytes) -> None:
    path = tmp_path / "ledger.sqlite3"
    for _ in damaged(path):
        seen = probe_file(path)
        assert check_ledger(seen).verdict is FAILED
        assert seen.sealed in (None, (sealed,))


def test_a_ledger_that_opens_and_is_not_whole_is_told(tmp_path: Path, sealed: bytes) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = sql || ' WHERE user_id > 7' WHERE name = 'accounts_by_name'")
    states(check_ledger(probe_file(path)), FAILED, "wrong # of entries in index accounts_by_name", "restore")


def test_a_ledger_that_vanishes_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnreadable):
        check_up(tmp_path / "ledger.sqlite3")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_of_another_release_is_told(tmp_path: Path, sealed: bytes) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO schema_version VALUES (9999, 'later')")
    states(check_ledger(probe_file(path)), FAILED, "newer release")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("CREATE TRIGGER send_more AFTER INSERT ON requests BEGIN DELETE FROM facts; END", "trigger send_more"),
        ("CREATE VIEW all_keys AS SELECT key_sealed FROM accounts", "view all_keys"),
        ("CREATE TABLE copied (key BLOB)", "table copied"),
        ("DROP INDEX accounts_by_key", "index accounts_by_key"),
    ],
)
def test_what_no_release_has_put_into_a_ledger_is_told(tmp_path: Path, sealed: bytes, change: str, name: str) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    states(check_ledger(probe_file(path)), ATTENTION, name)


def test_keys_that_are_lost_or_others_are_told(tmp_path: Path, sealed: bytes) -> None:
    (tmp_path / KEY_FILE).rename(tmp_path / "away")
    states(check_keys(settings(tmp_path), (sealed,)), FAILED, "is gone, and 1 API keys")
    other = settings(tmp_path, encryption_keys=SecretStr(b64encode(token_bytes(32)).decode()))
    states(check_keys(other, (sealed,)), FAILED, "1 of 1 API keys")
    (tmp_path / KEY_FILE).write_text("not a key, but private")
    finding = check_keys(settings(tmp_path), (sealed,))
    states(finding, FAILED, "unusable")
    assert "private" not in str(finding)


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes are meant")
def test_a_file_that_others_can_read_is_told_and_left(tmp_path: Path, sealed: bytes) -> None:
    keys, ledger = tmp_path / KEY_FILE, tmp_path / "ledger.sqlite3"
    lock = tmp_path / "ledger.sqlite3.lock"
    lock.touch(mode=0o600)
    tmp_path.chmod(0o700)
    states(check_files(settings(tmp_path)), OK, "4 checked, readable by their owner only")
    for path in (tmp_path, keys, ledger, lock):  # nothing is in the lock, but who reads it can hold it
        mode = path.stat().st_mode
        path.chmod(mode | 0o040)
        check_keys(settings(tmp_path), (sealed,))
        states(check_files(settings(tmp_path)), ATTENTION, f"can read or write {path}. chmod go= {path} —")
        path.chmod(mode)
    ledger.chmod(0o602)
    lock.chmod(0o620)
    states(check_files(settings(tmp_path)), ATTENTION, f"chmod go= {ledger} {lock} —")
    named = tmp_path / "led[ab].sqlite3"  # no pattern
    (lock := lock.rename(f"{named}.lock")).chmod(0o620)
    ledger.rename(named).chmod(0o600)
    states(check_files(settings(tmp_path, database_url=f"sqlite:///{named}")), ATTENTION, f"chmod go= {lock} —")


# A ledger in PostgreSQL


@pytest.fixture
def stored(tmp_path: Path, below: Below) -> bytes:
    """A ledger with one stored key, in PostgreSQL."""
    return seal_a_key(tmp_path, below)


@pytest.fixture
def base(postgres: Postgres) -> Generator[InPostgres]:
    """A database with nothing in it."""
    made = InPostgres(postgres, migrated=False)
    yield made
    made.drop()


@pytest.mark.postgresql
async def test_a_ledger_in_postgresql_is_looked_into_beside_its_bot(
    tmp_path: Path, below: Below, stored: bytes
) -> None:
    async with Ledger.open(below.database) as ledger:
        seen = await look(below)
        async with ledger.write() as tx:
            await tx.set_fact("noted", "undisturbed")
    assert isinstance(seen.found, ServerCheckup)
    says = f"PostgreSQL {seen.found.release}, schema {NEWEST}"
    states(check_ledger(seen), ATTENTION, "PostgreSQL database test_", says, "connects as a superuser")
    states(check_ledger(replace(seen, found=replace(seen.found, advice=()))), OK, says)
    states(check_keys(settings(tmp_path), seen.sealed), OK, "opens all 1 stored")
    (tmp_path / KEY_FILE).unlink()
    states(check_keys(settings(tmp_path), seen.sealed), FAILED, "is gone, and 1 API keys")


async def look(below: Below) -> LedgerServer:
    """Look into a database."""
    assert isinstance(below.database, SecretStr)
    return await probe_server(below.database)


async def test_nothing_is_made_in_an_empty_database(base: InPostgres) -> None:
    states(check_ledger(await look(base)), OK, "empty; the first start makes the tables")
    assert base.tables() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("CREATE TABLE orders (id INT)", "database of another program"),
        ("CREATE TABLE schema_version (release TEXT)", 'column "version" does not exist'),
        ("CREATE TABLE schema_version AS SELECT 9999 AS version", "newer release"),
        (f"CREATE TABLE schema_version AS SELECT {NEWEST} AS version", 'relation "accounts" does not exist'),
    ],
)
async def test_what_is_no_ledger_of_this_release_is_told(base: InPostgres, change: str, words: str) -> None:
    base.sql(change)
    seen = await look(base)
    states(check_ledger(seen), FAILED, words)
    assert seen.sealed is None


async def test_a_database_that_takes_only_reads_is_told(base: InPostgres) -> None:
    (name,) = base.sql("SELECT current_database()::text")[0]
    base.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    states(check_ledger(await look(base)), FAILED, "is read-only")


async def test_a_user_without_rights_is_told(base: InPostgres) -> None:
    base.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    base.sql("CREATE ROLE guest LOGIN")
    try:
        guest = SecretStr(base.url.replace("//bot@", "//guest:hunter2@"))
        states(check_ledger(await probe_server(guest)), FAILED, "can't create tables")
        base.sql(f"CREATE TABLE schema_version AS SELECT {NEWEST} AS version")
        finding = check_ledger(await probe_server(guest))
        states(finding, FAILED, "schema_version of bot")
        assert "hunter2" not in str(finding)
    finally:
        base.sql("DROP ROLE guest")


@pytest.mark.parametrize(
    "password", ["hunter2", "hunter2/x", "8/hunter2", "hunter2?x", "8#hunter2", "hun@ter2/hunter2"]
)
async def test_a_server_that_cannot_be_reached_is_told_without_the_password(password: str) -> None:
    finding = check_ledger(await probe_server(SecretStr(f"postgresql://bot:{password}@127.0.0.1:9/ledger")))
    states(finding, FAILED, "Check that it runs, and DATABASE_URL")
    assert "hunter2" not in str(finding)


async def test_a_server_that_says_nothing_is_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.ledger.postgresql.checkup._PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://bot:hunter2@127.0.0.1:{silent.getsockname()[1]}/ledger"
        finding = check_ledger(await probe_server(SecretStr(address)))
    states(finding, FAILED, "no answer in time", "Check that it runs")


async def test_a_public_address_is_asked_for_what_only_the_bot_refuses_so() -> None:
    asked: list[tuple[str, str]] = []
    status = 405

    async def hooks(request: web.Request) -> web.Response:
        asked.append((request.method, request.path))
        return web.Response(status=status)

    async with loopback(hooks) as url:
        base = url.removesuffix("/api/v2")
        states(await check_address(f"{base}/"), OK, f"{base}/ leads to the bot")
        status = 404
        states(await check_address(base), ATTENTION, "does not lead to the bot", "HTTP 404")
    assert asked == [("GET", "/hooks/doctor")] * 2
    states(await check_address(base), ATTENTION, "ClientConnectorError")
    states(await check_address(None), OK, "works without")


def test_looking_into_the_vault_gives_the_vault_that_a_start_opens(tmp_path: Path, sealed: bytes) -> None:
    foreign = Vault([bytes(32)]).seal(Purpose.PANEL_KEY, 7, SecretStr("x"))
    states(check_keys(settings(tmp_path), (sealed, foreign)), FAILED, "1 of 2 API keys")


def test_the_encryption_keys(tmp_path: Path, sealed: bytes) -> None:
    path, given = tmp_path / KEY_FILE, settings(tmp_path)
    states(check_keys(given, (sealed,)), OK, f"{path} opens all 1 stored", "Keep a copy of it apart from")
    states(
        check_keys(given, None), ATTENTION, f"{path} can be read; whether they open the stored API keys is not known"
    )
    key = SecretStr(path.read_text("ascii"))
    states(check_keys(settings(tmp_path, encryption_keys=key), (sealed,)), OK, "ENCRYPTION_KEYS opens all 1")
    path.unlink()
    states(check_keys(given, None), ATTENTION, f"none at {path}; whether")
    states(check_keys(given, ()), OK, f"none yet at {path}", "Back it up then")
    states(check_keys(given, (sealed,)), FAILED, f"{path} is gone, and 1 API keys", "Put its backup in its place")


def test_a_system_without_file_modes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_HAS_MODES", False)
    states(check_files(settings(tmp_path)), ATTENTION, "no file modes")
