"""Checks whether the bot can run as it is set up, and says what to do where it cannot; changes nothing."""

from bot.ops.doctor.checks import Finding, Verdict
from bot.ops.doctor.visit import examine

__all__ = ["Finding", "Verdict", "examine"]
