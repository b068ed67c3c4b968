"""The doctor's judgement of what it reads; what it reads: tests/ops/test_doctor_probes.py and tests/wire."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.ledger import Checkup, LedgerUnreachable, LedgerUnreadable, ServerCheckup
from bot.ops.doctor.application import (
    Application,
    DiscordAnswer,
    NoApplication,
    check_application,
    check_intents,
    check_token,
)
from bot.ops.doctor.clock import ClockReading, check_clock
from bot.ops.doctor.finding import ATTENTION, FAILED, OK, Finding, Verdict
from bot.ops.doctor.ledger import LedgerFile, LedgerServer, check_disk, check_ledger
from bot.ops.doctor.panel import PanelAnswer, check_panel
from bot.panel import Blocked, InvalidKey, PanelError, RateLimited, Suspended, Unavailable, UnexpectedResponse

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
    states(check_intents(DiscordAnswer(application)), OK, "none is privileged")
    states(check_application(DiscordAnswer(application)), verdict, words)


def test_an_intent_that_is_not_needed_is_named() -> None:
    application = replace(APPLICATION, privileged=("Message Content Intent",))
    states(check_intents(DiscordAnswer(application)), ATTENTION, "not needed: Message Content Intent", "Turn")


def test_what_discord_did_not_tell_is_not_called_well() -> None:
    for check in (check_intents, check_application):
        states(check(DiscordAnswer(NoApplication.REFUSED)), ATTENTION, "not looked at")


@pytest.mark.parametrize(
    ("error", "verdict", "words"),
    [
        (InvalidKey("Invalid API key"), OK, "refuses a call without a key"),
        (RateLimited(), ATTENTION, "PANEL_IP_LIMIT"),
        (Unavailable(may_have_acted=False), FAILED, "cannot be reached"),
        (Unavailable(may_have_acted=True), FAILED, "ask NotPanel"),
        (UnexpectedResponse(), FAILED, "something else"),
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
    states(check_disk(replace(LEDGER, size=size, free=free)), verdict, "MB free")


def test_the_space_on_another_machine_is_not_spoken_of() -> None:
    states(check_disk(SERVER), OK, "watch it there")


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
