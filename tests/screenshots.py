"""Takes the pictures in docs/ of the bot's main cards, as a phone and a desktop show them: `make screenshots`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.gallery import DESKTOP, LINKS, PHONE, Gallery
from tests.ledgers import ledger_in
from tests.story import CHROMIUM, ROOT
from tests.world import world

FOLDER = ROOT / "docs" / "pictures"
_NAMES = ("request-5", "request-30", "question-30", "notice", "queued-113", "help")
_COLOURS = 96
"""Enough for text on cards, at a quarter of the size."""


def main() -> None:
    """Play the cards and write docs/pictures/<card>-<width>.png."""
    if CHROMIUM is None:
        sys.exit("This needs a Chromium (Debian: apt install chromium).")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, ledger_in(Path(folder), None) as below:
        asyncio.run(_take(Path(folder), below))


async def _take(folder: Path, below: object) -> None:
    async with world(folder, below, **LINKS) as here:
        heights = await Gallery(here).photograph(PHONE, DESKTOP, names=_NAMES, folder=FOLDER)
        for name, height in heights.items():
            picture = FOLDER / f"{name}.png"
            with Image.open(picture) as drawn:
                drawn.quantize(_COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)
            print(f"{picture.relative_to(ROOT)}: {height} px high, {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
