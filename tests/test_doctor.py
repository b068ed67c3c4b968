"""The doctor's judgement of what it sees, and what it sees on this machine; Discord and the panel: tests/wire."""

import os
import socket
import sqlite3
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.doctor.checks import (
    Finding,
    Verdict,
    check_address,
    check_application,
    check_clock,
    check_keys,
    check_ledger,
    check_modes,
    check_panel,
    check_space,
    check_token,
)
from bot.doctor.facts import (
    Address,
    Application,
    DiscordAnswer,
    Keys,
    LedgerFile,
    LedgerServer,
    Modes,
    PanelAnswer,
    Reading,
    Refusal,
)
from bot.doctor.looks import look_at_address, look_at_keys, look_at_ledger, look_at_modes, look_at_server
from bot.panel import InvalidKey, PanelError, RateLimited, Suspended, TurnedAway, Unavailable, Unintelligible
from bot.store import Checkup, Ledger, LedgerUnreachable, LedgerUnreadable, ServerCheckup, check_up
from bot.vault import KEY_FILE, Purpose, Vault
from tests.ledgers import Below, InPostgres
from tests.panel.fakes import loopback
from tests.postgres import Postgres
from tests.sealed import seal_a_key, settings

OK, ATTENTION, FAILED = Verdict.OK, Verdict.ATTENTION, Verdict.FAILED
NOW = datetime(2026, 1, 1, tzinfo=UTC)
APPLICATION = Application("bot", 111, installs=("Guild Install", "User Install"), servers=3)
WHOLE = Checkup(version=1, newest=1, damage="")
LEDGER = LedgerFile(Path("data/ledger.sqlite3"), WHOLE, size=5_000_000, free=10**10, writable=True)
SERVER = LedgerServer("ledger on db", ServerCheckup(1, 1, "15.4", 150_004, "UTF8", writable=True, may_create=True))
KEYS = Keys(Path("data/encryption.keys"), present=True, sealed=12)


def on_server(**found: object) -> LedgerServer:
    """Return a ledger in PostgreSQL of which something else is true."""
    assert isinstance(SERVER.found, ServerCheckup)
    return replace(SERVER, found=replace(SERVER.found, **found))


def states(finding: Finding, verdict: Verdict, *words: str) -> None:
    """Assert what a finding is, and what an operator reads; whatever is not well comes with something to do."""
    assert finding.verdict is verdict, finding
    line = str(finding)
    assert line.startswith(verdict.value)
    assert "\n" not in line
    for text in words:
        assert text in line, line


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        (DiscordAnswer(APPLICATION), OK, "bot (111)"),
        (DiscordAnswer(Refusal.NO_TOKEN), FAILED, "DISCORD_TOKEN is not set"),
        (DiscordAnswer(Refusal.REFUSED), FAILED, "Reset Token"),
        (DiscordAnswer(Refusal.UNREACHABLE, "did not answer"), FAILED, "not known: Discord did not answer. Try again"),
    ],
)
def test_the_token(answer: DiscordAnswer, verdict: Verdict, words: str) -> None:
    states(check_token(answer), verdict, words)


@pytest.mark.parametrize(
    ("application", "verdict", "words"),
    [
        (APPLICATION, OK, "anybody can add it; in about 3 servers"),
        (replace(APPLICATION, is_public=False), OK, "only its owner"),
        (replace(APPLICATION, installs=None), OK, "commands reach this bot"),
        (replace(APPLICATION, interactions_go_elsewhere=True), FAILED, "no command reaches this bot"),
        (replace(APPLICATION, needs_code_grant=True), FAILED, "invitation does not work"),
        (replace(APPLICATION, servers=2_499), OK, "2,499"),
        (replace(APPLICATION, servers=2_500), ATTENTION, "docs/scaling.md"),
        (replace(APPLICATION, installs=("Guild Install",)), ATTENTION, "not ticked: User Install"),
    ],
)
def test_what_the_portal_says(application: Application, verdict: Verdict, words: str) -> None:
    intents, portal = check_application(DiscordAnswer(application))
    states(intents, OK, "none is privileged")
    states(portal, verdict, words)


def test_an_intent_that_is_not_needed_is_named() -> None:
    application = replace(APPLICATION, privileged=("Message Content Intent",))
    states(check_application(DiscordAnswer(application))[0], ATTENTION, "not needed: Message Content Intent", "Turn")


def test_what_discord_did_not_tell_is_not_called_well() -> None:
    for finding in check_application(DiscordAnswer(Refusal.REFUSED)):
        states(finding, ATTENTION, "not looked at")


