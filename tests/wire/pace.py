"""A clock that can be told to run faster, the same one for a bot's process, its Discord and its panel.

It lies in a file that all of them have mapped into memory. Only who has made it tells it how fast to go.
"""

import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path

_REAL = time.monotonic  # as it is before child/sitecustomize.py puts this clock in its place
_FORM = struct.Struct("ddddd")


class Pace:
    """The clock; `fastest`: at how many times a second's pace it may ever go."""

    def __init__(self, path: Path, fastest: float | None = None) -> None:
        """Make a clock that begins at a second's pace; without `fastest`: follow one that somebody has made."""
        if fastest is not None:
            now = _REAL()
            path.write_bytes(_FORM.pack(now, now, 1, fastest, time.time() - now))
        self._path = path
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _FORM.size)

    def _read(self) -> tuple[float, ...]:
        """Return since when, from which time on and how fast it goes, its fastest pace, and what makes it wall time."""
        found = b""
        while found != (found := self._shared[:]):  # it may be written this moment
            pass
        return _FORM.unpack(found)

    def go(self, speed: float) -> None:
        """Go at so many times a second's pace from now on."""
        _, _, _, fastest, offset = self._read()
        self._shared[:] = _FORM.pack(_REAL(), self.monotonic(), speed, fastest, offset)

    @property
    def speed(self) -> float:
        """At how many times a second's pace it goes."""
        return self._read()[2]

    @property
    def fastest(self) -> float:
        """At how many times a second's pace it may ever go."""
        return self._read()[3]

    def monotonic(self) -> float:
        """Return the time in seconds, in place of time.monotonic."""
        since, begun, speed, _, _ = self._read()
        return begun + (_REAL() - since) * speed

    def time(self) -> float:
        """Return the Unix time, in place of time.time."""
        return self.monotonic() + self._read()[4]

    def now(self) -> datetime:
        """Return the date and time, in place of bot.domain.clock.utc_now."""
        return datetime.fromtimestamp(self.time(), UTC)

    def environment(self) -> dict[str, str]:
        """Return what makes a bot's process follow this clock (child/sitecustomize.py)."""
        return {"WIRE_PACE": str(self._path)}
