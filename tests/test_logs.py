"""Logging: no level lets a secret through, and a JSON line is one object."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.ledger import LeaseLost, LedgerUnreachable, LedgerUnsure, LedgerUnwritable
from bot.logs import ONCE_IN, TRACED_ONCE_IN, BoundedHandler, TextFormatter, set_up_logging

NAMES = ("discord", "httpx", "httpcore", "aiosqlite", "asyncpg")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in ("root", *NAMES)}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(None if name == "root" else name).setLevel(level)


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_chatty_libraries_never_reach_debug(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(level, "console")
    for name in NAMES:
        logging.getLogger(f"{name}.part").debug("hunter2")
    logging.getLogger("httpx").info("hunter2")
    logging.getLogger("httpcore").info("hunter2")
    logging.getLogger("asyncpg.pool").warning("hunter2")  # its pool, while the server is away
    assert capsys.readouterr().err == ""


def test_level_holds_for_everybody(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("ERROR", "console")
    for name in ("bot", *NAMES):
        logging.getLogger(name).warning("less than an error")
    assert capsys.readouterr().err == ""


def test_own_debug_is_shown_on_one_readable_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("DEBUG", "console")
    logging.getLogger("bot.workers.scheduler").debug("sent %d orders", 3)
    assert capsys.readouterr().err.rstrip().endswith("DEBUG   bot.workers.scheduler: sent 3 orders")


def test_set_up_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO", "console")
    set_up_logging("INFO", "console")
    logging.getLogger("bot").info("hello")
    assert capsys.readouterr().err.count("hello") == 1


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO", "json")
    try:
        raise RuntimeError("broken\nin two")
    except RuntimeError:
        logging.getLogger("bot").exception("a\nb “c”")
    (line,) = capsys.readouterr().err.splitlines()
    fields = json.loads(line)
    assert (fields["level"], fields["logger"], fields["message"]) == ("ERROR", "bot", "a\nb “c”")
    assert "RuntimeError: broken" in fields["exception"]
    moment = datetime.fromisoformat(fields["time"])
    assert moment.utcoffset() is not None
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60


class Log:
    """A logger whose clock stands still unless it is put on, and what it has written."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stream = io.StringIO()
        self.handler = BoundedHandler(self.stream, lambda: self.now)
        self.handler.setFormatter(TextFormatter("%(levelname)s %(name)s: %(message)s"))

    def write(
        self, level: int, template: str, *args: object, name: str = "bot", error: Exception | None = None
    ) -> None:
        info = error and (type(error), error, error.__traceback__)
        self.handler.handle(logging.LogRecord(name, level, "", 0, template, args, info or None))

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    made = Log()
    yield made
    made.handler.close()


def test_the_same_warning_is_written_once_a_minute_with_a_count(log: Log) -> None:
    for number in range(1000):
        log.write(logging.WARNING, "account %d: down", number)
    assert log.lines == ["WARNING bot: account 0: down"]
    log.now += ONCE_IN
    log.write(logging.WARNING, "account %d: down", 7)
    assert log.lines[1:] == [
        "WARNING bot: 999 more like this were left out: account %d: down",
        "WARNING bot: account 7: down",
    ]


def test_the_count_is_told_though_nothing_follows(log: Log) -> None:
    log.write(logging.ERROR, "down")
    log.write(logging.ERROR, "down")
    log.handler.report_left_out()
    assert len(log.lines) == 1
    log.now += ONCE_IN
    log.handler.report_left_out()
    assert log.lines[1:] == ["ERROR bot: 1 more like this were left out: down"]
    log.handler.report_left_out()
    assert len(log.lines) == 2


def test_the_count_is_told_at_the_end(log: Log) -> None:
    log.write(logging.ERROR, "down")
    log.write(logging.ERROR, "down")
    log.handler.close()
    assert log.lines[1:] == ["ERROR bot: 1 more like this were left out: down"]