@pytest.mark.parametrize(
    ("error", "verdict", "words"),
    [
        (InvalidKey("Invalid API key"), OK, "refuses a call without a key"),
        (RateLimited(), ATTENTION, "PANEL_IP_LIMIT"),
        (Unavailable(reached=False), FAILED, "cannot be reached"),
        (Unavailable(reached=True), FAILED, "ask NotPanel"),
        (Unintelligible(), FAILED, "something else"),
        (TurnedAway("Forbidden"), FAILED, '"Forbidden"'),
        (Suspended(), FAILED, "refuses this machine"),
        (None, ATTENTION, '"Forbidden"'),
    ],
)
def test_the_panel(error: PanelError | None, verdict: Verdict, words: str) -> None:
    states(check_panel(PanelAnswer("https://panel.invalid", error, "Forbidden")), verdict, words)


@pytest.mark.parametrize(
    ("ledger", "verdict", "words"),
    [
        (LEDGER, OK, "schema 1, 5.0 MB, read through and whole"),
        (replace(LEDGER, found=None), OK, "the first start makes it"),
        (replace(LEDGER, found=None, writable=False), FAILED, "cannot be written"),
        (replace(LEDGER, found=LedgerUnreadable("(it is a directory)")), FAILED, "(it is a directory)"),
        (replace(LEDGER, found=replace(WHOLE, version=2)), FAILED, "newer release"),
        (replace(LEDGER, found=replace(WHOLE, newest=2)), ATTENTION, "make a backup"),
        (replace(LEDGER, found=replace(WHOLE, damage="row 7 missing from index")), FAILED, "restore the newest backup"),
        (replace(LEDGER, found=replace(WHOLE, version=0, damage="page 3")), FAILED, "page 3"),
        (replace(LEDGER, found=replace(WHOLE, version=0)), OK, "is empty; the first start makes its tables"),
        (SERVER, OK, "ledger on db: PostgreSQL 15.4, schema 1."),
        (on_server(version=0), OK, "the first start makes the tables"),
        (on_server(version=0, may_create=False), FAILED, "Let the database belong to it"),
        (on_server(version=2), FAILED, "newer release"),
        (on_server(newest=2), ATTENTION, "make a backup with pg_dump first"),
        (on_server(newest=2, may_create=False), FAILED, "may make no tables"),
        (on_server(number=130_012), FAILED, "too old"),
        (on_server(encoding="LATIN1"), FAILED, "in LATIN1. Make the database anew"),
        (on_server(writable=False), FAILED, "takes nothing but reads. Connect"),
        (
            replace(SERVER, found=LedgerUnreachable("(no route)")),
            FAILED,
            "Check that it runs, and DATABASE_URL. (no route)",
        ),
    ],
)
def test_the_ledger(ledger: LedgerFile | LedgerServer, verdict: Verdict, words: str) -> None:
    states(check_ledger(ledger), verdict, words)


@pytest.mark.parametrize(
    ("size", "free", "verdict"),
    [
        (0, 200_000_000, OK),
        (0, 99_000_000, ATTENTION),
        (10**9, 2_200_000_000, OK),
        (10**9, 2_000_000_000, ATTENTION),
        (0, 19_000_000, FAILED),
    ],
)
def test_the_space_that_is_left(size: int, free: int, verdict: Verdict) -> None:
    states(check_space(replace(LEDGER, size=size, free=free)), verdict, "MB free")


def test_the_space_on_another_machine_is_not_spoken_of() -> None:
    states(check_space(SERVER), OK, "watch it there")


@pytest.mark.parametrize(
    ("keys", "verdict", "words"),
    [
        (KEYS, OK, "Is there a copy of it apart from the ledger's?"),
        (replace(KEYS, path=None), OK, "ENCRYPTION_KEYS opens all 12"),
        (replace(KEYS, present=False, sealed=0), OK, "Back it up then"),
        (replace(KEYS, present=False), FAILED, "Put its backup in its place"),
        (replace(KEYS, unopened=2), FAILED, "2 of 12 API keys"),
        (replace(KEYS, sealed=None), ATTENTION, "can be read; what is sealed with them is not known"),
        (replace(KEYS, sealed=None, present=False), ATTENTION, "none at data/encryption.keys; what is sealed"),
        (replace(KEYS, trouble="The key file is unusable."), FAILED, "unusable"),
    ],
)
def test_the_encryption_keys(keys: Keys, verdict: Verdict, words: str) -> None:
    states(check_keys(keys), verdict, words)


def test_who_may_read_the_files() -> None:
    mine, open_one = Path("mine"), Path("open")
    states(check_modes(Modes((mine, open_one))), OK, "2 looked at")
    states(check_modes(Modes((mine, open_one), (open_one,))), ATTENTION, "chmod 600 open")
    states(check_modes(Modes((mine,), (), (open_one,))), ATTENTION, "could not be looked at: open")
    states(check_modes(Modes((mine,), known=False)), ATTENTION, "no file modes")


