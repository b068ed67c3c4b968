"""Where tests keep their files for a while."""

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")


def in_memory() -> Path | None:
    """Return a folder in memory if there is one with room for all tests.

    On a disk a test waits for a third of its time.
    """
    fits = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 * 1024**3
    return _MEMORY if fits else None
