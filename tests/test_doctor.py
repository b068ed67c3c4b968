"""The doctor's judgement of what it sees, and what it sees on this machine; Discord and the panel: tests/wire."""

import os
import sqlite3
from collections.abc import Iterator
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
    Modes,
    PanelAnswer,
    Reading,
    Refusal,
)
from bot.doctor.looks import look_at_address, look_at_keys, look_at_ledger, look_at_modes
from bot.panel import InvalidKey, PanelError, RateLimited, Suspended, TurnedAway, Unavailable, Unintelligible
from bot.store import Checkup, LedgerUnreadable, check_up
from bot.vault import KEY_FILE, Purpose, Vault
from tests.panel.fakes import loopback
from tests.sealed import seal_a_key, settings

OK, ATTENTION, FAILED = Verdict.OK, Verdict.ATTENTION, Verdict.FAILED
NOW = datetime(2026, 1, 1, tzinfo=UTC)
APPLICATION = Application("bot", 111, installs=("Guild Install", "User Install"), servers=3)
WHOLE = Checkup(version=1, newest=1, damage="")
LEDGER = LedgerFile(Path("data/ledger.sqlite3"), WHOLE, size=5_000_000, free=10**10, writable=True)
KEYS = Keys(Path("data/encryption.keys"), present=True, sealed=12)


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
        (DiscordAnswer(Refusal.UNREACHABLE, "HTTP 503"), FAILED, "HTTP 503"),
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
    ],
)
def test_the_ledger(ledger: LedgerFile, verdict: Verdict, words: str) -> None:
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


@pytest.mark.parametrize(
    ("keys", "verdict", "words"),
    [
        (KEYS, OK, "Is there a copy of it apart from the ledger's?"),
        (replace(KEYS, path=None), OK, "ENCRYPTION_KEYS opens all 12"),
        (replace(KEYS, present=False, sealed=0), OK, "Back it up then"),
        (replace(KEYS, present=False), FAILED, "Put its backup in its place"),
        (replace(KEYS, unopened=2), FAILED, "2 of 12 API keys"),
        (replace(KEYS, trouble="The key file is unusable."), FAILED, "unusable"),
    ],
)
def test_the_encryption_keys(keys: Keys, verdict: Verdict, words: str) -> None:
    states(check_keys(keys), verdict, words)


def test_who_may_read_the_files() -> None:
    mine, open_one = Path("mine"), Path("open")
    states(check_modes(Modes((mine, open_one))), OK, "2 looked at")
    states(check_modes(Modes((mine, open_one), (open_one,))), ATTENTION, "chmod 600 open")
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
    assert isinstance(seen.found, Checkup)
    assert seen.found.sealed == (sealed,)
    states(check_ledger(seen), OK, "schema 1")
    states(check_keys(look_at_keys(settings(tmp_path), seen.found.sealed)), OK, "opens all 1 stored")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    seen = look_at_ledger(tmp_path / "data" / "ledger.sqlite3")
    states(check_ledger(seen), OK, "none yet")
    states(check_keys(look_at_keys(settings(tmp_path / "data"), ())), OK, "none yet")
    assert list(tmp_path.iterdir()) == []


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
        assert check_ledger(look_at_ledger(path)).verdict is FAILED


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
    assert look_at_modes(settings(tmp_path), ledger) == Modes((keys, ledger))
    keys.chmod(0o640)
    look_at_keys(settings(tmp_path), (sealed,))
    assert look_at_modes(settings(tmp_path), ledger).open_to_others == (keys,)


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