@pytest.mark.parametrize(
    ("ahead", "verdict", "words"),
    [
        (0.0, OK, "0.0 s"),
        (1.9, OK, "1.9 s ahead of Discord's, give or take 0.6 s"),
        (-1.9, OK, "1.9 s behind Discord's"),
        (2.1, ATTENTION, "2.1 s ahead"),
        (-3600, ATTENTION, "3600.0 s behind"),
    ],
)
def test_the_clock(ahead: float, verdict: Verdict, words: str) -> None:
    asked = NOW + timedelta(seconds=ahead)
    reading = Reading("Discord", asked, asked + timedelta(seconds=0.2), NOW - timedelta(seconds=0.4))
    states(check_clock([reading]), verdict, words)


def test_the_clock_is_compared_with_whoever_answered_fastest() -> None:
    slow = Reading("the panel", NOW, NOW + timedelta(seconds=9), NOW)
    fast = Reading("Discord", NOW, NOW + timedelta(seconds=0.1), NOW)
    states(check_clock([slow, fast]), OK, "Discord's")
    states(check_clock([slow]), OK, "give or take 5.0 s")  # 4 s off, which nobody can know from that
    states(check_clock([]), ATTENTION, "not compared")


@pytest.mark.parametrize(
    ("address", "verdict", "words"),
    [
        (None, OK, "works without"),
        (Address("https://bot.invalid", 405), OK, "leads to the bot"),
        (Address("https://bot.invalid", 404), ATTENTION, "HTTP 404"),
        (Address("https://bot.invalid", words="ClientConnectorError"), ATTENTION, "ClientConnectorError"),
    ],
)
def test_the_public_address(address: Address | None, verdict: Verdict, words: str) -> None:
    states(check_address(address), verdict, words)


def test_whatever_is_not_well_comes_with_something_to_do() -> None:
    application = replace(APPLICATION, interactions_go_elsewhere=True, privileged=("Presence Intent",))
    bad = [
        check_token(DiscordAnswer(Refusal.UNREACHABLE)),
        *check_application(DiscordAnswer(application)),
        check_ledger(replace(LEDGER, writable=False)),
        check_space(replace(LEDGER, free=0)),
        check_clock([]),
    ]
    assert all(finding.remedy for finding in bad)


# What is seen on this machine


@pytest.fixture
def sealed(tmp_path: Path) -> bytes:
    """A ledger with one stored key, and the key file it is sealed with."""
    return seal_a_key(tmp_path)


def test_a_ledger_is_read_and_left_as_it_is(tmp_path: Path, sealed: bytes) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    seen = look_at_ledger(tmp_path / "ledger.sqlite3")
    assert seen.sealed == (sealed,)
    states(check_ledger(seen), OK, "schema 1")
    states(check_keys(look_at_keys(settings(tmp_path), seen.sealed)), OK, "opens all 1 stored")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    seen = look_at_ledger(tmp_path / "data" / "ledger.sqlite3")
    states(check_ledger(seen), OK, "none yet")
    states(check_keys(look_at_keys(settings(tmp_path / "data"), seen.sealed)), OK, "none yet")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 300)  # as good as a folder that this user may not enter, and it holds for root too
    finding = check_ledger(look_at_ledger(folder / "ledger.sqlite3"))
    states(finding, FAILED, "File name too long")
    assert look_at_modes(settings(folder)).hidden == (folder / KEY_FILE, folder / "ledger.sqlite3")
    states(check_keys(look_at_keys(settings(folder), None)), FAILED, "File name too long")


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    states(check_ledger(look_at_ledger(tmp_path / "data" / "ledger.sqlite3")), FAILED, "Not a directory")


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
        seen = look_at_ledger(path)
        assert check_ledger(seen).verdict is FAILED
        assert check_keys(look_at_keys(settings(tmp_path), seen.sealed)).verdict is not OK or seen.sealed == (sealed,)


def test_a_ledger_that_opens_and_is_not_whole_is_told(tmp_path: Path, sealed: bytes) -> None:
    path = tmp_path / "ledger.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = sql || ' WHERE user_id > 7' WHERE name = 'accounts_by_name'")
    states(check_ledger(look_at_ledger(path)), FAILED, "wrong # of entries in index accounts_by_name", "restore")


def test_a_ledger_that_vanishes_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnreadable):
        check_up(tmp_path / "ledger.sqlite3")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_of_another_release_is_told(tmp_path: Path, sealed: bytes) -> None:
    path = tmp_path / "ledger.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO schema_version VALUES (9999, 'later')")
    states(check_ledger(look_at_ledger(path)), FAILED, "newer release")


