"""Keeps a ledger of this release, and seals its migrations; to be run once a release, before it goes out."""

import asyncio
import gzip
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from bot import __version__
from tests.ledgers import InFile
from tests.releases import story
from tests.releases.kept import FOLDER, SEALS, sums
from tests.world import world


async def lived_through() -> bytes:
    """Live the story in a ledger, and return that file as it is in the middle of a call."""
    with tempfile.TemporaryDirectory() as folder:
        below = InFile(Path(folder) / "ledger.sqlite3")
        async with world(Path(folder), below, **story.SETTINGS) as here:
            with here.env.time_context():
                await story.live(here)
            kept = Path(folder) / "kept"
            with closing(sqlite3.connect(below.database)) as ledger, closing(sqlite3.connect(kept)) as copy:
                ledger.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file is all of it
            await here.app.scheduler.abandon()
            return kept.read_bytes()


def main() -> int:
    """Write the files; return 1 where this release has its ledger already, which is never made anew."""
    path = FOLDER / f"ledger-{__version__}.gz"
    if path.exists():
        print(f"{path.name} is there: a ledger is kept once, by the release itself", file=sys.stderr)
        return 1
    path.write_bytes(gzip.compress(asyncio.run(lived_through()), mtime=0))
    SEALS.write_text(sums(), "utf-8")
    print(f"kept {path.name}, and sealed the migrations in {SEALS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
