"""Logging: no level lets a secret through, and a JSON line is one object."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.logs import set_up_logging

NAMES = ("discord", "httpx", "httpcore", "aiosqlite")


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
    assert capsys.readouterr().err == ""


def test_level_holds_for_everybody(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("ERROR", "console")
    for name in ("bot", *NAMES):
        logging.getLogger(name).warning("less than an error")
    assert capsys.readouterr().err == ""


def test_own_debug_is_shown_on_one_readable_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("DEBUG", "console")
    logging.getLogger("bot.worker").debug("sent %d orders", 3)
    assert capsys.readouterr().err.rstrip().endswith("DEBUG   bot.worker: sent 3 orders")


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
