"""The doctor's judgement of what it reads; what it reads: tests/ops/test_doctor_probes.py and tests/wire."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.ledger import Checkup, LedgerUnreachable, LedgerUnreadable, ServerCheckup
from bot.ops.doctor.application import (
    MOST_OF_DESCRIPTION,
    MOST_OF_SUMMARY,
    MOST_TAGS,
    Application,
    DiscordAnswer,
    NoApplication,
    check_application,
    check_directory,
    check_intents,
    check_invitation,
    check_token,
)
from bot.ops.doctor.clock import ClockReading, check_clock
from bot.ops.doctor.finding import ATTENTION, FAILED, OK, Finding, Verdict
from bot.ops.doctor.ledger import LedgerFile, LedgerServer, check_disk, check_ledger
from bot.ops.doctor.panel import PanelAnswer, check_panel
from bot.panel import Blocked, InvalidKey, PanelError, RateLimited, Suspended, Unavailable, UnexpectedResponse
from bot.settings_faults import token_fault
from tests.sealed import settings
from tests.story import ROOT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
APPLICATION = Application("bot", 111, installs=("Guild Install", "User Install"), servers=3)
WHOLE = Checkup(version=1, newest=1, damage="")
LEDGER = LedgerFile(Path("data/ledger.sqlite3"), WHOLE, size=5_000_000, free=10**10, writable=True)
SERVER = LedgerServer("ledger on db", ServerCheckup(1, 1, "15.4", 150_004, "UTF8", writable=True, may_create=True))


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
        (DiscordAnswer(NoApplication.NO_TOKEN), FAILED, "DISCORD_TOKEN is not set"),
        (DiscordAnswer(NoApplication.REFUSED), FAILED, "Reset Token"),
        (DiscordAnswer(NoApplication.MISSHAPEN, token_fault("1" * 19)), FAILED, "looks like the Application ID"),
        (
            DiscordAnswer(NoApplication.UNREACHABLE, "did not answer"),
            FAILED,
            "not known: Discord did not answer. Try again",
        ),
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
    states(check_intents(DiscordAnswer(application)), OK, "no privileged intent")
    states(check_application(DiscordAnswer(application)), verdict, words)


def test_the_space_is_said_in_the_unit_that_fits() -> None:
    states(check_disk(replace(LEDGER, free=69_582_900_000)), OK, "69.6 GB free")
    states(check_disk(replace(LEDGER, free=999_000_000)), OK, "999.0 MB free")


def test_both_invitation_links_are_given_whole() -> None:
    line = str(check_invitation(DiscordAnswer(APPLICATION)))
    assert "client_id=111&integration_type=0&scope=bot+applications.commands&permissions=2048 and" in line
    assert line.endswith("client_id=111&integration_type=1&scope=applications.commands")


LISTED = replace(
    APPLICATION, description="x", tags=("smm",), terms_url="https://t", privacy_url="https://p", has_install_link=True
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "has all that Discord's directory wants"),
        ({"description": ""}, "a description of at most 400 characters missing. deploy/discord-directory.md"),
        ({"description": "x" * (MOST_OF_DESCRIPTION + 1)}, "a description of at most 400 characters missing"),
        ({"tags": ()}, "tags (up to 5) missing"),
        ({"terms_url": "", "privacy_url": ""}, "a terms address, a privacy address missing"),
        ({"has_install_link": False}, "an install link missing"),
        ({"terms_url": "https://other"}, "lead to different addresses: TERMS_URL"),
    ],
)
def test_what_the_directory_wants_is_no_fault(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    urls = {"support_url": "https://s", "terms_url": "https://t", "privacy_url": "https://p"}
    given = settings(tmp_path, **urls)
    states(check_directory(DiscordAnswer(replace(LISTED, **change)), given), OK, words)
    assert "SUPPORT_URL" in check_directory(DiscordAnswer(LISTED), settings(tmp_path)).says


def test_an_intent_that_is_not_needed_is_named() -> None:
    application = replace(APPLICATION, privileged=("Message Content Intent",))
    states(check_intents(DiscordAnswer(application)), ATTENTION, "not needed: Message Content Intent", "Turn")


def test_what_discord_did_not_tell_is_not_called_well() -> None:
    for check in (check_intents, check_application):
        states(check(DiscordAnswer(NoApplication.REFUSED)), ATTENTION, "not checked")


@pytest.mark.parametrize(
    ("error", "verdict", "words"),
    [
        (InvalidKey("Invalid API key"), OK, "refuses a call without a key"),
        (RateLimited(), ATTENTION, "PANEL_IP_LIMIT"),
        (Unavailable(may_have_acted=False), FAILED, "cannot be reached"),
        (Unavailable(may_have_acted=True), FAILED, "ask NotPanel"),
        (UnexpectedResponse(), FAILED, "isn't NotPanel's API"),
        (Blocked("Forbidden"), FAILED, '"Forbidden"'),
        (Suspended(), FAILED, "refuses this machine"),
        (None, ATTENTION, '"Forbidden"'),
    ],
)
def test_the_panel(error: PanelError | None, verdict: Verdict, words: str) -> None:
    states(check_panel(PanelAnswer("https://panel.invalid", error, "Forbidden")), verdict, words)


@pytest.mark.parametrize(
    ("ledger", "verdict", "words"),
    [
        (LEDGER, OK, "schema 1, 5.0 MB, intact"),
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
        (on_server(version=0, may_create=False), FAILED, "Make it the database's owner"),
        (on_server(version=2), FAILED, "newer release"),
        (on_server(newest=2), ATTENTION, "make a backup with pg_dump first"),
        (on_server(newest=2, may_create=False), FAILED, "can't create tables"),
        (on_server(number=130_012), FAILED, "too old"),
        (on_server(encoding="LATIN1"), FAILED, "in LATIN1. Create the database again"),
        (on_server(writable=False), FAILED, "is read-only. Connect"),
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
    states(check_disk(replace(LEDGER, size=size, free=free)), verdict, "B free for data.")


def test_the_space_on_another_machine_is_not_spoken_of() -> None:
    states(check_disk(SERVER), OK, "watch the disk there")


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
    reading = ClockReading("Discord", asked, asked + timedelta(seconds=0.2), NOW - timedelta(seconds=0.4))
    states(check_clock(reading), verdict, words)


def test_the_clock_is_compared_with_whoever_answered_fastest() -> None:
    slow = ClockReading("the panel", NOW, NOW + timedelta(seconds=9), NOW)
    fast = ClockReading("Discord", NOW, NOW + timedelta(seconds=0.1), NOW)
    states(check_clock(slow, fast, None), OK, "Discord's")
    states(check_clock(slow), OK, "give or take 5.0 s")  # 4 s off, which nobody can know from that
    states(check_clock(None, None), ATTENTION, "not compared")


def test_whatever_is_not_well_comes_with_something_to_do() -> None:
    application = replace(APPLICATION, interactions_go_elsewhere=True, privileged=("Presence Intent",))
    bad = [
        check_token(DiscordAnswer(NoApplication.UNREACHABLE)),
        check_intents(DiscordAnswer(application)),
        check_application(DiscordAnswer(application)),
        check_ledger(replace(LEDGER, writable=False)),
        check_disk(replace(LEDGER, free=0)),
        check_clock(None, None),
    ]
    assert all(finding.remedy for finding in bad)


def test_the_texts_for_the_directory_fit() -> None:
    text = (ROOT / "deploy/discord-directory.md").read_text("utf-8")
    description, summary = (one.replace("\n> ", " ")[2:] for one in re.findall(r"^> .+(?:\n> .+)*", text, re.MULTILINE))
    tags = re.findall(r"^- (.+)$", text, re.MULTILINE)
    assert (0 < len(description) <= MOST_OF_DESCRIPTION, 0 < len(summary) <= MOST_OF_SUMMARY) == (True, True)
    assert 0 < len(tags) <= MOST_TAGS
    assert max(map(len, tags)) <= 20
