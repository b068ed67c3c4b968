"""Says how far long work is: drawn on a terminal, else in the log once a minute."""

import logging
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TextIO

log = logging.getLogger(__name__)

_DRAWN_EVERY = 0.2
_LOGGED_EVERY = 60.0
"""Seconds."""
_AFRESH = "\r\x1b[K"
"""To the line's beginning, and empty it."""


class ProgressBar(AbstractContextManager["ProgressBar"]):
    """Work of a known size: rows or bytes done, how many a second, and the time that is left at that rate."""

    def __init__(
        self,
        what: str,
        total: int,
        unit: Callable[[float], str],
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._total, self._unit = what, total, unit
        self._stream = stream or sys.stderr
        self._drawn = self._stream.isatty()
        self._clock = clock
        self._began = clock()
        self._next = self._began + (0 if self._drawn else _LOGGED_EVERY)

    def show(self, done: int) -> None:
        """Say how much is done, where enough time has passed since it was said last; `done` never falls."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + (_DRAWN_EVERY if self._drawn else _LOGGED_EVERY)
        line = self._line(done, now - self._began)
        if not self._drawn:
            log.info(line)
            return
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"{_AFRESH}{line[: columns - 1]}")
        self._stream.flush()

    def _line(self, done: int, seconds: float) -> str:
        share = f"{self._what}: {100 * done // self._total if self._total else 100} %"
        line = f"{share}, {self._unit(done)} of {self._unit(self._total)}"
        if not done or seconds <= 0:
            return line
        rate = done / seconds
        return f"{line}, {self._unit(rate)} a second, {_duration((self._total - done) / rate)} left"

    def __exit__(self, *_: Any) -> None:
        """Leave the terminal's line empty for what comes next."""
        if self._drawn:
            self._stream.write(_AFRESH)
            self._stream.flush()


def rows(count: float) -> str:
    """Write a number of rows for an operator."""
    return f"{count:,.0f} rows"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
