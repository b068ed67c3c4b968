"""How high cards are on a phone, whose screen shows some 650 px: measured in a browser."""

import pytest

from tests.gallery import LINKS, PHONE, Gallery
from tests.story import CHROMIUM
from tests.world import World

LIMITS = {
    "request-5-390": 560,
    "request-30-390": 800,
    "request-2000-390": 800,
    "queued-113-390": 700,
    "help-390": 650,
}


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
@pytest.mark.usefixtures("env")
@pytest.mark.sqlite
@pytest.mark.settings(**LINKS)
async def test_cards_fit_a_phone(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    heights = await Gallery(here).photograph(PHONE)
    with capsys.disabled():
        print(f"\n{'card':18} {'px':>5} {'at most':>7}")
        for name, height in heights.items():
            print(f"{name:18} {height:>5} {LIMITS.get(name, ''):>7}")
    too_high = {name for name, height in heights.items() if height > LIMITS.get(name, height)}
    assert too_high == set()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
@pytest.mark.usefixtures("env")
@pytest.mark.sqlite
async def test_cards_fit_a_phone_after_their_last_edit(here: World) -> None:
    heights = await Gallery(here).photograph(PHONE, names=["request-5-last", "request-2000-last"])
    assert heights["request-5-last-390"] <= 650
    assert heights["request-2000-last-390"] <= LIMITS["request-2000-390"]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
@pytest.mark.usefixtures("env")
@pytest.mark.sqlite
@pytest.mark.parametrize("locale", ["es-ES", "pt-BR"])
async def test_cards_fit_a_phone_in_languages_of_longer_words(here: World, locale: str) -> None:
    heights = await Gallery(here, locale).photograph(PHONE, names=["request-5", "queued-113"])
    assert {name: height for name, height in heights.items() if height > LIMITS[name]} == {}