def test_what_differs_in_kind_is_written(log: Log) -> None:
    log.write(logging.WARNING, "one %d", 1)
    log.write(logging.WARNING, "two %d", 1)
    log.write(logging.ERROR, "one %d", 1)
    log.write(logging.WARNING, "one %d", 1, name="other")
    log.write(logging.ERROR, "broke", error=OSError("a"))
    log.write(logging.ERROR, "broke", error=ValueError("b"))
    for _ in range(3):
        log.write(logging.DEBUG, "asked for")
    assert len(log.lines) == 4 + 2 * 2 + 3


def test_figures_pasted_into_a_template_make_no_other_kind(log: Log) -> None:
    for number in range(100):
        log.write(logging.ERROR, f"Task 0x{number:x} was destroyed {number}\ntask: <Task {number}>")
    assert len(log.lines) == 2  # one record of two lines


def test_invented_templates_cannot_make_lines_without_end(log: Log) -> None:
    for number in range(10_000):
        log.write(logging.WARNING, "x" * (number % 190) + "y" * (number // 190))
    assert len(log.lines) < 300


def test_a_fault_that_goes_on_is_told_with_its_traceback_now_and_then(log: Log) -> None:
    try:
        raise RuntimeError("broken\nin two")
    except RuntimeError as error:
        fault = error
    for _ in range(4 * TRACED_ONCE_IN):
        log.write(logging.ERROR, "account %d", 3, error=fault)
        log.now += 1
    assert log.stream.getvalue().count("Traceback") == 4
    assert log.lines.count("ERROR bot: account 3 (RuntimeError: broken)") == 4 * (TRACED_ONCE_IN // ONCE_IN - 1)


def test_an_hour_of_everything_failing_for_a_thousand_accounts_is_small(log: Log) -> None:
    def fault(depth: int) -> Exception:
        try:
            if depth:
                raise OSError("refused") from fault(depth - 1)
            raise OSError("refused")
        except OSError as error:
            return error

    chained = fault(4)
    for _ in range(3600):
        for account in range(5):
            log.write(logging.WARNING, "account %d: %s; trying again", account, "down")
            log.write(logging.INFO, "account %d: the panel answers again", account)
            log.write(logging.ERROR, "account %d could not be worked on", account, error=chained)
            log.write(logging.ERROR, f"Task exception was never retrieved\nfuture: {account}", name="asyncio")
        log.now += 1
    assert len(log.stream.getvalue()) < 64 * 1024


def test_the_count_comes_by_itself(log: Log) -> None:
    log.write(logging.ERROR, "down")
    log.write(logging.ERROR, "down")
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    (timer,) = [timer for timer in timers if timer.function == log.handler.report_left_out]
    log.now += timer.interval
    timer.function()
    timer.cancel()
    assert log.lines[1:] == ["ERROR bot: 1 more like this were left out: down"]


def test_an_outage_of_the_ledger_is_one_line_a_minute_whoever_meets_it(log: Log) -> None:
    away = LedgerUnreachable("(PostgreSQL database bot on db: connection refused)")
    for second in range(600):
        log.now = float(second)
        if second and second % ONCE_IN == 0:
            log.handler.report_left_out()
        log.write(logging.ERROR, "%s broke off; beginning again", "loop", name="bot.workers.tasks", error=away)
        log.write(logging.ERROR, "interaction %d failed", second, name="bot.client", error=away)
        log.write(logging.WARNING, "card of request %d: %s", second, LedgerUnwritable())
        log.write(logging.INFO, "interaction %d: no card: %s", second, LedgerUnsure())
    assert len(log.lines) == 10
    assert log.lines[0].startswith(
        "WARNING bot.ledger: the ledger failed: loop broke off; beginning again (LedgerUnrea"
    )
    assert "connection refused" in log.lines[0]
    assert log.lines[1] == "WARNING bot.ledger: 239 more like this were left out: the ledger failed: %s"


def test_an_account_that_went_to_another_process_is_no_outage(log: Log) -> None:
    log.write(logging.WARNING, "account %d is left: %s", 1, LeaseLost("(account 1)"), name="bot.workers.scheduler")
    assert log.lines[0].startswith("WARNING bot.workers.scheduler: account 1 is left: Another process")
