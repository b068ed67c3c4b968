"""Logging: no level lets a secret through, and nothing that fails again and again fills the disk."""

import json
import logging
import re
import threading
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TextIO

from bot.ledger import LeaseLost, LedgerError
from bot.ops.request_context import request_id

# At DEBUG (httpx at INFO) these print modal values, interaction tokens, SQL parameters and URLs.
_AT_LEAST = {
    "discord": logging.INFO,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "aiosqlite": logging.INFO,
    # It warns, with a traceback, whenever its pool tries in vain to connect: what reads says so by itself.
    "asyncpg": logging.ERROR,
}


ONCE_IN = 60
"""Seconds in which the same line is written once; the others of its kind are counted."""
TRACED_ONCE_IN = 600
"""Seconds in which the same fault is written with its traceback once, and in one line else."""
_MOST_KINDS = 200
"""Kinds of lines that are distinguished; all others count as one kind for each logger and level."""
_MOST_OF_KIND = 200
"""Characters of a template by which kinds are distinguished."""


class TextFormatter(logging.Formatter):
    """One line for people; it ends with the ID of the request that was being answered."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        request = request_id()
        return super().formatMessage(record) + (f" [{request}]" if request is not None else "")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines; `request` is the id of the interaction or message being answered."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = request_id()
        if request is not None:
            fields["request"] = str(request)  # as a number it would lose its last digits in many a reader
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields)


@dataclass(slots=True)
class _Kind:
    """Lines that differ in numbers and names only."""

    record: logging.LogRecord
    """One with the logger, the level and the template, and nothing else of any."""
    written_at: float
    traced_at: float | None = None
    left_out: int = 0


class BoundedHandler(logging.StreamHandler[TextIO]):
    """Writes the first line of a kind at once, and then a count a minute: whatever fails a thousand times says so once.

    A kind is a logger, a level, a template and, of a fault, its type. All that fails through the ledger is one kind:
    each loop and each command meets the same outage. DEBUG is written whole.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._kinds: dict[tuple[str, ...], _Kind] = {}
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it; its handler's lock is held."""
        if record.levelno <= logging.DEBUG:
            super().emit(record)
            return
        record = _of_ledger(record)
        now, name = self._clock(), _name_of(record)
        if name not in self._kinds and len(self._kinds) >= _MOST_KINDS:
            name = (record.name, record.levelname)
        kind = self._kinds.get(name)
        if kind and now < kind.written_at + ONCE_IN:
            kind.left_out += 1
            self._report_later()
            return
        if kind is None:
            template = str(record.msg) if len(name) > 2 else "lines of too many kinds"
            bare = logging.LogRecord(record.name, record.levelno, "", 0, template.partition("\n")[0], None, None)
            kind = self._kinds[name] = _Kind(bare, now)
        self._report(kind)
        kind.written_at = now
        if record.exc_info and kind.traced_at is not None and now < kind.traced_at + TRACED_ONCE_IN:
            super().emit(_without_traceback(record))
            return
        kind.traced_at = now if record.exc_info else kind.traced_at
        super().emit(record)

    def report_left_out(self, *, all: bool = False) -> None:
        """Write how many lines of each kind were left out whose minute is over, or of all; forget what is long over."""
        self.acquire()
        try:
            now, self._timer = self._clock(), None
            for name, kind in list(self._kinds.items()):
                if kind.left_out and (all or now >= kind.written_at + ONCE_IN):
                    self._report(kind)
                    kind.written_at = now
                elif now >= (kind.traced_at or kind.written_at) + TRACED_ONCE_IN and now >= kind.written_at + ONCE_IN:
                    del self._kinds[name]
            if any(kind.left_out for kind in self._kinds.values()):
                self._report_later()
        finally:
            self.release()

    def _report(self, kind: _Kind) -> None:
        if kind.left_out:
            report = copy(kind.record)
            report.created = datetime.now(UTC).timestamp()
            report.args, report.msg = (kind.left_out, kind.record.msg), "%d more like this were left out: %s"
            kind.left_out = 0
            super().emit(report)

    def _report_later(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(ONCE_IN, self.report_left_out)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Write what was counted, then end."""
        if self._timer:
            self._timer.cancel()
        self.report_left_out(all=True)
        super().close()


def _of_ledger(record: logging.LogRecord) -> logging.LogRecord:
    """Return a line about something that the ledger has failed as one of the ledger's own, without a traceback."""
    fault = record.exc_info[1] if record.exc_info else None
    named = record.args if isinstance(record.args, tuple) else ()
    if not any(isinstance(one, LedgerError) and not isinstance(one, LeaseLost) for one in (*named, fault)):
        return record
    brief = _without_traceback(record) if fault else copy(record)
    brief.name, brief.levelno, brief.levelname = "bot.ledger", logging.WARNING, "WARNING"
    brief.msg, brief.args = "the ledger failed: %s", (brief.getMessage(),)
    return brief


def _name_of(record: logging.LogRecord) -> tuple[str, ...]:
    """Return what tells a kind: libraries paste numbers and addresses into their templates, asyncio on later lines."""
    template = re.sub(r"0x[0-9a-f]+|\d+", "#", str(record.msg)[:_MOST_OF_KIND].partition("\n")[0])
    fault = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
    return record.name, record.levelname, template, fault


def _without_traceback(record: logging.LogRecord) -> logging.LogRecord:
    brief = copy(record)
    fault = record.exc_info[1] if record.exc_info else None
    words = str(fault).partition("\n")[0][:_MOST_OF_KIND]
    brief.msg, brief.args = "%s (%s: %s)", (record.getMessage(), type(fault).__name__, words)
    brief.exc_info = brief.exc_text = None
    return brief


def set_up_logging(level: str, style: str) -> None:
    """Log to standard error at a level, as text (`console`) or JSON lines (`json`)."""
    handler = BoundedHandler()
    text = TextFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if style == "json" else text)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("discord.client", "discord.state"):
        logging.getLogger(name).addFilter(_is_relevant)
    for name, least in _AT_LEAST.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelNamesMapping()[level]))


def _is_relevant(record: logging.LogRecord) -> bool:
    # The client does without voice and without the guild cache on purpose (bot/client.py).
    return not any(text in str(record.msg) for text in ("Guilds intent", "voice will NOT be supported"))
