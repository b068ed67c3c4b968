"""Checks this machine's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ops.doctor.finding import ATTENTION, OK, Finding

_MAY_DIFFER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Another clock's time, to the second, and when it was asked and heard by this machine's."""

    whose: str
    asked: datetime
    heard: datetime
    said: datetime

    @property
    def precision(self) -> timedelta:
        """How exactly the difference is known: the other clock was read somewhere between asking and hearing."""
        return timedelta(seconds=0.5) + (self.heard - self.asked) / 2

    @property
    def difference(self) -> timedelta:
        """How far this machine's clock is ahead. The other one says no fractions: half a second is added."""
        return self.asked + (self.heard - self.asked) / 2 - (self.said + timedelta(seconds=0.5))


def check_clock(*readings: ClockReading | None) -> Finding:
    """Tell how far this machine's clock is off, by whoever answered fastest."""
    told = [reading for reading in readings if reading]
    if not told:
        return Finding(
            ATTENTION, "clock", "not compared: neither Discord nor the panel gave a time", "See token and panel."
        )
    reading = min(told, key=lambda one: one.precision)
    off, precision = abs(reading.difference), reading.precision
    way = "ahead of" if reading.difference > timedelta() else "behind"
    says = f"{off.total_seconds():.1f} s {way} {reading.whose}'s, give or take {precision.total_seconds():.1f} s"
    if off > max(_MAY_DIFFER, precision):
        return Finding(
            ATTENTION,
            "clock",
            says,
            "Turn on time synchronisation: beyond 2 s the bot calls too early or too late, and shows wrong times.",
        )
    return Finding(OK, "clock", f"{says}; up to 2 s is fine")
