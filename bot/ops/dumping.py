"""Keeps the process's memory, in which keys are, out of core files and from other processes of the same user."""

import ctypes
import sys
from contextlib import suppress

_PR_SET_DUMPABLE = 4
"""linux/prctl.h"""


def forbid_dumps() -> None:
    """Let nobody but root read this process's memory; on Linux alone, and root reads it all the same."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
