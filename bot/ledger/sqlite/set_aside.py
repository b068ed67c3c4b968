"""Ledgers that stay beside the one in use for a while: copies before a migration, and what a restore replaced."""

import glob
import logging
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bot.files import JOURNALS, remove_leftovers

log = logging.getLogger(__name__)

SET_ASIDE_DAYS = 30
_NAME = re.compile(rf"\.(before-\d{{4}}(-\d+)?|replaced-\d{{8}}T\d{{6}}Z)({'|'.join(JOURNALS)})?")
"""What comes after the ledger's own name."""


def replaced_name(path: Path) -> Path:
    """Return where to put a ledger in whose place another comes."""
    return path.with_name(f"{path.name}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")


def remove_set_aside(path: Path) -> None:
    """Remove what was put beside a ledger more than SET_ASIDE_DAYS ago: it holds what has been erased since.

    What a process left that was killed while it copied goes as well.
    """
    path = path.resolve()
    remove_leftovers(path)
    for file in path.parent.glob(f"{glob.escape(path.name)}.*"):
        with suppress(OSError):
            is_ours = _NAME.fullmatch(file.name, len(path.name)) and file.is_file() and not file.is_symlink()
            if is_ours and time.time() - file.stat().st_mtime > SET_ASIDE_DAYS * 86_400:
                file.unlink()
                log.info("removed %s: it was kept for %d days", file, SET_ASIDE_DAYS)
