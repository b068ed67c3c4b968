"""Keeps a ledger of this release, and seals its migrations; to be run once a release, before it goes out."""

import asyncio
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


async def lived_through() -> str:
    """Live the story in a ledger and return that as SQL, as it is in the middle of a call."""
    with tempfile.TemporaryDirectory() as folder:
        below = InFile(Path(folder) / "ledger.sqlite3")
        async with world(Path(folder), below, **story.SETTINGS) as here:
            with here.env.time_context():
                await story.live(here)
            with closing(sqlite3.connect(below.database)) as ledger:
                dump = "\n".join(ledger.iterdump())
            await here.app.worker.abandon()
    return f"{dump}\n"


def main() -> int:
    """Write the files; return 1 where this release has its ledger already, which is never made anew."""
    path = FOLDER / f"{__version__}.sql"
    if path.exists():
        print(f"{path.name} is there: a ledger is kept once, by the release itself", file=sys.stderr)
        return 1
    path.write_text(asyncio.run(lived_through()), "utf-8")
    SEALS.write_text(sums(), "utf-8")
    print(f"kept {path.name}, and sealed the migrations in {SEALS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