def test_keys_that_are_lost_or_others_are_told(tmp_path: Path, sealed: bytes) -> None:
    (tmp_path / KEY_FILE).rename(tmp_path / "away")
    states(check_keys(look_at_keys(settings(tmp_path), (sealed,))), FAILED, "is gone, and 1 API keys")
    other = settings(tmp_path, encryption_keys=SecretStr("A" * 43))
    states(check_keys(look_at_keys(other, (sealed,))), FAILED, "1 of 1 API keys")
    (tmp_path / KEY_FILE).write_text("not a key, but private")
    finding = check_keys(look_at_keys(settings(tmp_path), (sealed,)))
    states(finding, FAILED, "unusable")
    assert "private" not in str(finding)


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes are meant")
def test_a_file_that_others_can_read_is_told_and_left(tmp_path: Path, sealed: bytes) -> None:
    keys, ledger = tmp_path / KEY_FILE, tmp_path / "ledger.sqlite3"
    (tmp_path / "ledger.sqlite3.lock").touch(mode=0o644)  # nothing is in it
    assert look_at_modes(settings(tmp_path)) == Modes((keys, ledger))
    keys.chmod(0o640)
    look_at_keys(settings(tmp_path), (sealed,))
    assert look_at_modes(settings(tmp_path)).open_to_others == (keys,)


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
    states(check_ledger(seen), OK, "PostgreSQL database test_", f"PostgreSQL {seen.found.release}, schema 1")
    states(check_keys(look_at_keys(settings(tmp_path), seen.sealed)), OK, "opens all 1 stored")
    (tmp_path / KEY_FILE).unlink()
    states(check_keys(look_at_keys(settings(tmp_path), seen.sealed)), FAILED, "is gone, and 1 API keys")


async def look(below: Below) -> LedgerServer:
    """Look into a database."""
    assert isinstance(below.database, SecretStr)
    return await look_at_server(below.database)


async def test_nothing_is_made_in_an_empty_database(base: InPostgres) -> None:
    states(check_ledger(await look(base)), OK, "empty; the first start makes the tables")
    assert base.tables() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("CREATE TABLE orders (id INT)", "database of another program"),
        ("CREATE TABLE schema_version (release TEXT)", 'column "version" does not exist'),
        ("CREATE TABLE schema_version AS SELECT 9999 AS version", "newer release"),
        ("CREATE TABLE schema_version AS SELECT 1 AS version", 'relation "accounts" does not exist'),
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
    states(check_ledger(await look(base)), FAILED, "takes nothing but reads")


async def test_a_user_without_rights_is_told(base: InPostgres) -> None:
    base.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    base.sql("CREATE ROLE guest LOGIN")
    try:
        guest = SecretStr(base.url.replace("//bot@", "//guest:hunter2@"))
        states(check_ledger(await look_at_server(guest)), FAILED, "may make no tables")
        base.sql("CREATE TABLE schema_version AS SELECT 1 AS version")
        finding = check_ledger(await look_at_server(guest))
        states(finding, FAILED, "permission denied for table schema_version")
        assert "hunter2" not in str(finding)
    finally:
        base.sql("DROP ROLE guest")


@pytest.mark.parametrize(
    "password", ["hunter2", "hunter2/x", "8/hunter2", "hunter2?x", "8#hunter2", "hun@ter2/hunter2"]
)
async def test_a_server_that_cannot_be_reached_is_told_without_the_password(password: str) -> None:
    finding = check_ledger(await look_at_server(SecretStr(f"postgresql://bot:{password}@127.0.0.1:9/ledger")))
    states(finding, FAILED, "Check that it runs, and DATABASE_URL")
    assert "hunter2" not in str(finding)


async def test_a_server_that_says_nothing_is_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.checkup_postgres._PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://bot:hunter2@127.0.0.1:{silent.getsockname()[1]}/ledger"
        finding = check_ledger(await look_at_server(SecretStr(address)))
    states(finding, FAILED, "TimeoutError", "Check that it runs")


# What is seen from outside


async def test_a_public_address_is_asked_for_what_only_the_bot_refuses_so() -> None:
    asked: list[tuple[str, str]] = []

    async def hooks(request: web.Request) -> web.Response:
        asked.append((request.method, request.path))
        return web.Response(status=405)

    async with loopback(hooks) as url:
        base = url.removesuffix("/api/v2")
        assert await look_at_address(f"{base}/") == Address(f"{base}/", 405)
    assert asked == [("GET", "/hooks/doctor")]
    gone = await look_at_address(base)
    assert gone
    states(check_address(gone), ATTENTION, "ClientConnectorError")
    assert await look_at_address(None) is None


def test_looking_into_the_vault_gives_the_vault_that_a_start_opens(tmp_path: Path, sealed: bytes) -> None:
    keys = look_at_keys(settings(tmp_path), (sealed, Vault([bytes(32)]).seal(Purpose.PANEL_KEY, 7, SecretStr("x"))))
    assert (keys.sealed, keys.unopened) == (2, 1)
